//! A job as its handler sees it.

mod acts;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::client::lease::Lease;
use crate::client::names::FailureClass;
use crate::client::orchestrator::Orchestrator;
use crate::client::window::EventWindow;
use crate::contract::non_empty;
use crate::error::Error;
use crate::proto::v1;
use crate::trace::{Lineage, TraceContext};
use crate::worker::failure::{HandlerError, StopReason, Throttle};
use crate::worker::leases::LeaseKey;
use crate::worker::progress::Slot;

/// What handlers tell their worker.
#[derive(Debug)]
pub(crate) enum Told {
    /// There is progress to fetch.
    Progress(LeaseKey),
    /// An upstream asked to slow down.
    Throttle(Throttle),
}

/// Where handlers tell it.
pub(crate) type Teller = mpsc::UnboundedSender<Told>;

struct Inner {
    key: LeaseKey,
    lease: Lease,
    spec: v1::JobSpec,
    trace: TraceContext,
    lineage: Arc<Lineage>,
    checkpoint: Bytes,
    run_id: Option<String>,
    name: Option<String>,
    window: Option<EventWindow>,
    token: CancellationToken,
    stop_reason: OnceLock<StopReason>,
    orchestrator: Orchestrator,
    progress: Slot,
    max_checkpoint_bytes: usize,
    teller: Teller,
    /// Digests by name.
    artifacts: Mutex<BTreeMap<String, String>>,
}

/// A job as its handler sees it: what it is to do, and what it can tell. A clone is cheap and is
/// the same job.
#[derive(Clone)]
pub struct JobContext(Arc<Inner>);

impl fmt::Debug for JobContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The payload and the token do not belong into logs.
        f.debug_struct("JobContext")
            .field("job_id", &self.job_id())
            .field("job_type", &self.job_type())
            .field("attempt", &self.attempt())
            .finish_non_exhaustive()
    }
}

/// What a context is made of, besides the offer.
pub(crate) struct Parts {
    pub(crate) orchestrator: Orchestrator,
    pub(crate) progress: Slot,
    pub(crate) max_checkpoint_bytes: usize,
    pub(crate) teller: Teller,
}

impl JobContext {
    pub(crate) fn new(offer: v1::Offer, lease: &v1::LeaseRef, parts: Parts) -> Self {
        let mut spec = offer.spec.unwrap_or_default();
        let window = spec.window.take().and_then(EventWindow::from_message);
        let lease = Lease::from(lease);
        let trace = TraceContext::new(spec.traceparent.clone(), spec.tracestate.clone());
        let correlation_id = non_empty(spec.correlation_id.clone());
        let lineage = Arc::new(Lineage {
            trace: trace.clone(),
            correlation_id: correlation_id.unwrap_or_else(|| lease.job_id.clone()),
        });
        Self(Arc::new(Inner {
            key: LeaseKey::new(&lease.job_id, lease.lease_epoch),
            lease,
            spec,
            trace,
            checkpoint: offer.checkpoint,
            run_id: non_empty(offer.run_id),
            name: non_empty(offer.name),
            window,
            token: CancellationToken::new(),
            stop_reason: OnceLock::new(),
            orchestrator: parts.orchestrator.with_lineage(Arc::clone(&lineage)),
            lineage,
            progress: parts.progress,
            max_checkpoint_bytes: parts.max_checkpoint_bytes,
            teller: parts.teller,
            artifacts: Mutex::default(),
        }))
    }

    /// The job's id, a UUIDv7.
    #[must_use]
    pub fn job_id(&self) -> &str {
        &self.0.lease.job_id
    }

    /// What kind of work it is, a dotted name.
    #[must_use]
    pub fn job_type(&self) -> &str {
        &self.0.spec.job_type
    }

    /// 1 for the first.
    #[must_use]
    pub fn attempt(&self) -> i32 {
        self.0.lease.attempt
    }

    /// The job's name in its run; none outside of runs.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// The run; none outside of runs.
    #[must_use]
    pub fn run_id(&self) -> Option<&str> {
        self.0.run_id.as_deref()
    }

    /// Ties together what belongs to one business event; the job's id unless the producer said.
    #[must_use]
    pub fn correlation_id(&self) -> &str {
        &self.0.lineage.correlation_id
    }

    /// The producer's W3C trace context.
    #[must_use]
    pub fn trace_context(&self) -> &TraceContext {
        &self.0.trace
    }

    /// The project within the tenant; empty for none.
    #[must_use]
    pub fn project(&self) -> &str {
        &self.0.spec.project
    }

    /// The upstream that the job reads from; empty for none.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.0.spec.source
    }

    /// The event time of its source that the job covers when it succeeds; none if it covers none.
    #[must_use]
    pub fn window(&self) -> Option<&EventWindow> {
        self.0.window.as_ref()
    }

    /// What it shares a concurrency limit by; empty for none.
    #[must_use]
    pub fn concurrency_key(&self) -> &str {
        &self.0.spec.concurrency_key
    }

    /// The producer's labels.
    #[must_use]
    pub fn labels(&self) -> &HashMap<String, String> {
        &self.0.spec.labels
    }

    /// The inline input; empty when it is an artifact: see [`load_payload`](Self::load_payload).
    #[must_use]
    pub fn payload(&self) -> &Bytes {
        &self.0.spec.payload
    }

    /// The media type of the payload, such as `"application/json"`; empty if none was said.
    #[must_use]
    pub fn payload_media_type(&self) -> &str {
        &self.0.spec.payload_media_type
    }

    /// The digest of the artifact that is the input; none when it is inline.
    #[must_use]
    pub fn payload_artifact(&self) -> Option<&str> {
        Some(self.0.spec.payload_artifact.as_str()).filter(|digest| !digest.is_empty())
    }

    /// What the attempt before left; empty if it left nothing.
    #[must_use]
    pub fn checkpoint(&self) -> &Bytes {
        &self.0.checkpoint
    }

    /// The fence: hand it to stores that must refuse a stale writer.
    #[must_use]
    pub fn lease(&self) -> &Lease {
        &self.0.lease
    }

    /// A client of the same server and tenant. Jobs enqueued with it inherit this job's trace
    /// context and correlation id, also from tasks that the handler spawns.
    #[must_use]
    pub fn orchestrator(&self) -> &Orchestrator {
        &self.0.orchestrator
    }

    /// Cancelled when the handler must stop. Stop soon: after the grace the result is dropped,
    /// the slot given up and the handler's task aborted.
    #[must_use]
    pub fn cancellation_token(&self) -> CancellationToken {
        self.0.token.clone()
    }

    /// Waits until the handler must stop, and says why. Made for `select!`:
    ///
    /// ```
    /// # use stellaops_orchestrator::{HandlerError, JobContext};
    /// # async fn fetch() -> Result<String, std::io::Error> { Ok(String::new()) }
    /// # async fn handler(job: JobContext) -> Result<String, HandlerError> {
    /// tokio::select! {
    ///     body = fetch() => Ok(body?),
    ///     reason = job.stopped() => Err(reason.into()),
    /// }
    /// # }
    /// ```
    pub async fn stopped(&self) -> StopReason {
        self.0.token.cancelled().await;
        self.stop_reason().unwrap_or(StopReason::Cancelled)
    }

    /// Why the handler must stop; none while it need not.
    #[must_use]
    pub fn stop_reason(&self) -> Option<StopReason> {
        self.0.stop_reason.get().copied()
    }

    /// The inline input as JSON.
    ///
    /// # Errors
    /// Terminal, of the class [`FailureClass::ParseError`], when it is not JSON of that shape:
    /// no further attempt could read it.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, HandlerError> {
        serde_json::from_slice(self.payload()).map_err(|cause| {
            HandlerError::terminal(format!("the payload is not the JSON expected: {cause}"))
                .failure_class(FailureClass::ParseError)
        })
    }

    /// The input wherever it is: inline, or downloaded and verified when it is an artifact.
    ///
    /// # Errors
    /// As [`Artifacts::bytes`](crate::Artifacts::bytes).
    pub async fn load_payload(&self) -> Result<Bytes, Error> {
        match self.payload_artifact() {
            Some(digest) => self.orchestrator().artifacts().bytes(digest).await,
            None => Ok(self.payload().clone()),
        }
    }

    pub(crate) fn lineage(&self) -> Arc<Lineage> {
        Arc::clone(&self.0.lineage)
    }

    /// Asks the handler to stop; it is told the first reason only.
    pub(crate) fn stop(&self, reason: StopReason) {
        // The loser of a race between two reasons is dropped.
        let _ = self.0.stop_reason.set(reason);
        self.0.token.cancel();
    }

    /// What the completion binds to the job.
    pub(crate) fn bindings(&self) -> Vec<v1::ArtifactBinding> {
        let bound = self.0.artifacts.lock().unwrap_or_else(PoisonError::into_inner);
        let binding = |(name, digest): (&String, &String)| v1::ArtifactBinding {
            name: name.clone(),
            digest: digest.clone(),
            ..Default::default()
        };
        bound.iter().map(binding).collect()
    }
}
