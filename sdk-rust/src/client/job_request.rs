//! A job as its producer describes it.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use serde::Serialize;
use uuid::Uuid;

use crate::client::window::EventWindow;
use crate::contract::to_duration;
use crate::error::Error;
use crate::payload::Payload;
use crate::proto::v1;
use crate::trace::{Lineage, TraceContext, TraceHook, trace_of};

/// Overrides single fields of the contract's retry policy for one job; what is `None` stays.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct RetryOverrides {
    /// How many attempts the job gets in all, the first included; 1 means no retry.
    pub max_attempts: Option<u32>,
    /// The bound of the first delay.
    pub initial_backoff: Option<Duration>,
    /// What the bound is multiplied with after each failure.
    pub multiplier: Option<f64>,
    /// The largest bound.
    pub max_backoff: Option<Duration>,
    /// No attempt starts later than this after the first one started.
    pub max_elapsed: Option<Duration>,
}

/// A job to be enqueued: its type, its payload, and what else it may be given.
///
/// ```
/// use stellaops_orchestrator::JobRequest;
///
/// let request = JobRequest::new("concelier.ingest.osv")
///     .payload("osv.dev")
///     .idempotency_key("osv-2026-11-23")
///     .priority(5)
///     .label("ecosystem", "crates.io");
/// # let _ = request;
/// ```
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct JobRequest {
    pub(super) spec: v1::JobSpec,
    pub(super) trace: Option<TraceContext>,
    pub(super) correlation_id: Option<String>,
    pub(super) media_type: Option<String>,
}

impl JobRequest {
    /// A job of a type, a dotted name such as `"concelier.ingest.osv"`, without a payload.
    pub fn new(job_type: impl Into<String>) -> Self {
        Self {
            spec: v1::JobSpec { job_type: job_type.into(), ..Default::default() },
            trace: None,
            correlation_id: None,
            media_type: None,
        }
    }

    /// The input. See [`Payload`] for artifacts, [`json`](Self::json) for values.
    pub fn payload(mut self, payload: impl Into<Payload>) -> Self {
        let payload = payload.into();
        self.spec.payload = payload.bytes;
        self.spec.payload_media_type = payload.media_type;
        self.spec.payload_artifact = payload.artifact;
        self
    }

    /// The input as JSON.
    ///
    /// # Errors
    /// `InvalidArgument` (`NOT_JSON`) for a value that JSON cannot carry.
    pub fn json<T: Serialize + ?Sized>(self, value: &T) -> Result<Self, Error> {
        Ok(self.payload(Payload::json(value)?))
    }

    /// The media type of the payload; follows from the payload unless told.
    pub fn media_type(mut self, media_type: impl Into<String>) -> Self {
        self.media_type = Some(media_type.into());
        self
    }

    /// One job per key and tenant: the same key and content is the same job, the same key with
    /// other content is refused.
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.spec.idempotency_key = key.into();
        self
    }

    /// Where the job waits; `"default"` unless told.
    pub fn queue(mut self, queue: impl Into<String>) -> Self {
        self.spec.queue = queue.into();
        self
    }

    /// −10 to 10, higher goes first; 0 unless told.
    pub fn priority(mut self, priority: i32) -> Self {
        self.spec.priority = priority;
        self
    }

    /// The project within the tenant.
    pub fn project(mut self, project: impl Into<String>) -> Self {
        self.spec.project = project.into();
        self
    }

    /// The upstream that the job reads from, such as `"osv.dev"`.
    pub fn source(mut self, source: impl Into<String>) -> Self {
        self.spec.source = source.into();
        self
    }

    /// The event time of its source that the job covers when it succeeds: a window of a series
    /// that [`Watermarks::put_series`](crate::Watermarks::put_series) declared. Needs a
    /// [source](Self::source).
    pub fn window(mut self, window: EventWindow) -> Self {
        self.spec.window = Some(window.into());
        self
    }

    /// Jobs with the same key share its concurrency limit, whatever their type and queue.
    pub fn concurrency_key(mut self, key: impl Into<String>) -> Self {
        self.spec.concurrency_key = key.into();
        self
    }

    /// A label for people and filters; up to 32.
    pub fn label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.spec.labels.insert(name.into(), value.into());
        self
    }

    /// Labels for people and filters; up to 32 in all.
    pub fn labels(mut self, labels: HashMap<String, String>) -> Self {
        self.spec.labels.extend(labels);
        self
    }

    /// The job starts no earlier than this.
    pub fn not_before(mut self, time: SystemTime) -> Self {
        self.spec.not_before = Some(time.into());
        self
    }

    /// Overrides of the retry policy.
    pub fn retry(mut self, retry: RetryOverrides) -> Self {
        self.spec.retry = Some(v1::RetryPolicy {
            max_attempts: retry.max_attempts.map_or(0, |count| count.min(i32::MAX as u32) as i32),
            initial_backoff: retry.initial_backoff.map(to_duration),
            multiplier: retry.multiplier.unwrap_or_default(),
            max_backoff: retry.max_backoff.map(to_duration),
            max_elapsed: retry.max_elapsed.map(to_duration),
        });
        self
    }

    /// How long one attempt may run, up to 7 days; the contract's
    /// [`attempt_deadline`](crate::LeaseClocks::attempt_deadline) unless told.
    pub fn attempt_deadline(mut self, deadline: Duration) -> Self {
        self.spec.attempt_deadline = Some(to_duration(deadline));
        self
    }

    /// Ties jobs together; the surrounding handler's, else the job's own id, unless told.
    pub fn correlation_id(mut self, id: impl Into<String>) -> Self {
        self.correlation_id = Some(id.into());
        self
    }

    /// The W3C trace context; the surrounding handler's unless told.
    pub fn trace_context(mut self, trace: TraceContext) -> Self {
        self.trace = Some(trace);
        self
    }

    /// The spec, with a job id of the SDK's own choosing: a UUIDv7, so that a call that is
    /// repeated after a lost answer finds the job of the first try.
    pub(crate) fn into_spec(
        self,
        hook: Option<&TraceHook>,
        lineage: Option<&Lineage>,
        inherits_correlation: bool,
    ) -> v1::JobSpec {
        let trace = trace_of(self.trace, hook, lineage);
        let inherited = || lineage.filter(|_| inherits_correlation);
        let mut spec = v1::JobSpec {
            job_id: Uuid::now_v7().to_string(),
            traceparent: trace.traceparent,
            tracestate: trace.tracestate,
            correlation_id: self.correlation_id.unwrap_or_else(|| {
                inherited().map(|lineage| lineage.correlation_id.clone()).unwrap_or_default()
            }),
            ..self.spec
        };
        if let Some(media_type) = self.media_type {
            spec.payload_media_type = media_type;
        }
        spec
    }
}
