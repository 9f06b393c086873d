//! The client itself.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::artifacts::Artifacts;
use crate::client::backfills::Backfills;
use crate::client::builder::OrchestratorBuilder;
use crate::client::connection::{Connection, Jobs, RunCalls, TaskRunner};
use crate::client::enqueuer::{Answer, Enqueuer, Sender, batches_of};
use crate::client::explaining::Explanation;
use crate::client::job::{Job, JobDetail, JobEvent};
use crate::client::job_request::JobRequest;
use crate::client::lease::{CheckedLease, Lease};
use crate::client::listing::{JobFilter, Pages};
use crate::client::names::{CancelOutcome, JobState, RetryOutcome};
use crate::client::outcomes::{CancelledJob, EnqueuedJob, RetriedJob};
use crate::client::pipelines::Pipelines;
use crate::client::reason::Reason;
use crate::client::run_spec::RunRequest;
use crate::client::run_view::{CreatedRun, RunDetail, ids_by_name};
use crate::client::runs::Runs;
use crate::client::watching::{Watch, WatchTarget};
use crate::client::watermarks::Watermarks;
use crate::contract::to_duration;
use crate::error::{Error, ErrorKind, absent};
use crate::proto::v1;
use crate::retry::with_retries;
use crate::trace::{Lineage, TraceHook};

/// Puts work in, looks at it, stops it, runs it again.
///
/// A clone is cheap and shares the HTTP/2 connection, which the first call opens. Calls that fail
/// for a passing reason are repeated until the [timeout](Self::with_timeout) is over; every call
/// is safe to repeat. To give a call up, drop its future: what was sent may still take effect.
///
/// ```no_run
/// # async fn example() -> Result<(), stellaops_orchestrator::Error> {
/// use stellaops_orchestrator::{JobRequest, Orchestrator};
///
/// let orchestrator = Orchestrator::builder().url("http://127.0.0.1:7400").build()?;
/// let request = JobRequest::new("concelier.ingest.osv").payload("osv.dev");
/// let job = orchestrator.enqueue(request).await?;
/// let done = orchestrator.wait_for_job(&job.job_id).await?;
/// println!("{} after {} attempts", done.state, done.attempt);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Orchestrator {
    pub(super) connection: Connection,
    pub(super) enqueuer: Enqueuer,
    pub(super) timeout: Duration,
    pub(super) trace_hook: Option<TraceHook>,
    pub(super) lineage: Option<Arc<Lineage>>,
}

impl fmt::Debug for Orchestrator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Orchestrator").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

impl Orchestrator {
    /// Options for a client; all have defaults.
    pub fn builder() -> OrchestratorBuilder {
        OrchestratorBuilder::default()
    }

    /// A client with every option at its default.
    ///
    /// # Errors
    /// As [`OrchestratorBuilder::build`].
    pub fn new() -> Result<Self, Error> {
        Self::builder().build()
    }

    /// The same client with another timeout: how long a call may take with all its repetitions,
    /// and how long a transfer may stall. Jobs of [`enqueue`](Self::enqueue) that share a batch
    /// keep the timeout that the client was built with, and this one bounds the wait for them.
    #[must_use]
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        Self { timeout, ..self.clone() }
    }

    /// The same client with a handler's lineage.
    pub(crate) fn with_lineage(&self, lineage: Arc<Lineage>) -> Self {
        Self { lineage: Some(lineage), ..self.clone() }
    }

    /// Bytes that jobs produce or read.
    #[must_use]
    pub fn artifacts(&self) -> Artifacts {
        Artifacts::new(self.connection.clone(), self.timeout)
    }

    /// Live and finished runs: appends to them, cancels and replays them.
    #[must_use]
    pub fn runs(&self) -> Runs {
        Runs::new(self.clone())
    }

    /// Named runs that the ledger keeps.
    #[must_use]
    pub fn pipelines(&self) -> Pipelines {
        Pipelines::new(self.clone())
    }

    /// Up to which event time sources are complete.
    #[must_use]
    pub fn watermarks(&self) -> Watermarks {
        Watermarks::new(self.clone())
    }

    /// Covers event time that was missed.
    #[must_use]
    pub fn backfills(&self) -> Backfills {
        Backfills::new(self.clone())
    }

    /// Puts one job into the ledger; once this returns it is durable. Concurrent calls share a
    /// batch, and a bad job in it never fails its neighbours.
    ///
    /// # Errors
    /// `AlreadyExists` (`IDEMPOTENCY_CONFLICT`), `InvalidArgument` (`PAYLOAD_TOO_LARGE`, or with
    /// [violations](Error::violations); `WINDOW_INVALID`), `FailedPrecondition`
    /// (`PAYLOAD_ARTIFACT_NOT_FOUND`, `WINDOW_SERIES_NOT_FOUND`).
    pub async fn enqueue(&self, request: JobRequest) -> Result<EnqueuedJob, Error> {
        let spec = self.spec_of(request);
        let job_id = spec.job_id.clone();
        let limit = self.timeout.saturating_add(Duration::from_secs(1));
        let answer = tokio::time::timeout(limit, self.enqueuer.add(spec)).await;
        to_result(&job_id, answer.unwrap_or_else(|_| Err(too_late(self.timeout))))
    }

    /// Puts many jobs into the ledger; a result per job, in order. A rejected job does not stop
    /// its neighbours. All jobs are encoded in memory: for millions, call this in slices.
    pub async fn enqueue_many(
        &self,
        requests: impl IntoIterator<Item = JobRequest>,
    ) -> Vec<Result<EnqueuedJob, Error>> {
        let requests = requests.into_iter();
        let specs: Vec<_> = requests.map(|request| self.spec_of(request)).collect();
        let sender = Sender { connection: self.connection.clone(), timeout: self.timeout };
        let mut results = Vec::with_capacity(specs.len());
        for batch in batches_of(&specs) {
            let answers = sender.send_isolated(batch).await;
            let jobs = batch.iter().zip(answers);
            results.extend(jobs.map(|(spec, answer)| to_result(&spec.job_id, answer)));
        }
        results
    }

    /// Makes a run of jobs with edges between them, all of it or nothing; [`runs`](Self::runs) has
    /// what can be done with it.
    ///
    /// # Errors
    /// `InvalidArgument` (`GRAPH_CYCLE`, `GRAPH_UNKNOWN_JOB`, `GRAPH_DUPLICATE_NAME`,
    /// `GRAPH_REPEATED_EDGE`, `GRAPH_UNREACHABLE`, `GRAPH_TOO_LARGE`, `PAYLOAD_TOO_LARGE`,
    /// `WINDOW_INVALID`) with violations, `FailedPrecondition` (`PAYLOAD_ARTIFACT_NOT_FOUND`,
    /// `WINDOW_SERIES_NOT_FOUND`), `AlreadyExists`.
    pub async fn create_run(&self, request: RunRequest) -> Result<CreatedRun, Error> {
        let lineage = self.lineage();
        let message = request.into_message(self.trace_hook.as_ref(), lineage.as_deref());
        let client = self.connection.runs();
        let call = |mut client: RunCalls, request| async move { client.create_run(request).await };
        let response = with_retries(self.timeout, client, message.clone(), call).await?;
        let names = message.jobs.into_iter().map(|job| job.name);
        let job_ids = ids_by_name(names, response.job_ids);
        Ok(CreatedRun {
            run_id: response.run.map_or(message.run_id, |run| run.run_id),
            job_ids,
            already_existed: response.already_existed,
        })
    }

    /// A run with its jobs (without payloads) and edges.
    ///
    /// # Errors
    /// `NotFound` (`RUN_NOT_FOUND`).
    pub async fn get_run(&self, run_id: &str) -> Result<RunDetail, Error> {
        let request = v1::GetRunRequest { run_id: run_id.to_owned() };
        let client = self.connection.runs();
        let call = |mut client: RunCalls, request| async move { client.get_run(request).await };
        with_retries(self.timeout, client, request, call).await?.try_into()
    }

    /// A job with its attempts and artifacts.
    ///
    /// # Errors
    /// `NotFound` (`JOB_NOT_FOUND`).
    pub async fn get_job(&self, job_id: &str) -> Result<JobDetail, Error> {
        let request = v1::GetJobRequest { job_id: job_id.to_owned() };
        let client = self.connection.jobs();
        let call = |mut client: Jobs, request| async move { client.get_job(request).await };
        let response = with_retries(self.timeout, client, request, call).await?;
        Ok(JobDetail {
            job: response.job.ok_or_else(|| absent("job"))?.into(),
            attempts: response.attempts.into_iter().map(Into::into).collect(),
        })
    }

    /// Lists jobs, newest first, without payloads, fetching pages as they are wanted.
    pub fn list_jobs(&self, filter: JobFilter) -> Pages<Job> {
        let (client, timeout) = (self.connection.jobs(), self.timeout);
        let filter = Some(v1::JobFilter::from(filter));
        Pages::new(move |page_token| {
            let client = client.clone();
            let request = v1::ListJobsRequest { filter: filter.clone(), page_size: 0, page_token };
            async move {
                let call =
                    |mut client: Jobs, request| async move { client.list_jobs(request).await };
                let page = with_retries(timeout, client, request, call).await?;
                let jobs = page.jobs.into_iter().map(Into::into).collect();
                Ok((jobs, page.next_page_token))
            }
        })
    }

    /// Yields each job as it is, then again after each change, and ends when all have finished.
    pub fn watch_jobs(&self, target: WatchTarget) -> Watch {
        Watch::new(self.connection.clone(), target)
    }

    /// Waits until a job has finished, however it ends, and returns it. Waits for ever: wrap it
    /// in [`tokio::time::timeout`] where that is too long.
    ///
    /// # Errors
    /// `NotFound` (`JOB_NOT_FOUND`).
    pub async fn wait_for_job(&self, job_id: &str) -> Result<JobDetail, Error> {
        let mut watch = self.watch_jobs(WatchTarget::jobs([job_id]));
        while let Some(job) = watch.next().await? {
            if job.state.is_terminal() {
                break;
            }
        }
        self.get_job(job_id).await
    }

    /// Cancels jobs; a result per job, in order. A running one is asked to stop and has `grace`
    /// for it; the lease policy's drain grace if none.
    ///
    /// # Errors
    /// `InvalidArgument` for ids that are none, or more than 1,000.
    pub async fn cancel_jobs<I: Into<String>>(
        &self,
        job_ids: impl IntoIterator<Item = I>,
        reason: impl Into<Reason>,
        grace: Option<Duration>,
    ) -> Result<Vec<CancelledJob>, Error> {
        let reason = reason.into();
        let request = v1::CancelJobsRequest {
            job_ids: job_ids.into_iter().map(Into::into).collect(),
            reason: reason.text,
            ticket: reason.ticket,
            grace: grace.map(to_duration),
        };
        let client = self.connection.jobs();
        let call = |mut client: Jobs, request| async move { client.cancel_jobs(request).await };
        let response = with_retries(self.timeout, client, request, call).await?;
        let results = response.results.into_iter().map(|result| CancelledJob {
            job_id: result.job_id,
            outcome: CancelOutcome::from_number(result.outcome),
            state: JobState::from_number(result.state),
        });
        Ok(results.collect())
    }

    /// Makes dead jobs ready again with fresh budgets, and scheduled ones ready now; a result
    /// per job, in order.
    ///
    /// # Errors
    /// `InvalidArgument` for ids that are none, or more than 1,000.
    pub async fn retry_jobs<I: Into<String>>(
        &self,
        job_ids: impl IntoIterator<Item = I>,
        reason: impl Into<Reason>,
    ) -> Result<Vec<RetriedJob>, Error> {
        let reason = reason.into();
        let request = v1::RetryJobsRequest {
            job_ids: job_ids.into_iter().map(Into::into).collect(),
            reason: reason.text,
            ticket: reason.ticket,
        };
        let client = self.connection.jobs();
        let call = |mut client: Jobs, request| async move { client.retry_jobs(request).await };
        let response = with_retries(self.timeout, client, request, call).await?;
        let results = response.results.into_iter().map(|result| RetriedJob {
            job_id: result.job_id,
            outcome: RetryOutcome::from_number(result.outcome),
            state: JobState::from_number(result.state),
        });
        Ok(results.collect())
    }

    /// Says why a job does not run.
    ///
    /// # Errors
    /// `NotFound` (`JOB_NOT_FOUND`).
    pub async fn explain_job(&self, job_id: &str) -> Result<Explanation, Error> {
        let request = v1::ExplainJobRequest { job_id: job_id.to_owned() };
        let client = self.connection.jobs();
        let call = |mut client: Jobs, request| async move { client.explain_job(request).await };
        with_retries(self.timeout, client, request, call).await.map(Into::into)
    }

    /// A job's append-only history, oldest first, fetching pages as they are wanted.
    pub fn job_events(&self, job_id: &str) -> Pages<JobEvent> {
        let (client, timeout, job_id) = (self.connection.jobs(), self.timeout, job_id.to_owned());
        Pages::new(move |page_token| {
            let client = client.clone();
            let request =
                v1::ListJobEventsRequest { job_id: job_id.clone(), page_size: 0, page_token };
            async move {
                let call = |mut client: Jobs, request| async move {
                    client.list_job_events(request).await
                };
                let page = with_retries(timeout, client, request, call).await?;
                let events = page.events.into_iter().map(Into::into).collect();
                Ok((events, page.next_page_token))
            }
        })
    }

    /// Says whether a lease is the current one, so that any store can refuse a stale writer. For
    /// a fence that holds, store the lease epoch with what you write and refuse a smaller one.
    ///
    /// # Errors
    /// `NotFound` (`JOB_NOT_FOUND`).
    pub async fn check_lease(&self, lease: &Lease) -> Result<CheckedLease, Error> {
        let request = v1::CheckLeaseRequest { lease: Some(lease.into()) };
        let client = self.connection.task_runner();
        let call =
            |mut client: TaskRunner, request| async move { client.check_lease(request).await };
        with_retries(self.timeout, client, request, call).await.map(Into::into)
    }

    pub(super) fn lineage(&self) -> Option<Arc<Lineage>> {
        self.lineage.clone().or_else(Lineage::current)
    }

    fn spec_of(&self, request: JobRequest) -> v1::JobSpec {
        request.into_spec(self.trace_hook.as_ref(), self.lineage().as_deref(), true)
    }
}

/// The public result of an answer. A DUPLICATE of our own id is our own earlier, lost try.
fn to_result(job_id: &str, answer: Answer) -> Result<EnqueuedJob, Error> {
    let result = answer?;
    match v1::EnqueueOutcome::try_from(result.outcome) {
        Ok(v1::EnqueueOutcome::Created) => {
            Ok(EnqueuedJob { job_id: result.job_id, is_duplicate: false })
        }
        Ok(v1::EnqueueOutcome::Duplicate) => {
            Ok(EnqueuedJob { is_duplicate: result.job_id != job_id, job_id: result.job_id })
        }
        _ => Err(Error::from_item(result.error)),
    }
}

fn too_late(timeout: Duration) -> Error {
    let message = format!("no answer within {timeout:?}");
    Error::new(ErrorKind::DeadlineExceeded, "CALL_TIMEOUT", message).retryable(true)
}
