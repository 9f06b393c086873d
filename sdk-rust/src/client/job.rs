//! Jobs, attempts and events as the ledger has them.

use std::collections::HashMap;
use std::ops::Deref;
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use crate::client::names::{AttemptOutcome, FailureClass, JobState};
use crate::client::window::EventWindow;
use crate::contract::{from_duration, from_timestamp, non_empty};
use crate::proto::v1;
use crate::trace::TraceContext;

/// A job as the ledger has it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Job {
    /// The id, a UUIDv7.
    pub job_id: String,
    /// The owner.
    pub tenant: String,
    /// What kind of work it is, a dotted name.
    pub job_type: String,
    /// Where it waits.
    pub queue: String,
    /// The project within the tenant.
    pub project: Option<String>,
    /// The upstream that it reads from.
    pub source: Option<String>,
    /// What it shares a concurrency limit by.
    pub concurrency_key: Option<String>,
    /// −10 to 10, higher goes first.
    pub priority: i32,
    /// For people and filters.
    pub labels: HashMap<String, String>,
    /// The key that the producer gave it.
    pub idempotency_key: Option<String>,
    /// Ties together what belongs to one business event.
    pub correlation_id: String,
    /// The producer's W3C trace context.
    pub trace_context: TraceContext,
    /// The input; empty in lists and watches.
    pub payload: Bytes,
    /// The media type of the payload.
    pub payload_media_type: String,
    /// The digest of the artifact that is the input.
    pub payload_artifact: Option<String>,
    /// Where it stands.
    pub state: JobState,
    /// The number of the newest attempt; 0 before the first.
    pub attempt: i32,
    /// How many attempts failed since it was enqueued or retried by an operator.
    pub failures: i32,
    /// How many attempts were interrupted in the interruption window.
    pub interruptions: i32,
    /// When it entered the ledger.
    pub create_time: Option<SystemTime>,
    /// When the newest attempt started.
    pub start_time: Option<SystemTime>,
    /// When it became succeeded, dead or cancelled.
    pub finish_time: Option<SystemTime>,
    /// When a scheduled job becomes ready.
    pub scheduled_time: Option<SystemTime>,
    /// Why the newest attempt did not succeed, or why the job was cancelled.
    pub last_failure: Option<Failure>,
    /// The inline result of the successful attempt.
    pub result: Bytes,
    /// The newest progress report.
    pub progress: Option<JobProgress>,
    /// The run that it belongs to.
    pub run_id: Option<String>,
    /// Its name in the run.
    pub name: Option<String>,
    /// The worker that holds it, while offered or running.
    pub worker_id: Option<String>,
    /// Artifacts bound to it by its successful attempt.
    pub artifacts: Vec<BoundArtifact>,
    /// The event time of its source that it covers.
    pub window: Option<EventWindow>,
    /// Whether it was cancelled because its run did not need it.
    pub is_skipped: bool,
}

/// How far an attempt got.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct JobProgress {
    /// From 0 to 1.
    pub fraction: f64,
    /// For people.
    pub message: String,
    /// What the next attempt is handed.
    pub checkpoint: Bytes,
}

/// Why an attempt did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// The cause.
    pub failure_class: FailureClass,
    /// What went wrong, for people.
    pub message: String,
    /// True: no further attempt could succeed.
    pub is_terminal: bool,
    /// The earliest moment of the next attempt, counted from the failure.
    pub retry_after: Option<Duration>,
}

/// An artifact as the product of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BoundArtifact {
    /// The name within the attempt, such as `"sbom.cdx.json"`.
    pub name: String,
    /// `"sha256:"` and 64 lower-case hexadecimal digits.
    pub digest: String,
    /// The size in bytes.
    pub size_bytes: u64,
    /// The media type.
    pub media_type: String,
    /// The attempt that produced it.
    pub attempt: i32,
    /// The lease epoch under which it was produced.
    pub lease_epoch: i64,
}

/// One ended try at a job.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// 1 for the first.
    pub attempt: i32,
    /// The lease epoch that it ran under.
    pub lease_epoch: i64,
    /// The worker that ran it.
    pub worker_id: String,
    /// When it was accepted.
    pub start_time: Option<SystemTime>,
    /// When it ended.
    pub finish_time: Option<SystemTime>,
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// Why it did not succeed.
    pub failure: Option<Failure>,
}

/// A [`Job`], to which it dereferences, with its ended attempts.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct JobDetail {
    /// The job.
    pub job: Job,
    /// Its ended attempts, oldest first, the newest 100.
    pub attempts: Vec<Attempt>,
}

impl Deref for JobDetail {
    type Target = Job;

    fn deref(&self) -> &Job {
        &self.job
    }
}

/// One change of a job, with its provenance.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct JobEvent {
    /// Grows along a job's history; not dense.
    pub event_id: i64,
    /// When, by the database's clock.
    pub time: Option<SystemTime>,
    /// What happened: `"enqueued"`, `"offered"`, `"started"`, `"succeeded"` and so on.
    pub kind: String,
    /// Where the job stood before; unknown for the first event.
    pub from_state: JobState,
    /// Where it stands since.
    pub to_state: JobState,
    /// The owner.
    pub tenant: String,
    /// The project.
    pub project: Option<String>,
    /// The job.
    pub job_id: String,
    /// Its type.
    pub job_type: String,
    /// Its correlation id.
    pub correlation_id: String,
    /// The worker involved.
    pub worker_id: Option<String>,
    /// The attempt involved; 0 if none.
    pub attempt: i32,
    /// The lease epoch involved; 0 if none.
    pub lease_epoch: i64,
    /// Who caused it: `"producer"`, `"worker"`, `"operator"` or a loop of the server.
    pub actor: String,
    /// Why, if there is a reason to tell.
    pub reason: Option<String>,
}

impl From<v1::Job> for Job {
    fn from(job: v1::Job) -> Self {
        let spec = job.spec.unwrap_or_default();
        Self {
            job_id: job.job_id,
            tenant: job.tenant,
            job_type: spec.job_type,
            queue: spec.queue,
            project: non_empty(spec.project),
            source: non_empty(spec.source),
            concurrency_key: non_empty(spec.concurrency_key),
            priority: spec.priority,
            labels: spec.labels,
            idempotency_key: non_empty(spec.idempotency_key),
            correlation_id: spec.correlation_id,
            trace_context: TraceContext::new(spec.traceparent, spec.tracestate),
            payload: spec.payload,
            payload_media_type: spec.payload_media_type,
            payload_artifact: non_empty(spec.payload_artifact),
            state: JobState::from_number(job.state),
            attempt: job.attempt,
            failures: job.failures,
            interruptions: job.interruptions,
            create_time: from_timestamp(job.create_time),
            start_time: from_timestamp(job.start_time),
            finish_time: from_timestamp(job.finish_time),
            scheduled_time: from_timestamp(job.scheduled_time),
            last_failure: job.last_failure.map(Into::into),
            result: job.result,
            progress: job.progress.map(|progress| JobProgress {
                fraction: progress.fraction,
                message: progress.message,
                checkpoint: progress.checkpoint,
            }),
            run_id: non_empty(job.run_id),
            name: non_empty(job.name),
            worker_id: non_empty(job.worker_id),
            artifacts: job.artifacts.into_iter().map(Into::into).collect(),
            window: spec.window.and_then(EventWindow::from_message),
            is_skipped: job.skipped,
        }
    }
}

impl From<v1::Failure> for Failure {
    fn from(failure: v1::Failure) -> Self {
        Self {
            failure_class: FailureClass::from_number(failure.failure_class),
            message: failure.message,
            is_terminal: failure.terminal,
            retry_after: failure.retry_after.map(from_duration),
        }
    }
}

impl From<v1::ArtifactBinding> for BoundArtifact {
    fn from(binding: v1::ArtifactBinding) -> Self {
        Self {
            name: binding.name,
            digest: binding.digest,
            size_bytes: binding.size_bytes.max(0).unsigned_abs(),
            media_type: binding.media_type,
            attempt: binding.attempt,
            lease_epoch: binding.lease_epoch,
        }
    }
}

impl From<v1::Attempt> for Attempt {
    fn from(attempt: v1::Attempt) -> Self {
        Self {
            attempt: attempt.attempt,
            lease_epoch: attempt.lease_epoch,
            worker_id: attempt.worker_id,
            start_time: from_timestamp(attempt.start_time),
            finish_time: from_timestamp(attempt.finish_time),
            outcome: AttemptOutcome::from_number(attempt.outcome),
            failure: attempt.failure.map(Into::into),
        }
    }
}

impl From<v1::JobEvent> for JobEvent {
    fn from(event: v1::JobEvent) -> Self {
        Self {
            event_id: event.event_id,
            time: from_timestamp(event.time),
            kind: event.kind,
            from_state: JobState::from_number(event.from_state),
            to_state: JobState::from_number(event.to_state),
            tenant: event.tenant,
            project: non_empty(event.project),
            job_id: event.job_id,
            job_type: event.job_type,
            correlation_id: event.correlation_id,
            worker_id: non_empty(event.worker_id),
            attempt: event.attempt,
            lease_epoch: event.lease_epoch,
            actor: event.actor,
            reason: non_empty(event.reason),
        }
    }
}
