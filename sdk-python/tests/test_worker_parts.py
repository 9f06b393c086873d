import asyncio
import time
from datetime import timedelta
from functools import partial

import pytest

from stellaops_orchestrator import (
    Pool,
    RetryableError,
    StopReason,
    SyncWorker,
    TerminalError,
    ThrottledError,
    Worker,
)
from stellaops_orchestrator.contract import pb
from stellaops_orchestrator.worker.condition import Condition
from stellaops_orchestrator.worker.failures import Ending, stop_outcome, to_failure
from stellaops_orchestrator.worker.frame_writer import FrameWriter
from stellaops_orchestrator.worker.job_runner import check_handler
from stellaops_orchestrator.worker.outbox import Frame, Outbox
from stellaops_orchestrator.worker.pools import plan_pools
from stellaops_orchestrator.worker.progress import MIN_INTERVAL, ProgressReporter

tr, fl = pb.task_runner, pb.failure
LEASE = tr.LeaseRef(job_id="job", lease_epoch=1, lease_token="t")


async def handle(_):
    return None


def test_what_a_handler_raises_becomes_a_failure():
    failed = to_failure(TerminalError("no", failure_class="parse_error"))
    assert (failed.failure_class, failed.terminal) == (fl.FAILURE_CLASS_PARSE_ERROR, True)
    failed = to_failure(RetryableError("later", retry_after=timedelta(days=30)))
    assert failed.retry_after.seconds == 7 * 24 * 3600
    assert not failed.terminal
    failed = to_failure(ThrottledError("429", resource_key="h", retry_after=2))
    assert failed.failure_class == fl.FAILURE_CLASS_HTTP_429
    failed = to_failure(KeyError("k"))
    assert (failed.failure_class, failed.message) == (fl.FAILURE_CLASS_USER, "KeyError: 'k'")
    for raised in (SystemExit(1), KeyboardInterrupt(), GeneratorExit()):
        assert to_failure(raised).failure_class == fl.FAILURE_CLASS_PANIC
    assert len(to_failure(ValueError("ü" * 9000)).message.encode()) <= 8192


def test_a_failure_class_must_exist():
    with pytest.raises(ValueError, match="nonsense"):
        TerminalError("no", failure_class="nonsense")


def test_how_a_stopped_attempt_ends():
    cancelled, timeout = stop_outcome(StopReason.CANCELLED), stop_outcome(StopReason.DEADLINE, "x")
    assert isinstance(cancelled, fl.Failure)
    assert cancelled.failure_class == fl.FAILURE_CLASS_CANCELLED
    assert isinstance(timeout, fl.Failure)
    assert timeout.failure_class == fl.FAILURE_CLASS_TIMEOUT
    assert stop_outcome(StopReason.DRAIN) is Ending.RELEASED
    assert stop_outcome(StopReason.PREEMPTED) is Ending.RELEASED
    assert stop_outcome(StopReason.LEASE_LOST) is Ending.DROPPED


def test_pools():
    [pool] = plan_pools(None, ["a.b", "a.c"], 4, ["q", "q"])
    assert (pool.name, pool.slots, list(pool.queues)) == ("main", 4, ["q"])
    named = {"x": Pool(concurrency=1, job_types=["a.b"])}
    assert [pool.name for pool in plan_pools(named, ["a.b"], 8, [])] == ["x"]
    for wrong in (
        {"x": Pool(concurrency=0, job_types=["a.b"])},
        {"x": Pool(concurrency=1, job_types=[])},
        {"x": Pool(concurrency=1, job_types=["z"])},
        {"x": Pool(concurrency=10_001, job_types=["a.b"])},
    ):
        with pytest.raises(ValueError, match=r"pool|hold"):
            plan_pools(wrong, ["a.b"], 8, [])


def test_settings_that_cannot_work_are_refused():
    with pytest.raises(ValueError, match="job types"):
        Worker({})
    with pytest.raises(TypeError, match="async"):
        Worker({"a.b": lambda _: None})  # type: ignore[dict-item, return-value]
    with pytest.raises(ValueError, match="concurrency"):
        SyncWorker({"a.b": lambda _: None}, concurrency=0)
    check_handler("a.b", partial(handle))


async def test_a_worker_runs_once():
    worker = Worker({"a.b": handle}, url="http://127.0.0.1:1")
    worker.stop()
    await worker.run(handle_signals=False)
    with pytest.raises(RuntimeError, match="once"):
        await worker.run()


async def test_a_condition_is_looked_at_when_something_changed():
    condition, state = Condition(), [False]
    assert not await condition.until(lambda: state[0], 0)
    waiting = asyncio.create_task(condition.until(lambda: state[0], 5))
    await asyncio.sleep(0)
    condition.changed()
    state[0] = True
    condition.changed()
    assert await waiting
    assert not await condition.until(lambda: False, 0.01)


async def test_frames_gather_while_one_is_written():
    writer, written, gate = FrameWriter(), [], asyncio.Event()
    staged: list[int] = []

    def source():
        if not staged:
            return None
        count = len(staged)
        staged.clear()
        return Frame(ping=tr.Ping(nonce=count))

    async def write(frame):
        written.append(frame)
        await gate.wait()

    running = asyncio.create_task(writer.run(write))
    writer.pull_from(source)
    staged.append(1)
    writer.poke()
    while not written:
        await asyncio.sleep(0)
    staged.extend([1, 2, 3])
    writer.poke()
    writer.send(Frame(pong=tr.Pong(nonce=7)))
    gate.set()
    while len(written) < 3:
        await asyncio.sleep(0)
    assert [frame.WhichOneof("frame") for frame in written] == ["ping", "pong", "ping"]
    assert written[2].ping.nonce == 3
    writer.close()
    await running


def stored(box):
    verdict = tr.WRITE_VERDICT_APPLIED
    kind = tr.WRITE_KIND_PROGRESS
    box.answer(tr.WriteResult(kind=kind, job_id="job", lease_epoch=1, verdict=verdict))


async def test_a_flood_of_progress_becomes_few_reports():
    box = Outbox(lambda: 2**22, lambda: None)
    reporter = ProgressReporter(box, LEASE, 100)
    first = reporter.report(0.1, "one", b"")
    assert box.take() is not None
    flood = [reporter.report(n / 100, "", b"") for n in range(100)]
    assert box.take() is None
    stored(box)
    assert await first
    assert box.take() is None  # not before the interval is over
    started = time.monotonic()
    while (frame := box.take()) is None:
        await asyncio.sleep(0.01)
    assert time.monotonic() - started <= MIN_INTERVAL + 0.2
    assert frame.progress.reports[0].progress.fraction == 0.99
    stored(box)
    assert all(await asyncio.gather(*flood))


async def test_a_checkpoint_does_not_wait_for_the_interval():
    box = Outbox(lambda: 2**22, lambda: None)
    reporter = ProgressReporter(box, LEASE, 100)
    reporter.report(0.1, "", b"")
    box.take()
    stored(box)
    reporter.report(0.2, "", b"here")
    frame = box.take()
    assert frame is not None
    assert frame.progress.reports[0].progress.checkpoint == b"here"
    with pytest.raises(TerminalError, match="checkpoint"):
        reporter.report(0.3, "", bytes(101))


async def test_progress_that_comes_to_nothing_says_so():
    box = Outbox(lambda: 2**22, lambda: None)
    reporter = ProgressReporter(box, LEASE, 100)
    futures = [reporter.report(0.1, "", b""), reporter.report(0.2, "", b"x")]
    reporter.drop()
    assert await asyncio.gather(*futures) == [False, False]
    assert not await reporter.report(0.3, "", b"")
    assert box.unanswered == 0


async def test_a_flush_sends_the_newest_checkpoint():
    box = Outbox(lambda: 2**22, lambda: None)
    reporter = ProgressReporter(box, LEASE, 100)
    reporter.report(0.1, "", b"old")
    box.take()
    reporter.report(0.2, "", b"new")
    order: list[str] = []
    reporter.flush(lambda: order.append("then"), 60)
    assert box.take() is None  # two on their way could overtake each other
    assert order == []
    stored(box)
    assert order == ["then"]
    frame = box.take()
    assert frame is not None
    assert frame.progress.reports[0].progress.checkpoint == b"new"


async def test_a_flush_does_not_wait_for_ever():
    box = Outbox(lambda: 2**22, lambda: None)
    reporter = ProgressReporter(box, LEASE, 100)
    reporter.report(0.1, "", b"old")
    box.take()
    reporter.report(0.2, "", b"new")
    done = asyncio.Event()
    reporter.flush(done.set, 0.01)
    await done.wait()
    assert box.take() is not None


async def test_a_flush_with_nothing_left_goes_on_at_once():
    reporter = ProgressReporter(Outbox(lambda: 2**22, lambda: None), LEASE, 100)
    order: list[str] = []
    reporter.flush(lambda: order.append("then"), 60)
    assert order == ["then"]
