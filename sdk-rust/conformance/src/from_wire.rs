//! What the runner asks for, in the SDK's words. Empty and 0 mean "not said".

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use stellaops_orchestrator::{
    Dependency, EdgeCondition, EventWindow, FailureClass, HandlerError, JobRequest, OnFailure,
    Payload, RetryOverrides, RunJob, RunRequest, TraceContext,
};

use crate::driver;

/// A duration that was said.
pub(crate) fn millis(ms: i64) -> Option<Duration> {
    u64::try_from(ms).ok().filter(|&ms| ms > 0).map(Duration::from_millis)
}

/// A moment.
pub(crate) fn moment(ms: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(u64::try_from(ms).expect("a moment after 1970"))
}

/// A text that was said.
pub(crate) fn said(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

/// An option of a job that is a text.
type SetText = fn(JobRequest, String) -> JobRequest;

pub(crate) fn job_request(job: driver::JobRequest) -> JobRequest {
    let mut request = JobRequest::new(job.job_type).labels(job.labels).priority(job.priority);
    if let Some(digest) = said(job.payload_artifact) {
        request = request.payload(Payload::artifact(digest));
    } else if !job.payload.is_empty() {
        request = request.payload(job.payload);
    }
    let texts: [(String, SetText); 7] = [
        (job.payload_media_type, JobRequest::media_type),
        (job.queue, JobRequest::queue),
        (job.project, JobRequest::project),
        (job.source, JobRequest::source),
        (job.concurrency_key, JobRequest::concurrency_key),
        (job.idempotency_key, JobRequest::idempotency_key),
        (job.correlation_id, JobRequest::correlation_id),
    ];
    for (text, set) in texts {
        if let Some(text) = said(text) {
            request = set(request, text);
        }
    }
    if let Some(window) = job.window {
        let made = EventWindow::new(moment(window.start_ms), moment(window.end_ms));
        request = request.window(match said(window.scope) {
            Some(scope) => made.scope(scope),
            None => made,
        });
    }
    if let Some(delay) = millis(job.delay_ms) {
        request = request.not_before(SystemTime::now() + delay);
    }
    if let Some(deadline) = millis(job.attempt_deadline_ms) {
        request = request.attempt_deadline(deadline);
    }
    if let Some(retry) = job.retry {
        request = request.retry(RetryOverrides {
            max_attempts: u32::try_from(retry.max_attempts).ok().filter(|&count| count > 0),
            initial_backoff: millis(retry.initial_backoff_ms),
            multiplier: Some(retry.multiplier).filter(|&factor| factor > 0.0),
            max_backoff: millis(retry.max_backoff_ms),
            max_elapsed: None,
        });
    }
    if let Some(traceparent) = said(job.traceparent) {
        request = request.trace_context(TraceContext::new(traceparent, job.tracestate));
    }
    request
}

pub(crate) fn run_request(run: driver::CreateRun) -> RunRequest {
    let mut request = RunRequest::new()
        .display_name(run.display_name)
        .project(run.project)
        .keep_open(run.keep_open);
    if let Some(correlation_id) = said(run.correlation_id) {
        request = request.correlation_id(correlation_id);
    }
    run.jobs.into_iter().fold(request, |request, job| request.job(run_job(job)))
}

pub(crate) fn run_job(job: driver::RunJob) -> RunJob {
    let made = RunJob::new(job.name, job_request(job.job.unwrap_or_default()));
    job.depends_on.into_iter().fold(made, |made, found| match dependency(found) {
        // The shortest form, where it says all.
        Dependency { name, when: None, on_failure: None, include_fan_out: false, .. } => {
            made.after(name)
        }
        dependency => made.after(dependency),
    })
}

pub(crate) fn dependency(found: driver::Dependency) -> Dependency {
    let mut made = Dependency::new(found.name).include_fan_out(found.include_fan_out);
    if let Some(when) = said(found.when) {
        made = made.when(EdgeCondition::from_name(&when).expect("a condition"));
    }
    if let Some(on_failure) = said(found.on_failure) {
        made = made.on_failure(OnFailure::from_name(&on_failure).expect("a policy"));
    }
    made
}

/// An ordinary error of the language.
#[derive(Debug)]
struct Plain(String);

impl std::fmt::Display for Plain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Plain {}

pub(crate) fn failure(fail: driver::Fail) -> HandlerError {
    let retry_after = millis(fail.retry_after_ms);
    let mut error = match fail.kind() {
        driver::FailKind::Plain => return Plain(fail.message).into(),
        driver::FailKind::Terminal => HandlerError::terminal(fail.message),
        driver::FailKind::Retryable => HandlerError::retryable(fail.message),
        driver::FailKind::Throttled => {
            let delay = retry_after.unwrap_or_default();
            HandlerError::throttled(fail.resource_key, delay).message(fail.message)
        }
    };
    if let Some(class) = FailureClass::from_name(&fail.failure_class) {
        error = error.failure_class(class);
    }
    match retry_after {
        Some(delay) => error.retry_after(delay),
        None => error,
    }
}
