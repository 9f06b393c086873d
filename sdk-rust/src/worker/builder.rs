//! The worker as its user sees it.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::client::builder::OrchestratorBuilder;
use crate::client::orchestrator::Orchestrator;
use crate::contract::truncate;
use crate::error::{Error, ErrorKind};
use crate::proto::constants::HELLO_HOST_MAX_BYTES;
use crate::trace::TraceContext;
use crate::worker::agent::Agent;
use crate::worker::handler::{AnyHandler, Handler};
use crate::worker::pools::{Pool, plan};
use crate::worker::runtime::{Identity, Runtime};
use crate::worker::signals::StopSignals;

const DEFAULT_CONCURRENCY: usize = 8;

/// Runs handlers for jobs: claims, renews, reports, reconnects, drains.
///
/// It holds one stream and never gives it up for good: whatever happens to the server or the
/// network, it reconnects for ever, handlers run on meanwhile, and what they produce is resent
/// until it is answered. It logs through `tracing`; every handler runs in a span `job` with the
/// job's ids.
///
/// ```no_run
/// # async fn example() -> Result<(), stellaops_orchestrator::Error> {
/// use stellaops_orchestrator::{JobContext, Worker};
///
/// Worker::builder()
///     .handler("concelier.ingest.osv", |job: JobContext| async move {
///         Ok(format!("{} bytes", job.payload().len()))
///     })
///     .build()?
///     .run()
///     .await
/// # }
/// ```
pub struct Worker {
    runtime: Runtime,
}

/// Makes a [`Worker`].
#[must_use]
pub struct WorkerBuilder {
    client: OrchestratorBuilder,
    handlers: HashMap<String, AnyHandler>,
    rest: Pool,
    pools: Vec<(String, Pool)>,
    worker_id: Option<String>,
    host: Option<String>,
    labels: HashMap<String, String>,
    drain_grace: Option<Duration>,
    concurrency: Option<usize>,
    lease_at_once: bool,
}

impl WorkerBuilder {
    /// The server's address; the environment's `ORCH_URL` unless told, else
    /// `http://127.0.0.1:7400`. `https` needs the feature `tls`.
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.client = self.client.url(url);
        self
    }

    /// Whose work it is; `"default"` unless told.
    pub fn tenant(mut self, tenant: impl Into<String>) -> Self {
        self.client = self.client.tenant(tenant);
        self
    }

    /// A header that goes with every call, for proxies and authentication.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.client = self.client.header(name, value);
        self
    }

    /// How long a call of a handler's client may take with all its repetitions; 60 s unless told.
    pub fn call_timeout(mut self, timeout: Duration) -> Self {
        self.client = self.client.timeout(timeout);
        self
    }

    /// Asked for the trace context of what handlers enqueue; the job's own unless told.
    pub fn trace_context(
        mut self,
        hook: impl Fn() -> Option<TraceContext> + Send + Sync + 'static,
    ) -> Self {
        self.client = self.client.trace_context(hook);
        self
    }

    /// The handler of a job type.
    pub fn handler(mut self, job_type: impl Into<String>, handler: impl Handler) -> Self {
        self.handlers.insert(job_type.into(), AnyHandler::new(handler));
        self
    }

    /// How many jobs run at once, 1 to 10,000; 8 unless told. Not used when there are
    /// [pools](Self::pool).
    pub fn concurrency(mut self, jobs: usize) -> Self {
        self.concurrency = Some(jobs);
        self
    }

    /// A queue to take from; `"default"` unless told. Not used when there are
    /// [pools](Self::pool).
    pub fn queue(mut self, queue: impl Into<String>) -> Self {
        self.rest = self.rest.queue(queue);
        self
    }

    /// Separate slots for separate job types, under a name.
    pub fn pool(mut self, name: impl Into<String>, pool: Pool) -> Self {
        self.pools.push((name.into(), pool));
        self
    }

    /// Which worker this is, for people, the same after a restart; the host's name and the
    /// process id unless told. A newer worker with the same id ends this one.
    pub fn worker_id(mut self, id: impl Into<String>) -> Self {
        self.worker_id = Some(id.into());
        self
    }

    /// The machine that it runs on, which an operator can take out as a whole, such as the node
    /// under a container; the host's name unless told, none if empty.
    pub fn host(mut self, host: impl Into<String>) -> Self {
        self.host = Some(host.into());
        self
    }

    /// A label for people; up to 32.
    pub fn label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.insert(name.into(), value.into());
        self
    }

    /// Whether jobs come with an active lease instead of an offer: handlers begin one commit and
    /// one round trip earlier, and a job that is lost on its way here counts as interrupted. For
    /// many short jobs. False unless told.
    pub fn lease_at_once(mut self, lease_at_once: bool) -> Self {
        self.lease_at_once = lease_at_once;
        self
    }

    /// How long a drain lets jobs run on; the lease policy's
    /// [`drain_grace`](crate::LeaseClocks::drain_grace) unless told.
    pub fn drain_grace(mut self, grace: Duration) -> Self {
        self.drain_grace = Some(grace);
        self
    }

    /// Makes the worker, without connecting yet.
    ///
    /// # Errors
    /// `InvalidArgument` (`WORKER_INVALID`) for no handlers or slots that the server would
    /// refuse, and as [`OrchestratorBuilder::build`].
    pub fn build(self) -> Result<Worker, Error> {
        let address = self.client.target.resolve()?;
        let rest = self.rest.with_concurrency(self.concurrency.unwrap_or(DEFAULT_CONCURRENCY));
        let host = self.host.unwrap_or_else(host_name);
        let identity = Identity {
            worker_id: self.worker_id.unwrap_or_else(default_worker_id),
            host: truncate(host, HELLO_HOST_MAX_BYTES),
            labels: self.labels,
            pools: plan(self.pools, rest, &self.handlers)?,
            lease_at_once: self.lease_at_once,
        };
        let agent = Agent::new(self.handlers, self.client.build()?);
        Ok(Worker { runtime: Runtime::new(identity, agent, address, self.drain_grace) })
    }
}

impl Worker {
    /// Options for a worker; at least one handler is needed.
    pub fn builder() -> WorkerBuilder {
        WorkerBuilder {
            client: Orchestrator::builder(),
            handlers: HashMap::new(),
            rest: Pool::new(DEFAULT_CONCURRENCY),
            pools: Vec::new(),
            worker_id: None,
            host: None,
            labels: HashMap::new(),
            drain_grace: None,
            concurrency: None,
            lease_at_once: false,
        }
    }

    /// Which worker this is.
    #[must_use]
    pub fn worker_id(&self) -> &str {
        self.runtime.worker_id()
    }

    /// Works until SIGTERM or SIGINT, then drains; returns after the drain. A second signal ends
    /// the process at once.
    ///
    /// # Errors
    /// `Aborted` (`SESSION_SUPERSEDED`) when a newer worker with the same id took over; whatever
    /// the server refuses the very first Hello with; `FailedPrecondition` (`NO_SIGNALS`) where
    /// signals cannot be listened to.
    pub async fn run(self) -> Result<(), Error> {
        let mut signals = StopSignals::listen().map_err(|cause| {
            let message = "cannot listen to signals";
            Error::new(ErrorKind::FailedPrecondition, "NO_SIGNALS", message).with_source(cause)
        })?;
        let stop = CancellationToken::new();
        let listening = async {
            let (name, _) = signals.next().await;
            tracing::info!(signal = name, "asked to stop");
            stop.cancel();
            let (_, exit_code) = signals.next().await;
            std::process::exit(exit_code)
        };
        tokio::select! {
            result = self.runtime.run(stop.clone(), "asked to stop by a signal") => result,
            never = listening => never,
        }
    }

    /// Works until the token is cancelled, then drains; returns after the drain. Leaves signals
    /// alone. Dropping the future instead aborts the handlers and loses what they did since
    /// their last checkpoint; their jobs run again when their leases have expired.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub async fn run_until(self, stop: CancellationToken) -> Result<(), Error> {
        self.runtime.run(stop, "stopped by its process").await
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("worker_id", &self.worker_id()).finish_non_exhaustive()
    }
}

impl fmt::Debug for WorkerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkerBuilder")
            .field("job_types", &self.handlers.keys())
            .field("pools", &self.pools)
            .finish_non_exhaustive()
    }
}

/// The machine's own name for itself.
fn host_name() -> String {
    gethostname::gethostname().to_string_lossy().into_owned()
}

/// The host's name and the process id, in the contract's alphabet.
fn default_worker_id() -> String {
    let allowed = |c: char| {
        if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' }
    };
    let host: String = host_name().chars().map(allowed).collect();
    let host = host.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    let host = if host.is_empty() { "worker" } else { host };
    format!("{host}:{}", std::process::id())
}
