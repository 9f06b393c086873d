//! The worker: claims, renews, reports, reconnects, drains.

mod agent;
mod builder;
mod drain;
pub(crate) mod failure;
pub(crate) mod handler;
pub(crate) mod job_context;
mod leases;
mod link;
mod outbox;
mod pools;
pub(crate) mod progress;
mod runtime;
mod session;
mod signals;

pub use builder::{Worker, WorkerBuilder};
pub use failure::{HandlerError, StopReason};
pub use handler::Handler;
pub use job_context::JobContext;
pub use pools::Pool;
pub use progress::Progress;
