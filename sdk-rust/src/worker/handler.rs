//! What does the work.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::payload::Output;
use crate::worker::failure::HandlerError;
use crate::worker::job_context::JobContext;

/// Does the work of one job.
///
/// Implemented by every `Fn(JobContext) -> impl Future<Output = Result<T, HandlerError>>` with a
/// `T` that converts into [`Output`]: `()` for no result, bytes, or [`Output::json`]. Implement
/// it yourself where a handler has state worth a name.
///
/// A handler is one task of the runtime: long computations belong into
/// `tokio::task::spawn_blocking`. One that panics fails its attempt with
/// [`FailureClass::Panic`](crate::FailureClass::Panic).
pub trait Handler: Send + Sync + 'static {
    /// Runs one attempt to its end. One that is asked to stop ([`JobContext::stopped`]) and
    /// succeeds all the same has succeeded; one that fails after that was stopped.
    fn run(&self, job: JobContext) -> impl Future<Output = Result<Output, HandlerError>> + Send;
}

impl<F, Fut, T> Handler for F
where
    F: Fn(JobContext) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<T, HandlerError>> + Send,
    T: Into<Output>,
{
    async fn run(&self, job: JobContext) -> Result<Output, HandlerError> {
        self(job).await.map(Into::into)
    }
}

/// The future of one attempt.
pub(crate) type Attempt = Pin<Box<dyn Future<Output = Result<Output, HandlerError>> + Send>>;

/// A [`Handler`] of any type.
#[derive(Clone)]
pub(crate) struct AnyHandler(Arc<dyn Fn(JobContext) -> Attempt + Send + Sync>);

impl fmt::Debug for AnyHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnyHandler")
    }
}

impl AnyHandler {
    pub(crate) fn new(handler: impl Handler) -> Self {
        let handler = Arc::new(handler);
        Self(Arc::new(move |job| {
            let handler = Arc::clone(&handler);
            Box::pin(async move { handler.run(job).await })
        }))
    }

    pub(crate) fn start(&self, job: JobContext) -> Attempt {
        (self.0)(job)
    }
}
