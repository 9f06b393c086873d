//! How attempts fail, and why they are stopped.

use std::fmt;
use std::time::Duration;

use crate::client::names::FailureClass;
use crate::contract::{to_duration, truncate};
use crate::error::with_causes;
use crate::proto::constants::FAILURE_MESSAGE_MAX_BYTES;
use crate::proto::v1;

/// The longest `retry_after` that the contract takes.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(7 * 24 * 3600);

/// Why a handler did not succeed.
///
/// Every [`std::error::Error`] converts into one with `?`, and is tried again as the job's retry
/// policy says. The constructors say more:
///
/// ```
/// use std::time::Duration;
/// use stellaops_orchestrator::{FailureClass, HandlerError};
///
/// let never = HandlerError::terminal("no such advisory").failure_class(FailureClass::ParseError);
/// let later = HandlerError::retryable("upstream is down").retry_after(Duration::from_secs(30));
/// let slower = HandlerError::throttled("osv.dev", Duration::from_secs(60));
/// # let _ = (never, later, slower);
/// ```
pub struct HandlerError {
    pub(crate) failure_class: FailureClass,
    pub(crate) message: String,
    pub(crate) is_terminal: bool,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) throttle: Option<Throttle>,
}

/// An upstream that asked to slow down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Throttle {
    pub(crate) resource_key: String,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) remaining: Option<u64>,
}

impl HandlerError {
    /// No attempt could succeed: the job goes to the dead letters at once.
    pub fn terminal(message: impl Into<String>) -> Self {
        Self { is_terminal: true, ..Self::retryable(message) }
    }

    /// Try again, as the job's retry policy says.
    pub fn retryable(message: impl Into<String>) -> Self {
        Self {
            failure_class: FailureClass::User,
            message: message.into(),
            is_terminal: false,
            retry_after: None,
            throttle: None,
        }
    }

    /// An upstream asked to slow down (HTTP 429). The attempt is tried again after
    /// `retry_after`, and the limiter of `resource_key`, the upstream's host, hears of it: the
    /// whole fleet slows down for that host and for no other.
    pub fn throttled(resource_key: impl Into<String>, retry_after: Duration) -> Self {
        let resource_key = resource_key.into();
        Self {
            failure_class: FailureClass::Http429,
            message: format!("{resource_key} asked to slow down"),
            is_terminal: false,
            retry_after: Some(retry_after),
            throttle: Some(Throttle {
                resource_key,
                retry_after: Some(retry_after),
                remaining: None,
            }),
        }
    }

    /// What caused it; [`FailureClass::User`] unless told.
    #[must_use]
    pub fn failure_class(mut self, failure_class: FailureClass) -> Self {
        self.failure_class = failure_class;
        self
    }

    /// A floor under the delay before the next attempt, up to 7 days; jitter comes on top.
    #[must_use]
    pub fn retry_after(mut self, retry_after: Duration) -> Self {
        self.retry_after = Some(retry_after);
        self
    }

    /// What went wrong, for people. Secrets do not belong here.
    #[must_use]
    pub fn message(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }

    /// How many calls the upstream says are left, for [`throttled`](Self::throttled).
    #[must_use]
    pub fn remaining(mut self, calls: u64) -> Self {
        if let Some(throttle) = &mut self.throttle {
            throttle.remaining = Some(calls);
        }
        self
    }
}

impl fmt::Debug for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandlerError")
            .field("failure_class", &self.failure_class)
            .field("message", &self.message)
            .field("is_terminal", &self.is_terminal)
            .field("retry_after", &self.retry_after)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// So that `?` works on whatever a handler calls. The reason why `HandlerError` is no
/// [`std::error::Error`] itself, like `anyhow::Error`.
impl<E: std::error::Error + Send + Sync + 'static> From<E> for HandlerError {
    fn from(error: E) -> Self {
        Self::retryable(with_causes(&error))
    }
}

impl From<StopReason> for HandlerError {
    fn from(reason: StopReason) -> Self {
        Self::retryable(reason.message())
    }
}

/// Why a handler is asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StopReason {
    /// Somebody cancelled the job.
    Cancelled,
    /// The attempt ran past its deadline.
    Deadline,
    /// The lease was lost: the job moved on without this attempt.
    LeaseLost,
    /// The slot is needed for something more urgent.
    Preempted,
    /// The worker is draining.
    Drain,
}

impl StopReason {
    /// The reason in lower case, as every SDK writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::Deadline => "deadline",
            Self::LeaseLost => "lease_lost",
            Self::Preempted => "preempted",
            Self::Drain => "drain",
        }
    }

    fn message(self) -> &'static str {
        match self {
            Self::Cancelled => "the job was cancelled",
            Self::Deadline => "the attempt ran past its deadline",
            Self::LeaseLost => "the lease was lost: the job moved on without this attempt",
            Self::Preempted => "the slot is needed for something more urgent",
            Self::Drain => "the worker is draining",
        }
    }

    pub(crate) fn from_number(reason: i32) -> Self {
        match v1::CancelReason::try_from(reason) {
            Ok(v1::CancelReason::Deadline) => Self::Deadline,
            Ok(v1::CancelReason::Superseded) => Self::LeaseLost,
            Ok(v1::CancelReason::Preempted) => Self::Preempted,
            Ok(v1::CancelReason::Drain) => Self::Drain,
            _ => Self::Cancelled,
        }
    }

    /// The outcome of an attempt that was stopped and did not succeed.
    pub(crate) fn outcome(self, detail: &str) -> Outcome {
        let message = match detail {
            "" => self.message().to_owned(),
            same if same == self.message() => same.to_owned(),
            detail => format!("{}: {detail}", self.message()),
        };
        let failed = |class| Outcome::Failed(failure(class, message, false, None));
        match self {
            Self::Cancelled => failed(FailureClass::Cancelled),
            Self::Deadline => failed(FailureClass::Timeout),
            Self::Preempted | Self::Drain => Outcome::Released,
            Self::LeaseLost => Outcome::Dropped,
        }
    }
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How an attempt ended, as far as the worker is concerned.
#[derive(Debug)]
pub(crate) enum Outcome {
    Completed(v1::Completion),
    Failed(v1::Failure),
    Released,
    Dropped,
}

impl From<HandlerError> for v1::Failure {
    fn from(error: HandlerError) -> Self {
        let HandlerError { failure_class, message, is_terminal, retry_after, .. } = error;
        failure(failure_class, message, is_terminal, retry_after)
    }
}

/// A failure as the contract carries it, cut to what it allows.
pub(crate) fn failure(
    class: FailureClass,
    message: String,
    is_terminal: bool,
    retry_after: Option<Duration>,
) -> v1::Failure {
    let message = if message.is_empty() { class.to_string() } else { message };
    v1::Failure {
        failure_class: class.to_number(),
        message: truncate(message, FAILURE_MESSAGE_MAX_BYTES),
        terminal: is_terminal,
        retry_after: retry_after.map(|delay| to_duration(delay.min(MAX_RETRY_AFTER))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_error_becomes_a_retryable_failure_with_its_causes() {
        #[derive(Debug, thiserror::Error)]
        #[error("cannot fetch")]
        struct Outer(#[source] std::io::Error);

        let error = HandlerError::from(Outer(std::io::Error::other("reset")));
        assert_eq!(error.to_string(), "cannot fetch: reset");
        let failure = v1::Failure::from(error);
        assert!(!failure.terminal);
        assert_eq!(failure.failure_class, v1::FailureClass::User as i32);
    }

    #[test]
    fn a_stop_ends_as_its_reason_says() {
        let class = |outcome| match outcome {
            Outcome::Failed(failure) => failure.failure_class,
            other => panic!("not a failure: {other:?}"),
        };
        let cancelled = class(StopReason::Cancelled.outcome(""));
        assert_eq!(cancelled, v1::FailureClass::Cancelled as i32);
        let deadline = class(StopReason::Deadline.outcome("x"));
        assert_eq!(deadline, v1::FailureClass::Timeout as i32);
        assert!(matches!(StopReason::Drain.outcome(""), Outcome::Released));
        assert!(matches!(StopReason::LeaseLost.outcome(""), Outcome::Dropped));
    }

    #[test]
    fn a_failure_fits_the_contract() {
        let failure = failure(
            FailureClass::User,
            "é".repeat(9000),
            false,
            Some(Duration::from_secs(1 << 30)),
        );
        assert!(failure.message.len() <= FAILURE_MESSAGE_MAX_BYTES);
        assert_eq!(failure.retry_after, Some(to_duration(MAX_RETRY_AFTER)));
    }
}
