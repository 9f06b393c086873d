"""What calls can fail with: one tree of exceptions, one class per canonical code."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, ClassVar

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2
from google.rpc.status_pb2 import Status

from stellaops_orchestrator.contract.time import to_timedelta

ERROR_DOMAIN = "orchestrator.stellaops"
"""The domain of every error that the server or this SDK makes."""


class ErrorKind(StrEnum):
    """The canonical codes."""

    CANCELLED = "cancelled"
    UNKNOWN = "unknown"
    INVALID_ARGUMENT = "invalid_argument"
    DEADLINE_EXCEEDED = "deadline_exceeded"
    NOT_FOUND = "not_found"
    ALREADY_EXISTS = "already_exists"
    PERMISSION_DENIED = "permission_denied"
    RESOURCE_EXHAUSTED = "resource_exhausted"
    FAILED_PRECONDITION = "failed_precondition"
    ABORTED = "aborted"
    OUT_OF_RANGE = "out_of_range"
    UNIMPLEMENTED = "unimplemented"
    INTERNAL = "internal"
    UNAVAILABLE = "unavailable"
    DATA_LOSS = "data_loss"
    UNAUTHENTICATED = "unauthenticated"


_BY_NUMBER = {code.value[0]: ErrorKind[code.name] for code in grpc.StatusCode if code.value[0]}


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One field that broke a rule."""

    field: str
    """The field's path, such as ``jobs[3].job_type``."""
    description: str
    """What is wrong with it."""


class OrchestratorError(Exception):
    """Whatever a call can fail with. Decide by ``kind`` and ``reason``, never by the message.

    Catch this for everything, or the subclass of one kind (``NotFoundError``, …). The SDK's own
    reasons: QUEUE_FULL, CLIENT_CLOSED, CALL_TIMEOUT, CONNECTION_FAILED, CONNECTION_SILENT,
    DIGEST_MISMATCH, FILE_CHANGED, FILE_UNREADABLE, SESSION_SUPERSEDED, URL_INVALID,
    JOB_NOT_IN_RUN (of ``fan_out``). All others are the server's; the contract's comments list
    them per RPC.
    """

    kind: ErrorKind
    """The canonical code."""
    reason: str
    """The machine-readable reason, such as ``"IDEMPOTENCY_CONFLICT"``; empty if none was sent."""
    domain: str
    """Who defines the reason."""
    metadata: Mapping[str, str]
    """Facts that go with the reason."""
    violations: Sequence[FieldViolation]
    """The fields that broke a rule."""
    retry_after: timedelta | None
    """How long to wait before trying again, if the server said so."""
    is_retryable: bool
    """Whether the same call can succeed later. The SDK already tried until its deadline."""

    default_kind: ClassVar[ErrorKind] = ErrorKind.UNKNOWN

    def __init__(
        self,
        message: str,
        *,
        kind: ErrorKind | None = None,
        reason: str = "",
        domain: str = ERROR_DOMAIN,
        metadata: Mapping[str, str] | None = None,
        violations: Sequence[FieldViolation] = (),
        retry_after: timedelta | None = None,
        is_retryable: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = self.default_kind if kind is None else kind
        self.reason = reason
        self.domain = domain
        self.metadata = dict(metadata or {})
        self.violations = tuple(violations)
        self.retry_after = retry_after
        self.is_retryable = self._can_pass() if is_retryable is None else is_retryable

    def _can_pass(self) -> bool:
        if self.kind is ErrorKind.RESOURCE_EXHAUSTED:
            return self.retry_after is not None
        # ETAG_MISMATCH: somebody else's write came first, the same call would be refused for ever.
        return self.kind is ErrorKind.UNAVAILABLE or (
            self.kind is ErrorKind.ABORTED and self.reason != "ETAG_MISMATCH"
        )

    @property
    def message(self) -> str:
        """What went wrong, for people."""
        return str(self.args[0])

    def __str__(self) -> str:
        label = f"{self.kind}: {self.reason}" if self.reason else str(self.kind)
        return f"[{label}] {self.message}"


class CallCancelledError(OrchestratorError):
    """The server says that the call was cancelled."""

    default_kind = ErrorKind.CANCELLED


class InvalidArgumentError(OrchestratorError):
    """The request breaks a rule, see ``violations``; trying again cannot help."""

    default_kind = ErrorKind.INVALID_ARGUMENT


class DeadlineExceededError(OrchestratorError):
    """No answer came in time; what was asked for may have happened."""

    default_kind = ErrorKind.DEADLINE_EXCEEDED


class NotFoundError(OrchestratorError):
    """The tenant has nothing of that name."""

    default_kind = ErrorKind.NOT_FOUND


class AlreadyExistsError(OrchestratorError):
    """The key or the id is taken by something else, see ``metadata``."""

    default_kind = ErrorKind.ALREADY_EXISTS


class PermissionDeniedError(OrchestratorError):
    """The caller may not do this."""

    default_kind = ErrorKind.PERMISSION_DENIED


class ResourceExhaustedError(OrchestratorError):
    """A limit is reached; with ``retry_after`` it passes."""

    default_kind = ErrorKind.RESOURCE_EXHAUSTED


class FailedPreconditionError(OrchestratorError):
    """What the call needs is not there."""

    default_kind = ErrorKind.FAILED_PRECONDITION


class AbortedError(OrchestratorError):
    """The call lost against another one."""

    default_kind = ErrorKind.ABORTED


class OutOfRangeError(OrchestratorError):
    """An offset does not fit."""

    default_kind = ErrorKind.OUT_OF_RANGE


class UnimplementedError(OrchestratorError):
    """The server is older than this SDK and lacks the call."""

    default_kind = ErrorKind.UNIMPLEMENTED


class InternalError(OrchestratorError):
    """A bug, of the server or of this SDK."""

    default_kind = ErrorKind.INTERNAL


class UnavailableError(OrchestratorError):
    """The server cannot be reached now."""

    default_kind = ErrorKind.UNAVAILABLE


class DataLossError(OrchestratorError):
    """Bytes are not what their digest says."""

    default_kind = ErrorKind.DATA_LOSS


class UnauthenticatedError(OrchestratorError):
    """The server does not know who calls."""

    default_kind = ErrorKind.UNAUTHENTICATED


_CLASSES = {cls.default_kind: cls for cls in OrchestratorError.__subclasses__()}

# What C-core reports, without details of the server's, when a stream or connection broke; the
# last one when it broke between two writes of a request stream.
_BROKEN = re.compile(
    r"RST_STREAM|Stream removed|GOAWAY|Socket closed|Connection reset|Broken pipe"
    r"|missing status|Trailers-Only|Transport closed|No status received|Internal error from Core",
    re.IGNORECASE,
)
_CAN_BE_BROKEN = {ErrorKind.CANCELLED, ErrorKind.UNKNOWN, ErrorKind.INTERNAL}


def make_error(kind: ErrorKind, message: str, **fields: Any) -> OrchestratorError:
    """An error of the class that belongs to its kind."""
    return _CLASSES.get(kind, OrchestratorError)(message, kind=kind, **fields)


def _fields(details: Iterable[Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {"domain": ""}
    for detail in details:
        info = error_details_pb2.ErrorInfo()
        retry = error_details_pb2.RetryInfo()
        bad = error_details_pb2.BadRequest()
        try:
            if detail.Unpack(info):
                fields["reason"] = info.reason
                fields["domain"] = info.domain
                fields["metadata"] = dict(info.metadata)
            elif detail.Unpack(retry):
                fields["retry_after"] = to_timedelta(retry.retry_delay)
            elif detail.Unpack(bad):
                found = [FieldViolation(v.field, v.description) for v in bad.field_violations]
                fields["violations"] = [*fields.get("violations", ()), *found]
        except DecodeError:
            continue  # A detail that cannot be read tells nothing; the code and the rest do.
    return fields


def from_status(status: Status) -> OrchestratorError:
    """The error of one item of a batch."""
    kind = _BY_NUMBER.get(status.code, ErrorKind.UNKNOWN)
    message = status.message or "rejected without a reason"
    return make_error(kind, message, **_fields(status.details))


def _status_of(error: grpc.aio.AioRpcError) -> Status | None:
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            try:
                return Status.FromString(value if isinstance(value, bytes) else value.encode())
            except DecodeError:
                return None
    return None


def from_rpc(error: grpc.aio.AioRpcError) -> OrchestratorError:
    """The error of a call, with the google.rpc details that came with it.

    A connection that broke is "unavailable": every call of this SDK is safe to repeat.
    """
    kind = _BY_NUMBER.get(error.code().value[0], ErrorKind.UNKNOWN)
    message = error.details() or kind.value
    status = _status_of(error)
    if status is not None and status.details:
        made = make_error(kind, message, **_fields(status.details))
    elif kind is ErrorKind.UNAVAILABLE or (kind in _CAN_BE_BROKEN and _BROKEN.search(message)):
        made = UnavailableError(message, reason="CONNECTION_FAILED")
    else:
        made = make_error(kind, message, domain="")
    # Not the traceback: its frames would keep the call, and with it the connection, alive.
    made.__cause__ = error.with_traceback(None)
    return made
