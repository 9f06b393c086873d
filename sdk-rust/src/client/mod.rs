//! The client: put work in, look at it, stop it, run it again.

pub(crate) mod builder;
pub(crate) mod connection;
mod enqueuer;
pub(crate) mod explaining;
pub(crate) mod job;
pub(crate) mod job_request;
pub(crate) mod lease;
pub(crate) mod listing;
pub(crate) mod names;
pub(crate) mod orchestrator;
pub(crate) mod runs;
pub(crate) mod watching;
