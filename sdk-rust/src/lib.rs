//! The Rust SDK of StellaOps Orchestrator: put jobs in with [`Orchestrator`], run handlers for
//! them with [`Worker`].
//!
//! A producer:
//!
//! ```no_run
//! use stellaops_orchestrator::{Error, JobRequest, Orchestrator};
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Error> {
//!     let orchestrator = Orchestrator::new()?;
//!     let job = orchestrator.enqueue(JobRequest::new("sbom.scan").payload("Cargo.lock")).await?;
//!     println!("{}", orchestrator.wait_for_job(&job.job_id).await?.state);
//!     Ok(())
//! }
//! ```
//!
//! A worker:
//!
//! ```no_run
//! use stellaops_orchestrator::{Error, JobContext, Worker};
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Error> {
//!     let scan = |job: JobContext| async move { Ok(format!("{} bytes", job.payload().len())) };
//!     Worker::builder().handler("sbom.scan", scan).build()?.run().await
//! }
//! ```
//!
//! # What it promises
//!
//! - Every call is safe to repeat, and is repeated while its failure is a passing one, with full
//!   jitter, until the client's timeout is over.
//! - A worker reconnects for ever. Handlers run on meanwhile, and what they produce is resent
//!   under the same completion id until it is answered.
//! - A lease that is lost stops its handler, and the handler's result is dropped.
//! - SIGTERM drains: what is held ends within the grace or is given back, and nothing is lost.
//!
//! # Features
//!
//! `tls` adds `https://` addresses, verified with the machine's certificates.

mod artifacts;
mod client;
mod contract;
mod error;
mod payload;
mod proto;
mod retry;
mod trace;
mod worker;

pub use artifacts::{
    ArtifactSource, Artifacts, Download, UploadOptions, UploadProgress, UploadedArtifact,
};
pub use client::backfill_view::{Backfill, BackfillPreview, BackfillSpec};
pub use client::backfills::Backfills;
pub use client::builder::OrchestratorBuilder;
pub use client::explaining::{BlockedBy, Explanation, FlowScope};
pub use client::job::{Attempt, BoundArtifact, Failure, Job, JobDetail, JobEvent, JobProgress};
pub use client::job_request::{JobRequest, RetryOverrides};
pub use client::lease::{CheckedLease, Lease};
pub use client::listing::{JobFilter, Pages};
pub use client::names::{
    AttemptOutcome, BreakerPhase, CancelOutcome, FailureClass, FlowScopeKind, JobState,
    RetryOutcome,
};
pub use client::operation::Operation;
pub use client::orchestrator::Orchestrator;
pub use client::outcomes::{CancelledJob, EnqueuedJob, RetriedJob};
pub use client::pipeline_spec::{
    Pipeline, PipelineHead, PipelineJob, PipelineParameter, StoredPipeline,
};
pub use client::pipelines::{PipelineRun, Pipelines};
pub use client::plan_names::{
    BackfillState, EdgeCondition, OnFailure, OperationKind, OperationState, ParameterKind,
    ReplayCause, RunState,
};
pub use client::reason::Reason;
pub use client::run_spec::{Dependency, RunJob, RunRequest};
pub use client::run_view::{AppendedJobs, CreatedRun, Edge, Replay, ReplayedJob, Run, RunDetail};
pub use client::runs::{ReplayRequest, RunFilter, Runs};
pub use client::watching::{Watch, WatchTarget};
pub use client::watermarks::{Gap, Watermark, Watermarks, WindowSeries};
pub use client::window::EventWindow;
pub use contract::{LeaseClocks, RetryDefaults};
pub use error::{Error, ErrorKind, FieldViolation};
pub use payload::{Output, Payload};
pub use trace::TraceContext;
pub use worker::{
    Handler, HandlerError, JobContext, Pool, Progress, StopReason, Worker, WorkerBuilder,
};

/// The README's programs, so that they compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
