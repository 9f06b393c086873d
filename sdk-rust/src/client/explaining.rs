//! Why a job does not run.

use std::time::SystemTime;

use crate::client::names::JobState;
use crate::contract::from_timestamp;
use crate::proto::v1;
use crate::proto::v1::blocked_by::Cause;

/// Why a job does not run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explanation {
    /// Where it stands.
    pub state: JobState,
    /// What it waits for; none when it runs, has finished, or is about to be claimed.
    pub blocked_by: Option<BlockedBy>,
}

/// The one thing that a job waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum BlockedBy {
    /// Jobs that it depends on.
    #[non_exhaustive]
    Dependency {
        /// Up to 100 of those that have not succeeded yet.
        job_ids: Vec<String>,
        /// How many in all.
        count: i32,
        /// True: one of them can no longer succeed by itself, and the edge says hold.
        is_held: bool,
    },
    /// A moment.
    #[non_exhaustive]
    Schedule {
        /// The moment.
        ready_time: Option<SystemTime>,
    },
    /// No connected worker takes its job type from its queue, or all that do are full.
    #[non_exhaustive]
    Workers {
        /// Connected workers that take the job's type, counted on the replica that answered.
        capable_workers: i32,
    },
}

impl From<v1::ExplainJobResponse> for Explanation {
    fn from(response: v1::ExplainJobResponse) -> Self {
        let cause = response.blocked_by.and_then(|blocked_by| blocked_by.cause);
        Self {
            state: JobState::from_number(response.state),
            blocked_by: cause.map(|cause| match cause {
                Cause::Dependency(found) => BlockedBy::Dependency {
                    job_ids: found.job_ids,
                    count: found.count,
                    is_held: found.held,
                },
                Cause::Schedule(found) => {
                    BlockedBy::Schedule { ready_time: from_timestamp(found.ready_time) }
                }
                Cause::Workers(found) => {
                    BlockedBy::Workers { capable_workers: found.capable_workers }
                }
            }),
        }
    }
}
