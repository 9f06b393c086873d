from datetime import timedelta

import grpc
import pytest
from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2 as details
from google.rpc.status_pb2 import Status

from stellaops_orchestrator import ErrorKind, NotFoundError, OrchestratorError, UnavailableError
from stellaops_orchestrator.errors import from_rpc, from_status, make_error


def packed(*messages):
    found = []
    for message in messages:
        detail = Any()
        detail.Pack(message)
        found.append(detail)
    return found


def rpc_error(code, text="", *found):
    status = Status(code=code.value[0], message=text, details=packed(*found))
    pairs = [("grpc-status-details-bin", status.SerializeToString())] if found else []
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(*pairs), text)


@pytest.mark.parametrize("code", [code for code in grpc.StatusCode if code.value[0]])
def test_each_canonical_code_has_a_class_of_its_own(code):
    error = from_rpc(rpc_error(code, "text", details.ErrorInfo(reason="WHY", domain="d")))
    assert error.kind == ErrorKind[code.name]
    is_unknown = code is grpc.StatusCode.UNKNOWN
    assert (type(error) is OrchestratorError) is is_unknown
    assert (error.reason, error.domain, error.message) == ("WHY", "d", "text")


def test_details_are_reachable():
    violation = details.BadRequest.FieldViolation(field="jobs[0].job_type", description="bad")
    error = from_rpc(
        rpc_error(
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            "slow down",
            details.ErrorInfo(reason="QUEUE", metadata={"k": "v"}),
            details.RetryInfo(retry_delay=Duration(seconds=2)),
            details.BadRequest(field_violations=[violation]),
        )
    )
    assert error.metadata == {"k": "v"}
    assert error.retry_after == timedelta(seconds=2)
    assert [v.field for v in error.violations] == ["jobs[0].job_type"]
    assert error.is_retryable
    assert str(error) == "[resource_exhausted: QUEUE] slow down"


def test_what_passes_and_what_does_not():
    for kind in (ErrorKind.UNAVAILABLE, ErrorKind.ABORTED):
        assert make_error(kind, "").is_retryable
    assert make_error(ErrorKind.ABORTED, "", reason="SERIALIZATION").is_retryable
    assert not make_error(ErrorKind.ABORTED, "", reason="ETAG_MISMATCH").is_retryable
    assert not make_error(ErrorKind.RESOURCE_EXHAUSTED, "").is_retryable
    assert not make_error(ErrorKind.INTERNAL, "").is_retryable


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (grpc.StatusCode.INTERNAL, "RST_STREAM closed stream. HTTP/2 error code: INTERNAL_ERROR"),
        (grpc.StatusCode.INTERNAL, "Internal error from Core"),
        (grpc.StatusCode.UNKNOWN, "Stream removed"),
        (grpc.StatusCode.CANCELLED, "Received RST_STREAM with error code 8"),
        (grpc.StatusCode.UNAVAILABLE, "failed to connect"),
    ],
)
def test_a_broken_connection_is_unavailable(code, text):
    error = from_rpc(rpc_error(code, text))
    assert isinstance(error, UnavailableError)
    assert error.reason == "CONNECTION_FAILED"
    assert error.is_retryable


def test_an_internal_error_of_the_server_stays_internal():
    assert from_rpc(rpc_error(grpc.StatusCode.INTERNAL, "a bug")).kind is ErrorKind.INTERNAL


def test_the_error_of_an_item():
    status = Status(code=5, message="gone", details=packed(details.ErrorInfo(reason="X")))
    error = from_status(status)
    assert isinstance(error, NotFoundError)
    assert error.reason == "X"
    assert from_status(Status()).kind is ErrorKind.UNKNOWN


def test_a_detail_that_cannot_be_read_is_left_out():
    status = Status(code=5, message="gone")
    status.details.add(type_url="type.googleapis.com/google.rpc.ErrorInfo", value=b"\xff")
    assert from_status(status).kind is ErrorKind.NOT_FOUND
