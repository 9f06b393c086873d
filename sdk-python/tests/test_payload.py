import pytest

from stellaops_orchestrator import NOTHING, ArtifactRef, JobRequest, TraceContext, decode_json
from stellaops_orchestrator.client.job_spec import to_job_spec
from stellaops_orchestrator.payload import encode_payload, encode_result
from stellaops_orchestrator.trace_context import LINEAGE, Lineage

PARENT = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"


def test_payloads():
    assert encode_payload(NOTHING).payload_media_type == ""
    assert encode_payload(b"\x00").payload == b"\x00"
    assert encode_payload(bytearray(b"x")).payload_media_type == "application/octet-stream"
    assert encode_payload(ArtifactRef("sha256:0")).payload_artifact == "sha256:0"
    encoded = encode_payload({"ü": [1, None]})
    assert encoded.payload == '{"ü":[1,null]}'.encode()
    assert encoded.payload_media_type == "application/json"
    assert encode_payload(None).payload == b"null"


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_json_cannot_carry_is_refused(value):
    with pytest.raises(ValueError, match="JSON"):
        encode_payload(value)
    with pytest.raises(TypeError):
        encode_payload(object())


def test_results():
    assert encode_result(None) == b""
    assert encode_result(b"x") == b"x"
    assert decode_json(encode_result({"a": 1})) == {"a": 1}


def test_options_reach_the_spec():
    request = JobRequest(
        "a.b",
        b"x",
        priority=3,
        labels={"k": "v"},
        attempt_deadline=90,
        correlation_id="c",
        trace=TraceContext(PARENT, "s=1"),
        payload_media_type="text/plain",
    )
    spec = to_job_spec(request, None)
    assert spec.priority == 3
    assert dict(spec.labels) == {"k": "v"}
    assert spec.attempt_deadline.seconds == 90
    assert (spec.correlation_id, spec.traceparent, spec.tracestate) == ("c", PARENT, "s=1")
    assert spec.payload_media_type == "text/plain"


def test_a_handlers_jobs_inherit_its_lineage():
    token = LINEAGE.set(Lineage(TraceContext(PARENT), "corr"))
    try:
        spec = to_job_spec(JobRequest("a.b"), None)
        assert (spec.traceparent, spec.correlation_id) == (PARENT, "corr")
        hooked = to_job_spec(JobRequest("a.b"), lambda: TraceContext(PARENT.replace("a", "c")))
        assert hooked.traceparent.startswith("00-ccc")
        broken = to_job_spec(JobRequest("a.b"), lambda: TraceContext("rubbish"))
        assert broken.traceparent == PARENT
        assert to_job_spec(JobRequest("a.b", correlation_id=""), None).correlation_id == ""
    finally:
        LINEAGE.reset(token)
