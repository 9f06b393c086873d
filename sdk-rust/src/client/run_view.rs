//! Runs as the ledger has them.

use std::collections::HashMap;
use std::ops::Deref;
use std::time::SystemTime;

use crate::client::job::Job;
use crate::client::names::JobState;
use crate::client::plan_names::{EdgeCondition, OnFailure, ReplayCause, RunState};
use crate::contract::{from_timestamp, non_empty};
use crate::error::{Error, absent};
use crate::proto::v1;

/// The run that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CreatedRun {
    /// The id, a UUIDv7.
    pub run_id: String,
    /// The jobs' ids by their names.
    pub job_ids: HashMap<String, String>,
    /// True: an earlier try of the same call had made it.
    pub already_existed: bool,
}

/// What was appended to a run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AppendedJobs {
    /// The jobs' ids by their names.
    pub job_ids: HashMap<String, String>,
    /// How many of them were there already, with the same content.
    pub existing: i32,
}

/// A run as the ledger has it, without what its jobs sum up to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Run {
    /// The id, a UUIDv7.
    pub run_id: String,
    /// The owner.
    pub tenant: String,
    /// For people.
    pub display_name: String,
    /// The project.
    pub project: Option<String>,
    /// The correlation id.
    pub correlation_id: String,
    /// When it was made.
    pub create_time: Option<SystemTime>,
    /// Whether [`Runs::append`](crate::Runs::append) can add to it.
    pub is_open: bool,
    /// Whether somebody cancelled it as a whole.
    pub is_cancel_requested: bool,
    /// Whether it is a replay whose jobs are still being written; none of them starts before.
    pub is_building: bool,
    /// The run that this one replays.
    pub replay_of: Option<String>,
    /// The pipeline that it was made from.
    pub pipeline: Option<String>,
    /// The pipeline's version; 0 without a pipeline.
    pub pipeline_version: i32,
    /// The schedule that made it.
    pub schedule: Option<String>,
}

/// A dependency between two jobs of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Edge {
    /// The job that must end first.
    pub from_job_id: String,
    /// The job that waits.
    pub to_job_id: String,
    /// What happens when the first does not succeed.
    pub on_failure: OnFailure,
    /// Which end of the first lets the second go.
    pub when: EdgeCondition,
    /// Whether the second waits for what the first fans out, too.
    pub includes_fan_out: bool,
}

/// A [`Run`], to which it dereferences, with everything in it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RunDetail {
    /// The run.
    pub run: Run,
    /// The sum of its jobs.
    pub state: RunState,
    /// How many jobs stand where; states without jobs are missing.
    pub counts: HashMap<JobState, i32>,
    /// How many of the cancelled jobs were skipped: the run did not need them.
    pub skipped: i32,
    /// Its jobs in the order in which they were asked for, without payloads. Of a replay also
    /// those of the first run that it reuses; their `run_id` tells.
    pub jobs: Vec<Job>,
    /// Its edges.
    pub edges: Vec<Edge>,
    /// True: it has more than 1,000 jobs, and `jobs` and `edges` are empty.
    /// [`list_jobs`](crate::Orchestrator::list_jobs) has them.
    pub is_truncated: bool,
}

impl Deref for RunDetail {
    type Target = Run;

    fn deref(&self) -> &Run {
        &self.run
    }
}

/// A job of the first run and what a replay does with it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReplayedJob {
    /// Its name.
    pub name: String,
    /// Its id in the first run.
    pub job_id: String,
    /// Why.
    pub cause: ReplayCause,
    /// Where it stood in the first run.
    pub state: JobState,
}

/// A replay, or what one would be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Replay {
    /// The new run's id; none after a dry run.
    pub run_id: Option<String>,
    /// What runs again and what is reused, the first 1,000.
    pub jobs: Vec<ReplayedJob>,
    /// How many jobs run again.
    pub running_count: i32,
    /// How many are reused.
    pub reused_count: i32,
}

impl From<v1::Run> for Run {
    fn from(run: v1::Run) -> Self {
        Self {
            run_id: run.run_id,
            tenant: run.tenant,
            display_name: run.display_name,
            project: non_empty(run.project),
            correlation_id: run.correlation_id,
            create_time: from_timestamp(run.create_time),
            is_open: run.open,
            is_cancel_requested: run.cancel_requested,
            is_building: run.building,
            replay_of: non_empty(run.replay_of),
            pipeline: non_empty(run.pipeline),
            pipeline_version: run.pipeline_version,
            schedule: non_empty(run.schedule),
        }
    }
}

impl TryFrom<v1::GetRunResponse> for RunDetail {
    type Error = Error;

    fn try_from(response: v1::GetRunResponse) -> Result<Self, Error> {
        let run = response.run.ok_or_else(|| absent("run"))?;
        let counts =
            run.counts.iter().map(|count| (JobState::from_number(count.state), count.count));
        Ok(Self {
            state: RunState::from_number(run.state),
            counts: counts.collect(),
            skipped: run.skipped,
            run: run.into(),
            jobs: response.jobs.into_iter().map(Into::into).collect(),
            edges: response.edges.into_iter().map(Into::into).collect(),
            is_truncated: response.truncated,
        })
    }
}

impl From<v1::Edge> for Edge {
    fn from(edge: v1::Edge) -> Self {
        Self {
            from_job_id: edge.from_job_id,
            to_job_id: edge.to_job_id,
            on_failure: OnFailure::from_number(edge.on_failure),
            when: EdgeCondition::from_number(edge.condition),
            includes_fan_out: edge.include_fan_out,
        }
    }
}

impl From<v1::ReplayRunResponse> for Replay {
    fn from(replay: v1::ReplayRunResponse) -> Self {
        let jobs = replay.jobs.into_iter().map(|job| ReplayedJob {
            name: job.name,
            job_id: job.job_id,
            cause: ReplayCause::from_number(job.cause),
            state: JobState::from_number(job.state),
        });
        Self {
            run_id: replay.run.map(|run| run.run_id),
            jobs: jobs.collect(),
            running_count: replay.running_count,
            reused_count: replay.reused_count,
        }
    }
}

/// Job ids by the jobs' names, for answers that list ids in the order of the names.
pub(crate) fn ids_by_name(
    names: impl IntoIterator<Item = String>,
    job_ids: Vec<String>,
) -> HashMap<String, String> {
    names.into_iter().zip(job_ids).collect()
}
