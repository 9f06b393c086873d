"""Coalesces concurrent enqueue calls into batches."""

import asyncio
import re
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from stellaops_orchestrator._gen import limits
from stellaops_orchestrator.contract import pb
from stellaops_orchestrator.contract.lease_policy import CONTRACT_POLICY
from stellaops_orchestrator.errors import (
    ErrorKind,
    InternalError,
    OrchestratorError,
    ResourceExhaustedError,
)

Answer = pb.job.EnqueueResult | OrchestratorError
"""What became of a spec: the server's answer, or why there is none."""

SendBatch = Callable[[Sequence[pb.job.JobSpec]], Awaitable[Sequence[pb.job.EnqueueResult]]]
"""Sends one EnqueueJobs batch, with retries; raises OrchestratorError."""

# An eighth of a message is left to framing and to what an intermediary adds: 3.5 of 4 MiB.
MAX_BATCH_BYTES = CONTRACT_POLICY.max_message_bytes * 7 // 8
_FRAMING_BYTES = 8
_NAMED = re.compile(r"jobs\[(\d+)\]")


def weight(spec: pb.job.JobSpec) -> int:
    """The bytes that a spec takes in a batch, framing included."""
    return spec.ByteSize() + _FRAMING_BYTES


def batches_of(specs: Iterable[pb.job.JobSpec]) -> Iterator[list[pb.job.JobSpec]]:
    """Splits specs into batches that fit the contract's item and message limits, in order."""
    batch: list[pb.job.JobSpec] = []
    total = 0
    for spec in specs:
        size = weight(spec)
        if batch and (len(batch) == limits.ENQUEUE_ITEMS or total + size > MAX_BATCH_BYTES):
            yield batch
            batch, total = [], 0
        batch.append(spec)
        total += size
    if batch:
        yield batch


async def send_isolated(send: SendBatch, specs: Sequence[pb.job.JobSpec]) -> list[Answer]:
    """Sends a batch so that one bad item never fails its neighbours; never raises their errors.

    When the server refuses the request as a whole (INVALID_ARGUMENT), the items that its
    violations name go alone and the rest together again; when it names none, each goes alone.
    """
    try:
        results = await send(specs)
    except OrchestratorError as error:
        if len(specs) == 1 or error.kind is not ErrorKind.INVALID_ARGUMENT:
            return [error] * len(specs)
        found = (_NAMED.match(violation.field) for violation in error.violations)
        named = {int(match[1]) for match in found if match}
    else:
        missing = InternalError("the server left a job without an answer")
        return [results[at] if at < len(results) else missing for at in range(len(specs))]
    rest = [spec for at, spec in enumerate(specs) if named and at not in named]
    together = await send_isolated(send, rest) if rest and len(rest) < len(specs) else []
    answers = dict(zip((spec.job_id for spec in rest), together, strict=False))
    for spec in specs:
        if spec.job_id not in answers:
            [answers[spec.job_id]] = await send_isolated(send, [spec])
    return [answers[spec.job_id] for spec in specs]


@dataclass(slots=True)
class _Waiting:
    spec: pb.job.JobSpec
    size: int
    answer: asyncio.Future[Answer]


class Enqueuer:
    """Coalesces concurrent enqueue calls into EnqueueJobs batches, without a timer.

    A call that finds it idle goes at once; calls that come meanwhile share the next batch. So
    one caller sees no delay and many callers share the cost of an RPC.
    """

    def __init__(self, send: SendBatch, max_queued_jobs: int, max_queued_bytes: int) -> None:
        self._send = send
        self._max_queued_jobs = max_queued_jobs
        self._max_queued_bytes = max_queued_bytes
        self._waiting: deque[_Waiting] = deque()
        self._queued_bytes = 0
        self._pump: asyncio.Task[None] | None = None

    async def add(self, spec: pb.job.JobSpec) -> Answer:
        """Adds a job and waits for its answer.

        Cancelling the caller withdraws a job that waits; one that is on its way is not called
        back, and may be in the ledger.
        """
        size = weight(spec)
        is_full = self._queued_bytes > 0 and self._queued_bytes + size > self._max_queued_bytes
        if is_full or len(self._waiting) >= self._max_queued_jobs:
            return ResourceExhaustedError(
                f"{len(self._waiting)} jobs wait to be enqueued already",
                reason="QUEUE_FULL",
                metadata={"waiting": str(len(self._waiting))},
                is_retryable=True,
            )
        waiting = _Waiting(spec, size, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._queued_bytes += size
        if self._pump is None:
            # A task starts with the next turn of the loop: calls of this one share a batch.
            self._pump = asyncio.create_task(self._run(), name="orchestrator-enqueuer")
        return await waiting.answer

    async def idle(self) -> None:
        """Waits until nothing waits and nothing is on its way."""
        while self._pump is not None:
            await asyncio.wait([self._pump])

    async def _run(self) -> None:
        try:
            while batch := self._take():
                answers = await self._flush([waiting.spec for waiting in batch])
                for waiting, answer in zip(batch, answers, strict=True):
                    if not waiting.answer.done():
                        waiting.answer.set_result(answer)
        finally:
            self._pump = None

    async def _flush(self, specs: Sequence[pb.job.JobSpec]) -> list[Answer]:
        try:
            return await send_isolated(self._send, specs)
        except Exception as bug:  # noqa: BLE001 - callers must hear of it, whatever it is
            error = InternalError(f"{type(bug).__name__}: {bug}")
            error.__cause__ = bug
            return [error] * len(specs)

    def _take(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        total = 0
        while self._waiting and len(batch) < limits.ENQUEUE_ITEMS:
            head = self._waiting[0]
            if batch and total + head.size > MAX_BATCH_BYTES:
                break
            self._waiting.popleft()
            self._queued_bytes -= head.size
            if not head.answer.done():
                batch.append(head)
                total += head.size
        return batch
