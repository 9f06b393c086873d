//! Live and finished runs.

use std::time::Duration;

use uuid::Uuid;

use crate::client::connection::RunCalls;
use crate::client::lease::Lease;
use crate::client::listing::Pages;
use crate::client::operation::Operation;
use crate::client::orchestrator::Orchestrator;
use crate::client::reason::Reason;
use crate::client::run_spec::RunJob;
use crate::client::run_view::{AppendedJobs, Replay, Run, ids_by_name};
use crate::contract::to_duration;
use crate::error::{Error, absent};
use crate::proto::v1;
use crate::retry::with_retries;

/// Live and finished runs: [`Orchestrator::runs`]. [`Orchestrator::create_run`] makes them,
/// [`Orchestrator::get_run`] shows them.
#[derive(Debug, Clone)]
pub struct Runs(Orchestrator);

impl Runs {
    pub(crate) fn new(orchestrator: Orchestrator) -> Self {
        Self(orchestrator)
    }

    /// Lists runs, newest first, fetching pages as they are wanted.
    pub fn list(&self, filter: RunFilter) -> Pages<Run> {
        let (client, timeout) = (self.0.connection.runs(), self.0.timeout);
        let first = v1::ListRunsRequest {
            project: filter.project.unwrap_or_default(),
            pipeline: filter.pipeline.unwrap_or_default(),
            replay_of: filter.replay_of.unwrap_or_default(),
            ..Default::default()
        };
        Pages::new(move |page_token| {
            let client = client.clone();
            let request = v1::ListRunsRequest { page_token, ..first.clone() };
            async move {
                let call =
                    |mut client: RunCalls, request| async move { client.list_runs(request).await };
                let page = with_retries(timeout, client, request, call).await?;
                Ok((page.runs.into_iter().map(Into::into).collect(), page.next_page_token))
            }
        })
    }

    /// Adds 1 to 1,000 jobs to an open run: all of them or none. They can depend on each other and
    /// on jobs that the run has. A name that the run has already, with the same content, is the
    /// same job, so that a batch can be repeated.
    ///
    /// # Errors
    /// Those of [`create_run`](Orchestrator::create_run); `NotFound` (`RUN_NOT_FOUND`);
    /// `FailedPrecondition` (`RUN_CLOSED`, `RUN_CANCELLED`); `AlreadyExists`
    /// (`JOB_NAME_CONFLICT`).
    pub async fn append(
        &self,
        run_id: &str,
        jobs: impl IntoIterator<Item = RunJob>,
    ) -> Result<AppendedJobs, Error> {
        self.send_jobs(run_id, jobs, None, false).await
    }

    /// Adds the last jobs, like [`append`](Self::append), and closes the run in the same
    /// transaction.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    pub async fn append_and_close(
        &self,
        run_id: &str,
        jobs: impl IntoIterator<Item = RunJob>,
    ) -> Result<AppendedJobs, Error> {
        self.send_jobs(run_id, jobs, None, true).await
    }

    /// Appends under a lease of a job of the run, which need not be open then.
    pub(crate) async fn fan_out(
        &self,
        run_id: &str,
        jobs: impl IntoIterator<Item = RunJob>,
        lease: &Lease,
    ) -> Result<AppendedJobs, Error> {
        self.send_jobs(run_id, jobs, Some(lease.into()), false).await
    }

    async fn send_jobs(
        &self,
        run_id: &str,
        jobs: impl IntoIterator<Item = RunJob>,
        fan_out: Option<v1::LeaseRef>,
        close: bool,
    ) -> Result<AppendedJobs, Error> {
        let (hook, lineage) = (self.0.trace_hook.as_ref(), self.0.lineage());
        let jobs = jobs.into_iter().map(|job| job.into_appended(hook, lineage.as_deref()));
        let request =
            v1::AppendJobsRequest { run_id: run_id.into(), jobs: jobs.collect(), fan_out, close };
        let names: Vec<_> = request.jobs.iter().map(|job| job.name.clone()).collect();
        let client = self.0.connection.runs();
        let call = |mut client: RunCalls, request| async move { client.append_jobs(request).await };
        let response = with_retries(self.0.timeout, client, request, call).await?;
        let job_ids = ids_by_name(names, response.job_ids);
        Ok(AppendedJobs { job_ids, existing: response.existing })
    }

    /// Closes an open run: only handlers of its jobs can append from now on. Returns it as it is
    /// now.
    ///
    /// # Errors
    /// `NotFound` (`RUN_NOT_FOUND`).
    pub async fn close(&self, run_id: &str) -> Result<Run, Error> {
        let request = v1::CloseRunRequest { run_id: run_id.into() };
        let client = self.0.connection.runs();
        let call = |mut client: RunCalls, request| async move { client.close_run(request).await };
        let response = with_retries(self.0.timeout, client, request, call).await?;
        response.run.map(Into::into).ok_or_else(|| absent("run"))
    }

    /// Cancels every unfinished job of a run, in batches. Returns when the ledger has the order,
    /// not when all have stopped: [watch](Orchestrator::watch_jobs) the run for that. A running
    /// job has `grace` to stop; the lease policy's drain grace if none.
    ///
    /// # Errors
    /// `NotFound` (`RUN_NOT_FOUND`).
    pub async fn cancel(
        &self,
        run_id: &str,
        reason: impl Into<Reason>,
        grace: Option<Duration>,
    ) -> Result<Operation, Error> {
        let reason = reason.into();
        let request = v1::CancelRunRequest {
            run_id: run_id.into(),
            request_id: Uuid::now_v7().to_string(),
            reason: reason.text,
            ticket: reason.ticket,
            grace: grace.map(to_duration),
        };
        let client = self.0.connection.runs();
        let call = |mut client: RunCalls, request| async move { client.cancel_run(request).await };
        let response = with_retries(self.0.timeout, client, request, call).await?;
        response.operation.map(Into::into).ok_or_else(|| absent("operation"))
    }

    /// Runs a part of a finished run again, as a new run that is linked to it; the first one's
    /// history is untouched.
    ///
    /// # Errors
    /// `NotFound` (`RUN_NOT_FOUND`, `JOB_NOT_FOUND`: a name that the run does not have),
    /// `FailedPrecondition` (`RUN_ACTIVE`, `NOTHING_TO_REPLAY`).
    pub async fn replay(
        &self,
        run_id: &str,
        what: ReplayRequest,
        reason: impl Into<Reason>,
    ) -> Result<Replay, Error> {
        let reason = reason.into();
        let request = v1::ReplayRunRequest {
            run_id: run_id.into(),
            request_id: Uuid::now_v7().to_string(),
            job_names: what.job_names,
            include_downstream: what.include_downstream,
            rerun_upstream: what.rerun_upstream,
            dry_run: what.dry_run,
            reason: reason.text,
            ticket: reason.ticket,
        };
        let client = self.0.connection.runs();
        let call = |mut client: RunCalls, request| async move { client.replay_run(request).await };
        with_retries(self.0.timeout, client, request, call).await.map(Into::into)
    }
}

/// Narrows a list of runs; what is set must all match.
///
/// ```
/// use stellaops_orchestrator::RunFilter;
///
/// let filter = RunFilter { pipeline: Some("nightly".into()), ..RunFilter::default() };
/// # let _ = filter;
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// This project.
    pub project: Option<String>,
    /// Made from this pipeline.
    pub pipeline: Option<String>,
    /// Replays of this run.
    pub replay_of: Option<String>,
}

/// What [`Runs::replay`] runs again.
///
/// ```
/// use stellaops_orchestrator::ReplayRequest;
///
/// let preview = ReplayRequest::new().job("scan").include_downstream(true).dry_run(true);
/// # let _ = preview;
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct ReplayRequest {
    job_names: Vec<String>,
    include_downstream: bool,
    rerun_upstream: bool,
    dry_run: bool,
}

impl ReplayRequest {
    /// Every job that did not succeed, skipped ones aside, unless jobs are named.
    pub fn new() -> Self {
        Self::default()
    }

    /// The job of this name; up to 1,000 can be named.
    pub fn job(mut self, name: impl Into<String>) -> Self {
        self.job_names.push(name.into());
        self
    }

    /// Whether everything that depends on these jobs runs again, too. False unless told.
    pub fn include_downstream(mut self, include_downstream: bool) -> Self {
        self.include_downstream = include_downstream;
        self
    }

    /// Whether what they depend on runs again, too, instead of its artifacts being reused. False
    /// unless told.
    pub fn rerun_upstream(mut self, rerun_upstream: bool) -> Self {
        self.rerun_upstream = rerun_upstream;
        self
    }

    /// Whether to say what would run, and why, and change nothing. False unless told.
    pub fn dry_run(mut self, dry_run: bool) -> Self {
        self.dry_run = dry_run;
        self
    }
}
