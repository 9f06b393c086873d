//! The client: put work in, look at it, stop it, run it again.

pub(crate) mod backfill_view;
pub(crate) mod backfills;
pub(crate) mod builder;
pub(crate) mod connection;
mod enqueuer;
pub(crate) mod explaining;
pub(crate) mod job;
pub(crate) mod job_request;
mod job_template;
mod json;
pub(crate) mod lease;
pub(crate) mod listing;
pub(crate) mod names;
pub(crate) mod operation;
pub(crate) mod orchestrator;
pub(crate) mod outcomes;
pub(crate) mod pipeline_spec;
pub(crate) mod pipelines;
pub(crate) mod plan_names;
pub(crate) mod reason;
pub(crate) mod run_spec;
pub(crate) mod run_view;
pub(crate) mod runs;
pub(crate) mod watching;
pub(crate) mod watermarks;
pub(crate) mod window;
