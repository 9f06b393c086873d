//! Options of a client.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::client::connection::Target;
use crate::client::enqueuer::{Enqueuer, Sender};
use crate::client::orchestrator::Orchestrator;
use crate::error::{Error, ErrorKind};
use crate::trace::{TraceContext, TraceHook};

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);
const MAX_QUEUED_BYTES: u32 = 256 << 20;

/// Makes an [`Orchestrator`].
#[derive(Clone, Default)]
#[must_use]
pub struct OrchestratorBuilder {
    pub(crate) target: Target,
    timeout: Option<Duration>,
    max_queued_bytes: Option<u32>,
    trace_hook: Option<TraceHook>,
}

impl OrchestratorBuilder {
    /// The server's address; the environment's `ORCH_URL` unless told, else
    /// `http://127.0.0.1:7400`. `https` needs the feature `tls`.
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.target.url = Some(url.into());
        self
    }

    /// Who owns the work; `"default"` unless told.
    pub fn tenant(mut self, tenant: impl Into<String>) -> Self {
        self.target.tenant = Some(tenant.into());
        self
    }

    /// A header that goes with every call, for proxies and authentication.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.target.headers.push((name.into(), value.into()));
        self
    }

    /// How long a call may take with all its repetitions, and how long a transfer may stall;
    /// 60 s unless told.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// How many bytes of jobs may wait to be sent before [`Orchestrator::enqueue`] waits for
    /// room; 256 MiB unless told.
    pub fn max_queued_bytes(mut self, bytes: u32) -> Self {
        self.max_queued_bytes = Some(bytes);
        self
    }

    /// Asked for the caller's trace context at every enqueue that does not name one.
    pub fn trace_context(
        mut self,
        hook: impl Fn() -> Option<TraceContext> + Send + Sync + 'static,
    ) -> Self {
        self.trace_hook = Some(Arc::new(hook));
        self
    }

    /// Makes the client, without connecting yet.
    ///
    /// # Errors
    /// `InvalidArgument` (`URL_INVALID`, `HEADER_INVALID`) for settings that cannot work, and
    /// `FailedPrecondition` (`NO_RUNTIME`) outside of a tokio runtime.
    pub fn build(self) -> Result<Orchestrator, Error> {
        if tokio::runtime::Handle::try_current().is_err() {
            let message = "an Orchestrator is made inside of a tokio runtime";
            return Err(Error::new(ErrorKind::FailedPrecondition, "NO_RUNTIME", message));
        }
        let connection = self.target.resolve()?.connection();
        let timeout = self.timeout.unwrap_or(DEFAULT_TIMEOUT);
        let sender = Sender { connection: connection.clone(), timeout };
        let max_bytes = self.max_queued_bytes.unwrap_or(MAX_QUEUED_BYTES).max(1);
        Ok(Orchestrator {
            connection,
            enqueuer: Enqueuer::start(sender, max_bytes),
            timeout,
            trace_hook: self.trace_hook,
            lineage: None,
        })
    }
}

impl fmt::Debug for OrchestratorBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Headers can be credentials.
        f.debug_struct("OrchestratorBuilder")
            .field("url", &self.target.url)
            .field("tenant", &self.target.tenant)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
