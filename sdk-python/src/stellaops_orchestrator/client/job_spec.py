"""Jobs as their producer describes them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict, Unpack, cast

from stellaops_orchestrator.client.window import EventWindow
from stellaops_orchestrator.contract import pb
from stellaops_orchestrator.contract.ids import uuid7
from stellaops_orchestrator.contract.time import Duration, length_of, to_duration, to_timestamp
from stellaops_orchestrator.payload import NOTHING, ArtifactRef, encode_payload
from stellaops_orchestrator.trace_context import (
    TraceContext,
    TraceHook,
    correlation_of,
    trace_of,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryOverrides:
    """Overrides single fields of the contract's retry policy for one job."""

    max_attempts: int = 0
    """How many attempts in all, the first included; 1 means no retry."""
    initial_backoff: Duration | None = None
    """The bound of the first delay."""
    multiplier: float = 0.0
    """What the bound is multiplied with after each failure."""
    max_backoff: Duration | None = None
    """The largest bound."""
    max_elapsed: Duration | None = None
    """No attempt starts later than this after the first one started."""

    def to_message(self) -> pb.lease_policy.RetryPolicy:
        """The overrides as the contract carries them."""
        return pb.lease_policy.RetryPolicy(
            max_attempts=self.max_attempts,
            initial_backoff=to_duration(self.initial_backoff),
            multiplier=self.multiplier,
            max_backoff=to_duration(self.max_backoff),
            max_elapsed=to_duration(self.max_elapsed),
        )


def to_retry_overrides(policy: pb.lease_policy.RetryPolicy) -> RetryOverrides:
    """Overrides of the contract as a plain object."""
    return RetryOverrides(
        max_attempts=policy.max_attempts,
        initial_backoff=length_of(policy, "initial_backoff"),
        multiplier=policy.multiplier,
        max_backoff=length_of(policy, "max_backoff"),
        max_elapsed=length_of(policy, "max_elapsed"),
    )


class TemplateOptions(TypedDict, total=False):
    """What a ``JobTemplate`` can be given besides its type and payload. All of it is optional."""

    queue: str
    """Where the job waits; ``"default"`` unless told."""
    priority: int
    """-10 to 10, higher goes first; 0 unless told."""
    project: str
    """The project within the tenant."""
    source: str
    """The upstream that the job reads from, such as ``"osv.dev"``."""
    concurrency_key: str
    """Jobs with the same key share its concurrency limit, whatever their type and queue."""
    labels: Mapping[str, str]
    """Up to 32, for people and filters."""
    retry: RetryOverrides
    """Overrides of the retry policy."""
    attempt_deadline: Duration
    """How long one attempt may run; the contract's unless told."""
    correlation_id: str
    """Ties jobs together; a handler's own, else the job's id, unless told."""
    trace: TraceContext
    """The trace context; the client's hook, else the handler's, unless told."""
    payload_media_type: str
    """The media type of the payload; follows from the payload unless told."""


class JobOptions(TemplateOptions, total=False):
    """What a job can be given besides its type and payload. All of it is optional.

    What ``TemplateOptions`` lists goes for jobs, too.
    """

    idempotency_key: str
    """One job per key and tenant; the same key with other content is refused."""
    not_before: datetime
    """The job starts no earlier than this; needs a time zone."""
    window: EventWindow
    """The event time of its source that the job covers when it succeeds; needs a ``source``."""


class JobRequest:
    """A job as a batch lists it.

    Args:
        job_type: A dotted name such as ``"concelier.ingest.osv"``.
        payload: Bytes as they are, an ``ArtifactRef``, or a value that is sent as JSON; left
            out, the job has none.
        options: See ``JobOptions``.
    """

    def __init__(
        self, job_type: str, payload: object = NOTHING, **options: Unpack[JobOptions]
    ) -> None:
        self.job_type = job_type
        self.payload = payload
        self.options = options

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.job_type!r})"


class JobTemplate:
    """A job that something else makes, and maybe often: a pipeline or a backfill.

    It inherits nothing from the handler that happens to store it.

    Args:
        job_type: A dotted name such as ``"concelier.ingest.osv"``.
        payload: As for ``JobRequest``.
        options: See ``TemplateOptions``.
    """

    def __init__(
        self, job_type: str, payload: object = NOTHING, **options: Unpack[TemplateOptions]
    ) -> None:
        self.job_type = job_type
        self.payload = payload
        self.options = options

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.job_type!r})"


def _fields(job_type: str, payload: object, options: TemplateOptions) -> dict[str, Any]:
    encoded = encode_payload(payload)
    retry = options.get("retry")
    return {
        "job_type": job_type,
        "queue": options.get("queue", ""),
        "project": options.get("project", ""),
        "source": options.get("source", ""),
        "concurrency_key": options.get("concurrency_key", ""),
        "priority": options.get("priority", 0),
        "payload": encoded.payload,
        "payload_media_type": options.get("payload_media_type", encoded.payload_media_type),
        "payload_artifact": encoded.payload_artifact,
        "labels": dict(options.get("labels", {})),
        "retry": retry.to_message() if retry else None,
        "attempt_deadline": to_duration(options.get("attempt_deadline")),
    }


def to_job_spec(request: JobRequest, hook: TraceHook | None) -> pb.job.JobSpec:
    """The JobSpec of a request, with a job id of the SDK's own choosing.

    It is a UUIDv7, so that a call that is repeated after a lost answer finds the job of the
    first try. Raises TypeError or ValueError for a payload that JSON cannot carry.
    """
    options = request.options
    trace = trace_of(options.get("trace"), hook)
    window = options.get("window")
    return pb.job.JobSpec(
        **_fields(request.job_type, request.payload, options),
        job_id=uuid7(),
        idempotency_key=options.get("idempotency_key", ""),
        not_before=to_timestamp(options.get("not_before")),
        window=window.to_message() if window else None,
        correlation_id=correlation_of(options.get("correlation_id")),
        traceparent=trace.traceparent,
        tracestate=trace.tracestate,
    )


def to_template_spec(template: JobTemplate) -> pb.job.JobSpec:
    """The JobSpec of a template: without an id, and with nothing of who calls this."""
    options = template.options
    trace = options.get("trace", TraceContext(""))
    return pb.job.JobSpec(
        **_fields(template.job_type, template.payload, options),
        correlation_id=options.get("correlation_id", ""),
        traceparent=trace.traceparent,
        tracestate=trace.tracestate,
    )


def _payload_of(spec: pb.job.JobSpec) -> object:
    if spec.payload_artifact:
        return ArtifactRef(spec.payload_artifact)
    return spec.payload or NOTHING


def template_parts(spec: pb.job.JobSpec) -> tuple[str, object, TemplateOptions]:
    """Type, payload and options of a JobSpec that the server keeps: what was not said is out."""
    names = ("queue", "project", "source", "concurrency_key", "priority", "correlation_id")
    said: dict[str, Any] = {name: getattr(spec, name) for name in (*names, "payload_media_type")}
    said["labels"] = dict(spec.labels)
    said["attempt_deadline"] = length_of(spec, "attempt_deadline")
    said["retry"] = to_retry_overrides(spec.retry) if spec.HasField("retry") else None
    said["trace"] = TraceContext(spec.traceparent, spec.tracestate) if spec.traceparent else None
    options = {name: value for name, value in said.items() if value}
    return spec.job_type, _payload_of(spec), cast("TemplateOptions", options)


def to_template(spec: pb.job.JobSpec) -> JobTemplate:
    """A JobSpec that the server keeps as a template, which can be sent again."""
    job_type, payload, options = template_parts(spec)
    return JobTemplate(job_type, payload, **options)
