"""A job as its handler sees it."""

import asyncio
import logging
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

from stellaops_orchestrator._gen import limits
from stellaops_orchestrator.artifacts.artifacts import UploadedArtifact
from stellaops_orchestrator.artifacts.source import ArtifactSource
from stellaops_orchestrator.client.answers import Lease
from stellaops_orchestrator.client.run_spec import RunJob
from stellaops_orchestrator.client.run_views import AppendedJobs
from stellaops_orchestrator.client.window import EventWindow, window_of
from stellaops_orchestrator.contract import pb
from stellaops_orchestrator.contract.text import truncate
from stellaops_orchestrator.contract.time import Duration, to_duration
from stellaops_orchestrator.errors import FailedPreconditionError
from stellaops_orchestrator.job_errors import StopReason, TerminalError
from stellaops_orchestrator.names import FailureClass
from stellaops_orchestrator.orchestrator import Orchestrator
from stellaops_orchestrator.payload import decode_json
from stellaops_orchestrator.worker.outbox import Outbox
from stellaops_orchestrator.worker.progress import ProgressReporter

JOB_LOGGER = logging.getLogger("stellaops_orchestrator.job")
"""Where ``job.log`` writes, with the job's fields as attributes of the record."""


class JobLogger(logging.LoggerAdapter[logging.Logger]):
    """A logger with the job's fields bound; the ``extra`` of a call goes along with them."""

    def process(
        self, msg: Any, kwargs: MutableMapping[str, Any]
    ) -> tuple[Any, MutableMapping[str, Any]]:
        """Merges the fields of the job and of the call."""
        return msg, {**kwargs, "extra": {**(self.extra or {}), **(kwargs.get("extra") or {})}}


def job_logger(offer: pb.task_runner.Offer) -> JobLogger:
    """The logger of an offered job."""
    fields = {
        "job_id": offer.lease.job_id,
        "job_type": offer.spec.job_type,
        "attempt": offer.lease.attempt,
        "lease_epoch": offer.lease.lease_epoch,
        "correlation_id": offer.spec.correlation_id or offer.lease.job_id,
    }
    return JobLogger(JOB_LOGGER, fields)


class JobFacts:
    """What a job is, the same for handlers of both kinds."""

    job_id: str
    """The job."""
    job_type: str
    """What kind of work it is."""
    attempt: int
    """1 for the first."""
    name: str
    """The job's name in its run; empty outside of runs."""
    run_id: str
    """Empty outside of runs."""
    correlation_id: str
    """What ties the job to others; its own id if nothing was said."""
    traceparent: str
    """W3C trace context of the producer; empty if it gave none."""
    tracestate: str
    """W3C trace state that goes with it."""
    project: str
    """The project within the tenant; empty if none."""
    source: str
    """The upstream that the job reads from; empty if none."""
    window: EventWindow | None
    """The event time of its source that the job covers when it succeeds; None if it covers none."""
    concurrency_key: str
    """What it shares a concurrency limit by; empty if none."""
    labels: Mapping[str, str]
    """For people and filters."""
    payload: bytes
    """The inline input; empty when it is an artifact: see ``load_payload``."""
    payload_media_type: str
    """The media type of the input, such as ``"application/json"``."""
    payload_artifact: str
    """The digest of the artifact that is the input; empty when it is inline."""
    checkpoint: bytes
    """What the attempt before left; empty if it left nothing."""
    lease: Lease
    """The fence: hand it to stores that must refuse a stale writer."""
    log: JobLogger
    """Log lines with the job's fields bound. Payloads do not belong into logs."""

    def __init__(self, offer: pb.task_runner.Offer) -> None:
        spec, ref = offer.spec, offer.lease
        self.job_id = ref.job_id
        self.job_type = spec.job_type
        self.attempt = ref.attempt
        self.name = offer.name
        self.run_id = offer.run_id
        self.correlation_id = spec.correlation_id or ref.job_id
        self.traceparent = spec.traceparent
        self.tracestate = spec.tracestate
        self.project = spec.project
        self.source = spec.source
        self.window = window_of(spec)
        self.concurrency_key = spec.concurrency_key
        self.labels = dict(spec.labels)
        self.payload = spec.payload
        self.payload_media_type = spec.payload_media_type
        self.payload_artifact = spec.payload_artifact
        self.checkpoint = offer.checkpoint
        self.lease = Lease(ref.job_id, ref.attempt, ref.lease_epoch, ref.lease_token)
        self.log = job_logger(offer)

    def json(self) -> Any:
        """The inline input as JSON.

        Raises:
            TerminalError: It is not JSON (PARSE_ERROR): no further attempt could read it.
        """
        try:
            return decode_json(self.payload)
        except ValueError as cause:
            text = f"the payload is not JSON: {cause}"
            raise TerminalError(text, failure_class=FailureClass.PARSE_ERROR) from cause


@dataclass(frozen=True, slots=True)
class JobParts:
    """What a JobContext is made of besides its offer."""

    outbox: Outbox
    progress: ProgressReporter
    orchestrator: Orchestrator


class JobContext(JobFacts):
    """A job as an async handler sees it.

    When the handler must stop, its task is cancelled: ``asyncio.CancelledError`` is raised at
    its ``await``, and ``stop_reason`` says why. Let it pass, or clean up soon: after the grace
    the slot is given up and the result dropped.
    """

    orchestrator: Orchestrator
    """A client of the same server and tenant. Jobs enqueued here inherit trace and correlation."""
    stop_reason: StopReason | None
    """Why the handler must stop; None while it may go on."""

    def __init__(self, offer: pb.task_runner.Offer, parts: JobParts) -> None:
        super().__init__(offer)
        self.orchestrator = parts.orchestrator
        self.stop_reason = None
        self._parts = parts
        self._artifacts: dict[str, str] = {}

    @property
    def artifacts(self) -> Mapping[str, str]:
        """The artifacts that the handler uploaded so far: digests by name."""
        return self._artifacts

    async def load_payload(self) -> bytes:
        """The input wherever it is: inline, or downloaded and verified when it is an artifact."""
        if not self.payload_artifact:
            return self.payload
        return await self.orchestrator.artifacts.read(self.payload_artifact)

    def progress(
        self, fraction: float, *, message: str = "", checkpoint: bytes = b""
    ) -> asyncio.Future[bool]:
        """Says how far the attempt got; may be called as often as you like.

        Args:
            fraction: From 0 to 1.
            message: For people.
            checkpoint: Handed to the next attempt, at most the lease policy's
                ``max_payload_bytes``; empty leaves the last one as it is.

        Returns:
            A future that need not be awaited: True once the ledger has this or a newer report
            (await it when the checkpoint must be safe), False if it never will.

        Raises:
            TerminalError: The checkpoint is too large (OVERSIZE).
        """
        return self._parts.progress.report(fraction, message, checkpoint)

    async def upload_artifact(
        self, name: str, source: ArtifactSource, *, media_type: str = ""
    ) -> UploadedArtifact:
        """Uploads an artifact; it is bound to the job when the handler succeeds.

        A second one of the same name replaces the first. Raises as ``Artifacts.upload``.

        Args:
            name: The name within the attempt, such as ``"sbom.cdx.json"``; up to 255 bytes.
            source: Bytes, or a ``pathlib.Path``.
            media_type: ``"application/octet-stream"`` unless told.
        """
        if not 0 < len(name.encode()) <= limits.ARTIFACT_NAME_BYTES:
            limit = limits.ARTIFACT_NAME_BYTES
            raise TerminalError(f"an artifact's name has 1 to {limit} bytes: {name!r}")
        if name not in self._artifacts and len(self._artifacts) == limits.BOUND_ARTIFACTS:
            raise TerminalError(f"an attempt binds at most {limits.BOUND_ARTIFACTS} artifacts")
        uploaded = await self.orchestrator.artifacts.upload(source, media_type=media_type)
        self._artifacts[name] = uploaded.digest
        return uploaded

    async def fan_out(
        self, jobs: Sequence[RunJob], *, timeout: Duration | None = None
    ) -> AppendedJobs:
        """Appends jobs to the job's own run, under its lease; the run need not be open.

        What depends on this job with ``include_fan_out`` waits for them, too. Safe to repeat,
        also in the next attempt: a name that is there with the same content is the same job.

        Args:
            jobs: Up to 1,000. They inherit the trace context; their correlation id is the run's.
            timeout: For this call; the client's unless told.

        Raises:
            OrchestratorError: JOB_NOT_IN_RUN outside of a run, and what ``runs.append`` raises.
        """
        if not self.run_id:
            raise FailedPreconditionError(
                "a job outside of a run cannot fan out: enqueue instead", reason="JOB_NOT_IN_RUN"
            )
        runs = self.orchestrator.runs
        return await runs.append(self.run_id, jobs, fan_out=self.lease, timeout=timeout)

    def throttle(
        self,
        resource_key: str,
        *,
        retry_after: Duration | None = None,
        remaining: int | None = None,
    ) -> None:
        """Reports that an upstream asked to slow down, without failing the attempt.

        The whole fleet hears of it. See ``ThrottledError`` to fail as well.

        Args:
            resource_key: The source's host.
            retry_after: How long it asked to wait.
            remaining: How many calls it says are left, if it says.
        """
        if not resource_key:
            raise ValueError("a throttle needs the source's host")
        report = pb.task_runner.Throttle(
            resource_key=truncate(resource_key, limits.RESOURCE_KEY_BYTES),
            retry_after=to_duration(retry_after),
            remaining=None if remaining is None else max(0, remaining),
        )
        self._parts.outbox.throttle(report)
