//! What a job request says: for requests that come back from the server, in pipelines and
//! backfills. The getters are called as those of [`std::process::Command`] are.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use crate::client::job_request::{JobRequest, RetryOverrides};
use crate::contract::{from_duration, from_timestamp, non_empty};
use crate::proto::v1;
use crate::trace::TraceContext;

impl JobRequest {
    /// What kind of work it is.
    #[must_use]
    pub fn get_job_type(&self) -> &str {
        &self.spec.job_type
    }

    /// The inline input; empty if there is none, or if it is an artifact.
    #[must_use]
    pub fn get_payload(&self) -> &Bytes {
        &self.spec.payload
    }

    /// The media type of the payload; empty if none was said.
    #[must_use]
    pub fn get_media_type(&self) -> &str {
        self.media_type.as_deref().unwrap_or(&self.spec.payload_media_type)
    }

    /// The digest of the artifact that is the input.
    #[must_use]
    pub fn get_payload_artifact(&self) -> Option<&str> {
        Some(self.spec.payload_artifact.as_str()).filter(|digest| !digest.is_empty())
    }

    /// Where the job waits; empty if nothing was said.
    #[must_use]
    pub fn get_queue(&self) -> &str {
        &self.spec.queue
    }

    /// −10 to 10, higher goes first.
    #[must_use]
    pub fn get_priority(&self) -> i32 {
        self.spec.priority
    }

    /// The project within the tenant; empty for none.
    #[must_use]
    pub fn get_project(&self) -> &str {
        &self.spec.project
    }

    /// The upstream that the job reads from; empty for none.
    #[must_use]
    pub fn get_source(&self) -> &str {
        &self.spec.source
    }

    /// What it shares a concurrency limit by; empty for none.
    #[must_use]
    pub fn get_concurrency_key(&self) -> &str {
        &self.spec.concurrency_key
    }

    /// Its labels.
    #[must_use]
    pub fn get_labels(&self) -> &HashMap<String, String> {
        &self.spec.labels
    }

    /// The correlation id that was said.
    #[must_use]
    pub fn get_correlation_id(&self) -> Option<&str> {
        self.correlation_id.as_deref()
    }

    /// The trace context that was said.
    #[must_use]
    pub fn get_trace_context(&self) -> Option<&TraceContext> {
        self.trace.as_ref()
    }

    /// How long one attempt may run, if it was said.
    #[must_use]
    pub fn get_attempt_deadline(&self) -> Option<Duration> {
        self.spec.attempt_deadline.map(from_duration)
    }

    /// When the job starts at the earliest, if it was said.
    #[must_use]
    pub fn get_not_before(&self) -> Option<SystemTime> {
        from_timestamp(self.spec.not_before)
    }

    /// The overrides of the retry policy, if there are any.
    #[must_use]
    pub fn get_retry(&self) -> Option<RetryOverrides> {
        self.spec.retry.as_ref().map(|retry| RetryOverrides {
            max_attempts: u32::try_from(retry.max_attempts).ok().filter(|&count| count > 0),
            initial_backoff: retry.initial_backoff.map(from_duration),
            multiplier: Some(retry.multiplier).filter(|&factor| factor > 0.0),
            max_backoff: retry.max_backoff.map(from_duration),
            max_elapsed: retry.max_elapsed.map(from_duration),
        })
    }

    /// The spec of a job that is made later, and maybe often: it has no id, and inherits nothing
    /// from the handler that happens to store it.
    pub(crate) fn into_template(self) -> v1::JobSpec {
        v1::JobSpec { job_id: String::new(), ..self.into_spec(None, None, false) }
    }

    /// A spec that the server keeps: it can be sent again.
    pub(crate) fn from_spec(mut spec: v1::JobSpec) -> Self {
        let traceparent = non_empty(std::mem::take(&mut spec.traceparent));
        let tracestate = std::mem::take(&mut spec.tracestate);
        Self {
            trace: traceparent.map(|traceparent| TraceContext::new(traceparent, tracestate)),
            correlation_id: non_empty(std::mem::take(&mut spec.correlation_id)),
            media_type: None,
            spec,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_comes_back_as_it_went() {
        let retry = RetryOverrides { max_attempts: Some(3), ..RetryOverrides::default() };
        let request = JobRequest::new("t")
            .payload("input")
            .queue("heavy")
            .priority(-5)
            .label("a", "b")
            .retry(retry)
            .trace_context(TraceContext::new("00-1-2-01", "k=v"))
            .attempt_deadline(Duration::from_secs(60));
        let spec = request.clone().into_template();
        assert!(spec.job_id.is_empty());
        let stored = JobRequest::from_spec(spec);
        assert_eq!(stored, request);
        assert_eq!((stored.get_queue(), stored.get_priority()), ("heavy", -5));
        assert_eq!(stored.get_media_type(), "application/octet-stream");
        assert_eq!(stored.get_retry(), Some(retry));
        assert_eq!(stored.get_attempt_deadline(), Some(Duration::from_secs(60)));
        assert_eq!((stored.get_correlation_id(), stored.get_payload_artifact()), (None, None));
    }
}
