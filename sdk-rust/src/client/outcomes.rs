//! What became of requests, job by job.

use crate::client::names::{CancelOutcome, JobState, RetryOutcome};

/// A job that is in the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EnqueuedJob {
    /// The job's id, a UUIDv7.
    pub job_id: String,
    /// True: the idempotency key was known, and the id is the first job's.
    pub is_duplicate: bool,
}

/// What became of a request to cancel one job.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CancelledJob {
    /// The job.
    pub job_id: String,
    /// What became of the request.
    pub outcome: CancelOutcome,
    /// Where the job stands now.
    pub state: JobState,
}

/// What became of a request to run one job again.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetriedJob {
    /// The job.
    pub job_id: String,
    /// What became of the request.
    pub outcome: RetryOutcome,
    /// Where the job stands now.
    pub state: JobState,
}
