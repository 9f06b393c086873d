//! Who caused a job: W3C trace context and the correlation id, inherited inside handlers.

use std::future::Future;
use std::sync::Arc;

/// W3C trace context: who caused a job, for the tracing system.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TraceContext {
    /// The `traceparent` header, such as `"00-…-…-01"`; empty for none.
    pub traceparent: String,
    /// The `tracestate` header; empty for none.
    pub tracestate: String,
}

impl TraceContext {
    /// A trace context of a `traceparent` and a `tracestate`, which may be empty.
    pub fn new(traceparent: impl Into<String>, tracestate: impl Into<String>) -> Self {
        Self { traceparent: traceparent.into(), tracestate: tracestate.into() }
    }

    /// Whether the traceparent is one: tracing must not stop work, so others are dropped.
    fn is_valid(&self) -> bool {
        let lengths = [2, 32, 16, 2];
        let parts: Vec<&str> = self.traceparent.split('-').collect();
        parts.len() == lengths.len()
            && parts.iter().zip(lengths).all(|(part, length)| {
                part.len() == length
                    && part.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
            })
    }
}

/// Asked for the caller's trace context at every enqueue that does not name one.
pub(crate) type TraceHook = Arc<dyn Fn() -> Option<TraceContext> + Send + Sync>;

/// What a job made inside a handler inherits from the handler's job.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lineage {
    pub(crate) trace: TraceContext,
    pub(crate) correlation_id: String,
}

tokio::task_local! {
    /// Carries the handler's lineage to the enqueue calls in its task.
    static LINEAGE: Arc<Lineage>;
}

impl Lineage {
    /// Runs a handler so that what it enqueues with any client inherits from its job.
    pub(crate) async fn scope<F: Future>(self: Arc<Self>, handler: F) -> F::Output {
        LINEAGE.scope(self, handler).await
    }

    /// The lineage of the handler around this call, if there is one.
    pub(crate) fn current() -> Option<Arc<Self>> {
        LINEAGE.try_with(Arc::clone).ok()
    }
}

/// The trace context of a job about to be enqueued: what the caller says, else what the hook
/// says, else what the surrounding handler's job has.
pub(crate) fn trace_of(
    explicit: Option<TraceContext>,
    hook: Option<&TraceHook>,
    lineage: Option<&Lineage>,
) -> TraceContext {
    explicit
        .or_else(|| hook.and_then(|hook| hook()).filter(TraceContext::is_valid))
        .or_else(|| lineage.map(|lineage| lineage.trace.clone()).filter(TraceContext::is_valid))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_malformed_traceparent_is_dropped() {
        assert!(TraceContext::new(PARENT, "").is_valid());
        assert!(!TraceContext::new("00-xyz", "").is_valid());
        let hook: TraceHook = Arc::new(|| Some(TraceContext::new("nonsense", "")));
        assert_eq!(trace_of(None, Some(&hook), None), TraceContext::default());
    }

    #[tokio::test]
    async fn a_handler_passes_its_lineage_on() {
        let lineage = Arc::new(Lineage {
            trace: TraceContext::new(PARENT, "k=v"),
            correlation_id: "c".into(),
        });
        let inherited =
            lineage.scope(async { trace_of(None, None, Lineage::current().as_deref()) }).await;
        assert_eq!(inherited, TraceContext::new(PARENT, "k=v"));
        assert!(Lineage::current().is_none());
    }
}
