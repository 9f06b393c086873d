//! The one error of this crate.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use prost::Message;
use tonic::{Code, Status};

use crate::contract::from_duration;
use crate::proto::rpc;

/// The domain of every reason that the server or this SDK makes.
const DOMAIN: &str = "orchestrator.stellaops";

/// What kind of failure an [`Error`] is: the canonical codes of gRPC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The call was given up.
    Cancelled,
    /// A failure that says nothing about itself.
    Unknown,
    /// The request is malformed; [`Error::violations`] name the fields.
    InvalidArgument,
    /// The call took longer than it may.
    DeadlineExceeded,
    /// There is no such thing.
    NotFound,
    /// The thing exists already, with other content.
    AlreadyExists,
    /// The caller may not do this.
    PermissionDenied,
    /// A limit is reached.
    ResourceExhausted,
    /// The state of things does not allow it.
    FailedPrecondition,
    /// Somebody else was faster.
    Aborted,
    /// An offset or token lies beyond the end.
    OutOfRange,
    /// The server does not know this call.
    Unimplemented,
    /// A bug, there or here.
    Internal,
    /// The server cannot be reached or cannot serve now.
    Unavailable,
    /// Bytes are not what their digest says.
    DataLoss,
    /// The caller is not known.
    Unauthenticated,
}

impl ErrorKind {
    /// The code in lower case, such as `"resource_exhausted"`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::Unknown => "unknown",
            Self::InvalidArgument => "invalid_argument",
            Self::DeadlineExceeded => "deadline_exceeded",
            Self::NotFound => "not_found",
            Self::AlreadyExists => "already_exists",
            Self::PermissionDenied => "permission_denied",
            Self::ResourceExhausted => "resource_exhausted",
            Self::FailedPrecondition => "failed_precondition",
            Self::Aborted => "aborted",
            Self::OutOfRange => "out_of_range",
            Self::Unimplemented => "unimplemented",
            Self::Internal => "internal",
            Self::Unavailable => "unavailable",
            Self::DataLoss => "data_loss",
            Self::Unauthenticated => "unauthenticated",
        }
    }

    fn of(code: Code) -> Self {
        match code {
            Code::Cancelled => Self::Cancelled,
            Code::InvalidArgument => Self::InvalidArgument,
            Code::DeadlineExceeded => Self::DeadlineExceeded,
            Code::NotFound => Self::NotFound,
            Code::AlreadyExists => Self::AlreadyExists,
            Code::PermissionDenied => Self::PermissionDenied,
            Code::ResourceExhausted => Self::ResourceExhausted,
            Code::FailedPrecondition => Self::FailedPrecondition,
            Code::Aborted => Self::Aborted,
            Code::OutOfRange => Self::OutOfRange,
            Code::Unimplemented => Self::Unimplemented,
            Code::Internal => Self::Internal,
            Code::Unavailable => Self::Unavailable,
            Code::DataLoss => Self::DataLoss,
            Code::Unauthenticated => Self::Unauthenticated,
            Code::Ok | Code::Unknown => Self::Unknown,
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One field that broke a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FieldViolation {
    /// The field's path, such as `jobs[3].job_type`.
    pub field: String,
    /// What is wrong with it.
    pub description: String,
}

/// Whatever a call can fail with. Decide by [`kind`](Self::kind) and [`reason`](Self::reason),
/// never by the message.
///
/// The SDK's own reasons: `CALL_TIMEOUT`, `CONNECTION_FAILED`, `CONNECTION_SILENT`,
/// `DIGEST_MISMATCH`, `FILE_CHANGED`, `FILE_UNREADABLE`, `FILE_UNWRITABLE`, `JOB_NOT_IN_RUN` (of
/// [`JobContext::fan_out`](crate::JobContext::fan_out)), `NO_RUNTIME`, `NOT_JSON`,
/// `PARAMETER_INVALID` (a number that the contract cannot carry exactly), `PIPELINE_INVALID` (of
/// [`Pipelines::versions`](crate::Pipelines::versions)), `SESSION_SUPERSEDED`, `URL_INVALID`,
/// `WORKER_INVALID`. All others are the server's; the contract's comments list them per call.
#[derive(Debug, Clone, thiserror::Error)]
#[error(transparent)]
pub struct Error(Box<Inner>);

#[derive(Debug, Clone, thiserror::Error)]
#[error("{message} ({kind}{}{reason})", if reason.is_empty() { "" } else { ", " })]
struct Inner {
    kind: ErrorKind,
    message: String,
    reason: String,
    domain: String,
    metadata: HashMap<String, String>,
    violations: Vec<FieldViolation>,
    retry_after: Option<Duration>,
    is_retryable: Option<bool>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, reason: &str, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            reason: reason.into(),
            domain: DOMAIN.into(),
            metadata: HashMap::new(),
            violations: Vec::new(),
            retry_after: None,
            is_retryable: None,
            source: None,
        }))
    }

    pub(crate) fn with_source(
        mut self,
        source: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        self.0.source = Some(Arc::new(source));
        self
    }

    pub(crate) fn with_metadata(mut self, name: &str, value: impl ToString) -> Self {
        self.0.metadata.insert(name.into(), value.to_string());
        self
    }

    pub(crate) fn retryable(mut self, is_retryable: bool) -> Self {
        self.0.is_retryable = Some(is_retryable);
        self
    }

    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The machine-readable reason, such as `"IDEMPOTENCY_CONFLICT"`; empty if none was sent.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.0.reason
    }

    /// Who defines the reason: `"orchestrator.stellaops"` for the server's and the SDK's own.
    #[must_use]
    pub fn domain(&self) -> &str {
        &self.0.domain
    }

    /// What went wrong, for people, without the kind and reason that [`Display`](fmt::Display)
    /// adds.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Facts that go with the reason.
    #[must_use]
    pub fn metadata(&self) -> &HashMap<String, String> {
        &self.0.metadata
    }

    /// The fields that broke a rule, for [`ErrorKind::InvalidArgument`].
    #[must_use]
    pub fn violations(&self) -> &[FieldViolation] {
        &self.0.violations
    }

    /// How long to wait before trying again, if the server said so.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Whether the same call can succeed later. The SDK has tried until its deadline already.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.0.is_retryable.unwrap_or(match self.0.kind {
            ErrorKind::Unavailable => true,
            // Somebody else's write came first: the same call would be refused for ever.
            ErrorKind::Aborted => self.0.reason != "ETAG_MISMATCH",
            ErrorKind::ResourceExhausted => self.0.retry_after.is_some(),
            _ => false,
        })
    }

    /// The error of one item of a batch.
    pub(crate) fn from_item(status: Option<rpc::Status>) -> Self {
        let status = status.unwrap_or_default();
        let kind = ErrorKind::of(Code::from(status.code));
        let mut error = Self::new(kind, "", status.message);
        error.0.domain.clear();
        error.read_details(&status.details);
        if error.0.message.is_empty() {
            error.0.message = "rejected without a reason".into();
        }
        error
    }

    fn read_details(&mut self, details: &[prost_types::Any]) {
        for detail in details {
            let name = detail.type_url.rsplit('/').next().unwrap_or_default();
            let bytes = detail.value.as_slice();
            match name {
                "google.rpc.ErrorInfo" => {
                    if let Ok(info) = rpc::ErrorInfo::decode(bytes) {
                        self.0.reason = info.reason;
                        self.0.domain = info.domain;
                        self.0.metadata = info.metadata;
                    }
                }
                "google.rpc.RetryInfo" => {
                    if let Ok(info) = rpc::RetryInfo::decode(bytes) {
                        self.0.retry_after = info.retry_delay.map(from_duration);
                    }
                }
                "google.rpc.BadRequest" => {
                    if let Ok(bad) = rpc::BadRequest::decode(bytes) {
                        self.0.violations.extend(bad.field_violations.into_iter().map(|found| {
                            FieldViolation { field: found.field, description: found.description }
                        }));
                    }
                }
                _ => {}
            }
        }
    }
}

/// For what an answer must have and a server left out.
pub(crate) fn absent(what: &str) -> Error {
    Error::new(ErrorKind::Internal, "", format!("the server answered without the {what}"))
}

/// An error with its causes: "transport error" alone helps nobody.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

/// A connection that broke is `Unavailable`: every call of this SDK is safe to repeat. tonic
/// gives such a status a source, which one that the server sent never has.
impl From<Status> for Error {
    fn from(status: Status) -> Self {
        let local = std::error::Error::source(&status).filter(|_| status.details().is_empty());
        if let Some(message) = local.map(with_causes) {
            return Self::new(ErrorKind::Unavailable, "CONNECTION_FAILED", message)
                .with_source(status);
        }
        let mut error = Self::new(ErrorKind::of(status.code()), "", status.message());
        error.0.domain.clear();
        if let Ok(details) = rpc::Status::decode(status.details()) {
            error.read_details(&details.details);
        }
        error.with_source(status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::to_duration;

    fn any(name: &str, message: &impl Message) -> prost_types::Any {
        prost_types::Any {
            type_url: format!("type.googleapis.com/{name}"),
            value: message.encode_to_vec(),
        }
    }

    fn status(code: Code, details: Vec<prost_types::Any>) -> Status {
        let status = rpc::Status { code: code as i32, message: "no".into(), details };
        Status::with_details(code, "no", status.encode_to_vec().into())
    }

    #[test]
    fn details_are_reachable() {
        let info = rpc::ErrorInfo {
            reason: "DISK_FULL".into(),
            domain: DOMAIN.into(),
            metadata: [("free".to_owned(), "0".to_owned())].into(),
        };
        let retry = rpc::RetryInfo { retry_delay: Some(to_duration(Duration::from_millis(1500))) };
        let error = Error::from(status(
            Code::ResourceExhausted,
            vec![any("google.rpc.ErrorInfo", &info), any("google.rpc.RetryInfo", &retry)],
        ));
        assert_eq!(error.kind(), ErrorKind::ResourceExhausted);
        assert_eq!(error.reason(), "DISK_FULL");
        assert_eq!(error.metadata()["free"], "0");
        assert_eq!(error.retry_after(), Some(Duration::from_millis(1500)));
        assert!(error.is_retryable());
        assert_eq!(error.to_string(), "no (resource_exhausted, DISK_FULL)");
    }

    #[test]
    fn a_pipeline_that_moved_on_is_not_worth_another_try() {
        let info = rpc::ErrorInfo { reason: "ETAG_MISMATCH".into(), ..Default::default() };
        let moved_on = status(Code::Aborted, vec![any("google.rpc.ErrorInfo", &info)]);
        assert!(!Error::from(moved_on).is_retryable());
        assert!(Error::from(Status::aborted("raced")).is_retryable());
    }

    #[test]
    fn exhausted_without_a_hint_is_final() {
        assert!(!Error::from(Status::resource_exhausted("quota")).is_retryable());
        assert!(Error::from(Status::unavailable("later")).is_retryable());
        assert!(!Error::from(Status::not_found("job")).is_retryable());
    }
}
