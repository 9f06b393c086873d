//! The contract's enums as Rust's: those of jobs and flow control.

use std::fmt;

use crate::proto::v1;

/// A public enum with the names of one of the contract's, and the way there and back.
macro_rules! names {
    (
        $(#[$meta:meta])*
        $name:ident is $proto:ty: $($(#[$variant_meta:meta])* $variant:ident = $text:literal,)+
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$variant_meta])* $variant,)+
            /// Not said, or newer than this SDK.
            Unknown,
        }

        impl $name {
            /// The name in lower case, as every SDK writes it.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Unknown => "unknown",
                }
            }

            /// The value of a name that [`as_str`](Self::as_str) writes; none for any other.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($text => Some(Self::$variant),)+
                    _ => None,
                }
            }

            #[allow(dead_code)]
            pub(crate) fn from_number(number: i32) -> Self {
                match <$proto>::try_from(number) {
                    $(Ok(<$proto>::$variant) => Self::$variant,)+
                    _ => Self::Unknown,
                }
            }

            #[allow(dead_code)]
            pub(crate) fn to_number(self) -> i32 {
                match self {
                    $(Self::$variant => <$proto>::$variant as i32,)+
                    Self::Unknown => 0,
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

pub(super) use names;

names! {
    /// Where a job stands.
    JobState is v1::JobState:
    /// Waits for jobs that it depends on.
    Blocked = "blocked",
    /// Waits for a moment: its `not_before`, or the backoff after a failure.
    Scheduled = "scheduled",
    /// Can be claimed.
    Ready = "ready",
    /// Offered to a worker that has not accepted yet.
    Offered = "offered",
    /// Being worked on under a lease.
    Running = "running",
    /// Done. Terminal.
    Succeeded = "succeeded",
    /// An attempt failed and what follows is being decided. Seen in the history only.
    Failed = "failed",
    /// A dead letter. Terminal unless an operator retries it.
    Dead = "dead",
    /// Cancelled. Terminal.
    Cancelled = "cancelled",
}

impl JobState {
    /// Whether the job is finished, unless an operator retries it.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Succeeded | Self::Dead | Self::Cancelled)
    }
}

names! {
    /// What a limit can be set on.
    FlowScopeKind is v1::FlowScopeKind:
    /// The whole tenant.
    Tenant = "tenant",
    /// A queue.
    Queue = "queue",
    /// A job type.
    JobType = "job_type",
    /// A source.
    Source = "source",
    /// A host: all sources that name it.
    Host = "host",
    /// A concurrency key: all jobs that name it.
    ConcurrencyKey = "concurrency_key",
}

names! {
    /// Where a circuit breaker stands.
    BreakerPhase is v1::BreakerPhase:
    /// Everything goes.
    Closed = "closed",
    /// Nothing goes.
    Open = "open",
    /// One job goes, to see.
    HalfOpen = "half_open",
}

names! {
    /// How an attempt ended.
    AttemptOutcome is v1::AttemptOutcome:
    /// It succeeded.
    Succeeded = "succeeded",
    /// It failed: one from the retry policy's budget.
    Failed = "failed",
    /// It was interrupted: one from the interruption budget.
    Interrupted = "interrupted",
    /// It stopped because the job was cancelled.
    Cancelled = "cancelled",
}

names! {
    /// What caused a failure, for retry decisions, limiters and error clustering.
    FailureClass is v1::FailureClass:
    /// The handler's own error.
    User = "user",
    /// The upstream answered HTTP 429.
    Http429 = "http_429",
    /// The upstream answered HTTP 5xx.
    Http5xx = "http_5xx",
    /// The upstream's data did not fit its schema.
    SchemaMismatch = "schema_mismatch",
    /// The upstream's data could not be parsed.
    ParseError = "parse_error",
    /// The attempt ran past its deadline.
    Timeout = "timeout",
    /// The lease ran out: the worker crashed, was paused or cut off.
    LeaseExpired = "lease_expired",
    /// The worker gave the job back because it was shutting down.
    Drained = "drained",
    /// The handler stopped because the job was cancelled.
    Cancelled = "cancelled",
    /// The worker has no handler for the job's type, or cannot take its payload.
    Incapable = "incapable",
    /// The handler panicked.
    Panic = "panic",
    /// The network failed between the worker and the upstream.
    Network = "network",
    /// What the attempt produced is larger than the contract allows. Never retried.
    Oversize = "oversize",
}

names! {
    /// What became of a request to cancel one job.
    CancelOutcome is v1::CancelOutcome:
    /// The job is cancelled.
    Cancelled = "cancelled",
    /// Its worker was asked to stop.
    Requested = "requested",
    /// It was in a terminal state already; nothing changed.
    AlreadyFinished = "already_finished",
    /// The tenant has no such job.
    NotFound = "not_found",
}

names! {
    /// What became of a request to run one job again.
    RetryOutcome is v1::RetryOutcome:
    /// The job is ready.
    Ready = "ready",
    /// It was unfinished already; nothing changed.
    AlreadyActive = "already_active",
    /// It succeeded or was cancelled: those stay as they are.
    NotRetryable = "not_retryable",
    /// The tenant has no such job.
    NotFound = "not_found",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_there_and_back() {
        for number in 1..=13 {
            assert_eq!(FailureClass::from_number(number).to_number(), number);
        }
        assert_eq!(JobState::from_number(99), JobState::Unknown);
        assert_eq!(JobState::Succeeded.to_string(), "succeeded");
        assert_eq!(FailureClass::from_name("http_5xx"), Some(FailureClass::Http5xx));
        assert_eq!(FailureClass::from_name("unknown"), None);
    }
}
