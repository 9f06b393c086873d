//! Why a job does not run.

use std::time::SystemTime;

use crate::client::names::{BreakerPhase, FlowScopeKind, JobState};
use crate::contract::from_timestamp;
use crate::proto::v1;
use crate::proto::v1::blocked_by::Cause;

/// Why a job does not run.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Explanation {
    /// Where it stands.
    pub state: JobState,
    /// What it waits for; none when it runs, has finished, or is about to be claimed.
    pub blocked_by: Option<BlockedBy>,
}

/// What a limit is set on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct FlowScope {
    /// What kind of thing.
    pub kind: FlowScopeKind,
    /// Its name; empty for the tenant.
    pub name: String,
}

/// The one thing that a job waits for. Moments are `None` where nobody can say when.
#[derive(Debug, Clone, PartialEq)]
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
    /// Somebody paused it.
    #[non_exhaustive]
    Pause {
        /// What is paused.
        scope: FlowScope,
        /// Why.
        reason: String,
        /// When it ends by itself, if it does.
        expire_time: Option<SystemTime>,
    },
    /// A blackout.
    #[non_exhaustive]
    Blackout {
        /// Whose window it is.
        scope: FlowScope,
        /// The window's name.
        name: String,
        /// When it ends.
        end_time: Option<SystemTime>,
    },
    /// A quota of its tenant.
    #[non_exhaustive]
    Quota {
        /// Which one, such as `"jobs_per_hour"`.
        quota: String,
        /// What it allows.
        limit: i64,
        /// What is used.
        used: i64,
        /// When it starts again, unless it is about active jobs.
        reset_time: Option<SystemTime>,
    },
    /// A limit on how many may be out at once.
    #[non_exhaustive]
    Concurrency {
        /// What is limited.
        scope: FlowScope,
        /// How many may be out at once.
        limit: i32,
        /// How many are.
        active: i32,
        /// True: the server lowered it by itself.
        is_dynamic: bool,
    },
    /// A limit on how many may go per second.
    #[non_exhaustive]
    Limiter {
        /// What is limited.
        scope: FlowScope,
        /// How many go per second now.
        rate_per_second: f64,
        /// When the next one can go, at the earliest.
        retry_time: Option<SystemTime>,
    },
    /// A circuit breaker.
    #[non_exhaustive]
    Breaker {
        /// What broke.
        scope: FlowScope,
        /// Where the breaker stands.
        phase: BreakerPhase,
        /// When it lets a probe out.
        open_until: Option<SystemTime>,
    },
}

impl From<Option<v1::FlowScope>> for FlowScope {
    fn from(scope: Option<v1::FlowScope>) -> Self {
        let scope = scope.unwrap_or_default();
        Self { kind: FlowScopeKind::from_number(scope.kind), name: scope.name }
    }
}

impl From<Cause> for BlockedBy {
    fn from(cause: Cause) -> Self {
        match cause {
            Cause::Dependency(found) => {
                Self::Dependency { job_ids: found.job_ids, count: found.count, is_held: found.held }
            }
            Cause::Schedule(found) => {
                Self::Schedule { ready_time: from_timestamp(found.ready_time) }
            }
            Cause::Workers(found) => Self::Workers { capable_workers: found.capable_workers },
            Cause::Pause(found) => Self::Pause {
                scope: found.scope.into(),
                reason: found.reason,
                expire_time: from_timestamp(found.expire_time),
            },
            Cause::Blackout(found) => Self::Blackout {
                scope: found.scope.into(),
                name: found.name,
                end_time: from_timestamp(found.end_time),
            },
            Cause::Quota(found) => Self::Quota {
                quota: found.quota,
                limit: found.limit,
                used: found.used,
                reset_time: from_timestamp(found.reset_time),
            },
            Cause::Concurrency(found) => Self::Concurrency {
                scope: found.scope.into(),
                limit: found.limit,
                active: found.active,
                is_dynamic: found.dynamic,
            },
            Cause::Limiter(found) => Self::Limiter {
                scope: found.scope.into(),
                rate_per_second: found.rate_per_second,
                retry_time: from_timestamp(found.retry_time),
            },
            Cause::Breaker(found) => Self::Breaker {
                scope: found.scope.into(),
                phase: BreakerPhase::from_number(found.phase),
                open_until: from_timestamp(found.open_until),
            },
        }
    }
}

impl From<v1::ExplainJobResponse> for Explanation {
    fn from(response: v1::ExplainJobResponse) -> Self {
        let cause = response.blocked_by.and_then(|blocked_by| blocked_by.cause);
        Self {
            state: JobState::from_number(response.state),
            blocked_by: cause.map(BlockedBy::from),
        }
    }
}
