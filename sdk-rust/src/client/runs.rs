//! Runs: jobs that belong together, with edges between them.

use std::collections::HashMap;
use std::ops::Deref;
use std::time::SystemTime;

use uuid::Uuid;

use crate::client::job::Job;
use crate::client::job_request::JobRequest;
use crate::client::names::{JobState, OnFailure, RunState};
use crate::contract::{from_timestamp, non_empty};
use crate::proto::v1;
use crate::trace::{Lineage, TraceHook};

/// A run that is to be made: all of it or nothing.
///
/// ```
/// use stellaops_orchestrator::{JobRequest, RunJob, RunRequest};
///
/// let run = RunRequest::new()
///     .display_name("scan of registry.example/app:1.2")
///     .job(RunJob::new("sbom", JobRequest::new("sbom.scan")))
///     .job(RunJob::new("policy", JobRequest::new("policy.evaluate")).after("sbom"));
/// # let _ = run;
/// ```
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct RunRequest {
    display_name: String,
    project: String,
    correlation_id: Option<String>,
    jobs: Vec<RunJob>,
}

impl RunRequest {
    /// A run without jobs, which are up to 1,000.
    pub fn new() -> Self {
        Self::default()
    }

    /// For people.
    pub fn display_name(mut self, name: impl Into<String>) -> Self {
        self.display_name = name.into();
        self
    }

    /// The project within the tenant; jobs without one inherit it.
    pub fn project(mut self, project: impl Into<String>) -> Self {
        self.project = project.into();
        self
    }

    /// Jobs without one inherit it; the surrounding handler's, else the run's id, unless told.
    pub fn correlation_id(mut self, id: impl Into<String>) -> Self {
        self.correlation_id = Some(id.into());
        self
    }

    /// Adds a job.
    pub fn job(mut self, job: RunJob) -> Self {
        self.jobs.push(job);
        self
    }

    /// The request, with a run id of the SDK's own choosing so that it can be repeated.
    pub(crate) fn into_message(
        self,
        hook: Option<&TraceHook>,
        lineage: Option<&Lineage>,
    ) -> v1::CreateRunRequest {
        let correlation_id =
            self.correlation_id.or_else(|| lineage.map(|lineage| lineage.correlation_id.clone()));
        v1::CreateRunRequest {
            run_id: Uuid::now_v7().to_string(),
            display_name: self.display_name,
            project: self.project,
            correlation_id: correlation_id.unwrap_or_default(),
            jobs: self
                .jobs
                .into_iter()
                .map(|job| v1::RunJob {
                    name: job.name,
                    // Not the handler's correlation id: the job inherits the run's, which is it.
                    spec: Some(job.request.into_spec(hook, lineage, false)),
                    depends_on: job.depends_on,
                })
                .collect(),
        }
    }
}

/// A job of a run that is to be made.
#[derive(Debug, Clone)]
#[must_use]
pub struct RunJob {
    name: String,
    request: JobRequest,
    depends_on: Vec<v1::Dependency>,
}

impl RunJob {
    /// A job with a name that is unique in the run.
    pub fn new(name: impl Into<String>, request: JobRequest) -> Self {
        Self { name: name.into(), request, depends_on: Vec::new() }
    }

    /// Starts only after the job of this name has succeeded, and is cancelled should it not.
    pub fn after(self, name: impl Into<String>) -> Self {
        self.after_or(name, OnFailure::Cancel)
    }

    /// Starts only after the job of this name has succeeded; `on_failure` says what happens
    /// should it not.
    pub fn after_or(mut self, name: impl Into<String>, on_failure: OnFailure) -> Self {
        self.depends_on
            .push(v1::Dependency { name: name.into(), on_failure: on_failure.to_number() });
        self
    }
}

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

/// A run as the ledger has it.
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
    /// The sum of its jobs.
    pub state: RunState,
    /// How many jobs stand where; states without jobs are missing.
    pub counts: HashMap<JobState, i32>,
}

/// A dependency between two jobs of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Edge {
    /// The job that must succeed first.
    pub from_job_id: String,
    /// The job that waits.
    pub to_job_id: String,
    /// What happens when the first does not succeed.
    pub on_failure: OnFailure,
}

/// A [`Run`], to which it dereferences, with everything in it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RunDetail {
    /// The run.
    pub run: Run,
    /// Its jobs in the order of the request that made it, without payloads.
    pub jobs: Vec<Job>,
    /// Its edges.
    pub edges: Vec<Edge>,
}

impl Deref for RunDetail {
    type Target = Run;

    fn deref(&self) -> &Run {
        &self.run
    }
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
            state: RunState::from_number(run.state),
            counts: run
                .counts
                .iter()
                .map(|count| (JobState::from_number(count.state), count.count))
                .collect(),
        }
    }
}

impl From<v1::Edge> for Edge {
    fn from(edge: v1::Edge) -> Self {
        Self {
            from_job_id: edge.from_job_id,
            to_job_id: edge.to_job_id,
            on_failure: OnFailure::from_number(edge.on_failure),
        }
    }
}
