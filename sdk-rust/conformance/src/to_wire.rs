//! What the SDK says, in the suite's words.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use stellaops_orchestrator::{
    AppendedJobs, Attempt, EnqueuedJob, Error, EventWindow, Failure, Job, JobDetail, Lease,
    LeaseClocks,
};

use crate::driver;

pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

pub(crate) fn moment(time: SystemTime) -> i64 {
    millis(time.duration_since(UNIX_EPOCH).expect("a moment after 1970"))
}

pub(crate) fn window(window: &EventWindow) -> driver::Window {
    driver::Window {
        scope: window.scope.clone().unwrap_or_default(),
        start_ms: moment(window.start),
        end_ms: moment(window.end),
    }
}

pub(crate) fn appended(appended: AppendedJobs) -> driver::Appended {
    driver::Appended { job_ids: appended.job_ids, existing: appended.existing }
}

fn bytes(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

pub(crate) fn error(error: &Error) -> driver::Error {
    let violations = error.violations().iter().map(|violation| driver::Violation {
        field: violation.field.clone(),
        description: violation.description.clone(),
    });
    driver::Error {
        code: error.kind().to_string(),
        reason: error.reason().into(),
        domain: error.domain().into(),
        metadata: error.metadata().clone(),
        violations: violations.collect(),
        retry_after_ms: error.retry_after().map(millis),
        is_retryable: error.is_retryable(),
        message: error.message().into(),
    }
}

pub(crate) fn lease(lease: &Lease) -> driver::Lease {
    driver::Lease {
        job_id: lease.job_id.clone(),
        attempt: lease.attempt,
        lease_epoch: lease.lease_epoch,
        lease_token: lease.lease_token.clone(),
    }
}

pub(crate) fn enqueued(result: Result<EnqueuedJob, Error>) -> driver::EnqueueResult {
    match result {
        Ok(job) => driver::EnqueueResult {
            outcome: if job.is_duplicate { "duplicate" } else { "created" }.into(),
            job_id: job.job_id,
            error: None,
        },
        Err(cause) => driver::EnqueueResult {
            outcome: "rejected".into(),
            job_id: String::new(),
            error: Some(error(&cause)),
        },
    }
}

fn failure(failure: Failure) -> driver::Failure {
    driver::Failure {
        failure_class: failure.failure_class.to_string(),
        message: failure.message,
        terminal: failure.is_terminal,
        retry_after_ms: failure.retry_after.map(millis),
    }
}

fn attempt(attempt: Attempt) -> driver::Attempt {
    driver::Attempt {
        attempt: attempt.attempt,
        outcome: attempt.outcome.to_string(),
        failure: attempt.failure.map(failure),
    }
}

pub(crate) fn job(job: Job) -> driver::Job {
    let artifacts = job.artifacts.into_iter().map(|artifact| driver::BoundArtifact {
        name: artifact.name,
        digest: artifact.digest,
        size_bytes: i64::try_from(artifact.size_bytes).unwrap_or(i64::MAX),
        media_type: artifact.media_type,
    });
    let (progress_fraction, progress_message) =
        job.progress.map(|progress| (progress.fraction, progress.message)).unwrap_or_default();
    driver::Job {
        job_id: job.job_id,
        job_type: job.job_type,
        state: job.state.to_string(),
        attempt: job.attempt,
        failures: job.failures,
        interruptions: job.interruptions,
        result: job.result,
        last_failure: job.last_failure.map(failure),
        progress_fraction,
        progress_message,
        artifacts: artifacts.collect(),
        attempts: Vec::new(),
        run_id: job.run_id.unwrap_or_default(),
        name: job.name.unwrap_or_default(),
        labels: job.labels,
        correlation_id: job.correlation_id,
        traceparent: job.trace_context.traceparent,
        priority: job.priority,
        payload: job.payload,
        skipped: job.is_skipped,
        window: job.window.as_ref().map(window),
    }
}

pub(crate) fn job_detail(detail: JobDetail) -> driver::Job {
    let attempts = detail.attempts.into_iter().map(attempt).collect();
    driver::Job { attempts, ..job(detail.job) }
}

pub(crate) fn lease_defaults() -> driver::LeaseDefaults {
    let clocks = LeaseClocks::CONTRACT;
    let values = [
        ("offer_accept_deadline", millis(clocks.offer_accept_deadline)),
        ("lease_ttl", millis(clocks.lease_ttl)),
        ("renew_interval", millis(clocks.renew_interval)),
        ("expiry_sweep", millis(clocks.expiry_sweep)),
        ("attempt_deadline", millis(clocks.attempt_deadline)),
        ("drain_grace", millis(clocks.drain_grace)),
        ("unary_poll_default", millis(clocks.unary_poll_default)),
        ("unary_poll_max", millis(clocks.unary_poll_max)),
        ("stream_max_age", millis(clocks.stream_max_age)),
        ("goaway_notice", millis(clocks.goaway_notice)),
        ("reconnect_min", millis(clocks.reconnect_min)),
        ("reconnect_max", millis(clocks.reconnect_max)),
        ("max_interruptions", i64::from(clocks.max_interruptions)),
        ("interruption_window", millis(clocks.interruption_window)),
        ("artifact_chunk_bytes", bytes(clocks.artifact_chunk_bytes)),
        ("max_message_bytes", bytes(clocks.max_message_bytes)),
        ("max_payload_bytes", bytes(clocks.max_payload_bytes)),
        ("idempotency_retention", millis(clocks.idempotency_retention)),
    ];
    driver::LeaseDefaults {
        values: values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
    }
}
