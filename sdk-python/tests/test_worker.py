"""The worker against a server that misbehaves on purpose."""

import asyncio
import threading
from contextlib import asynccontextmanager

import pytest
from scripted_server import scripted_server

from stellaops_orchestrator import (
    JobContext,
    OrchestratorError,
    StopReason,
    SyncJobContext,
    SyncWorker,
    Worker,
)
from stellaops_orchestrator.contract import pb

tr = pb.task_runner


@asynccontextmanager
async def running(handlers, renew=5.0, *, is_silent=False, **options):
    """A scripted server and a worker that runs against it."""
    async with scripted_server(renew, is_silent=is_silent) as server:
        worker = Worker(handlers, url=server.url, worker_id="w", **options)
        work = asyncio.create_task(worker.run(handle_signals=False))
        try:
            yield server, worker, work
        finally:
            work.cancel()
            await asyncio.wait([work])


class Handlers:
    """Handlers that say when they begin and wait until they are told to end."""

    def __init__(self):
        self.begun: asyncio.Queue[JobContext] = asyncio.Queue()
        self.go = asyncio.Event()
        self.stops = []

    async def hold(self, job):
        self.begun.put_nowait(job)
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.stops.append(job.stop_reason)
            raise
        return b"done"

    async def ignore(self, job):
        self.begun.put_nowait(job)
        while not self.go.is_set():
            try:
                await self.go.wait()
            except asyncio.CancelledError:
                self.stops.append(job.stop_reason)
        return b"late"

    async def panic(self, _):
        raise SystemExit(3)


async def test_a_handler_begins_when_its_accept_is_applied_and_a_duplicate_starts_nothing():
    handlers = Handlers()
    async with running({"a.b": handlers.hold}) as (server, _, _):
        stream = await server.session()
        lease = await stream.offer()
        await stream.expect("accept")
        await stream.offer(job_id=lease.job_id)
        await stream.expect("accept")
        assert handlers.begun.empty()
        await stream.answer(tr.WRITE_KIND_ACCEPT, lease)
        await handlers.begun.get()
        await stream.offer(job_id=lease.job_id)
        handlers.go.set()
        complete = await stream.expect("complete")
        assert complete.completions[0].result == b"done"
        assert handlers.begun.empty()


async def test_an_active_lease_begins_at_once_and_is_held_from_the_start():
    handlers = Handlers()
    async with running({"a.b": handlers.hold}, renew=0.4, lease_at_once=True) as (server, _, _):
        stream = await server.session()
        assert stream.hello.lease_at_once
        lease = await stream.offer(active=True)
        await stream.offer(job_id=lease.job_id, active=True)
        await handlers.begun.get()
        assert list((await stream.expect("heartbeat", never="accept")).leases) == [lease]
        stream.end()
        second = await server.session()
        assert list(second.hello.held_leases) == [lease]
        handlers.go.set()
        assert (await second.expect("complete", never="accept")).completions[0].lease == lease
        assert handlers.begun.empty()


async def test_an_active_lease_that_crosses_a_drain_is_given_back():
    handlers = Handlers()
    options = {"lease_at_once": True, "drain_grace": 20}
    async with running({"a.b": handlers.hold}, **options) as (server, worker, work):
        stream = await server.session()
        first = await stream.offer(active=True)
        await handlers.begun.get()
        worker.stop()
        await stream.expect("drain")
        crossing = await stream.offer(active=True)
        release = (await stream.expect("release")).releases[0]
        assert (release.lease, release.reason) == (crossing, tr.RELEASE_REASON_UNSTARTED)
        await stream.answer(tr.WRITE_KIND_RELEASE, crossing)
        await stream.send(drain_ack=tr.DrainAck())
        handlers.go.set()
        await stream.expect("complete", never="accept")
        await stream.answer(tr.WRITE_KIND_COMPLETE, first)
        await work
        assert handlers.begun.empty()


async def test_active_leases_are_asked_for_only_if_told():
    async with running({"a.b": Handlers().hold}) as (server, _, _):
        assert not (await server.session()).hello.lease_at_once


async def test_a_refused_accept_starts_nothing():
    handlers = Handlers()
    async with running({"a.b": handlers.hold}) as (server, _, _):
        stream = await server.session()
        lease = await stream.offer()
        await stream.expect("accept")
        await stream.answer(tr.WRITE_KIND_ACCEPT, lease, tr.WRITE_VERDICT_STALE_LEASE)
        await stream.start_job()
        await handlers.begun.get()
        assert handlers.begun.empty()


async def test_an_unanswered_completion_goes_over_the_next_stream_under_the_same_id():
    handlers = Handlers()
    async with running({"a.b": handlers.hold}) as (server, worker, work):
        stream = await server.session()
        lease = await stream.start_job()
        await handlers.begun.get()
        handlers.go.set()
        first = (await stream.expect("complete")).completions[0]
        stream.end()
        second = await server.session()
        assert second.hello.instance_id == stream.hello.instance_id
        assert list(second.hello.held_leases) == [lease]
        again = (await second.expect("complete")).completions[0]
        assert again == first
        await second.answer(tr.WRITE_KIND_COMPLETE, lease, tr.WRITE_VERDICT_ALREADY_APPLIED)
        worker.stop()
        await second.expect("drain")
        await second.send(drain_ack=tr.DrainAck())
        await work


async def test_heartbeats_name_what_runs_and_what_is_unanswered():
    handlers = Handlers()
    async with running({"a.b": handlers.hold}, renew=0.4) as (server, _, _):
        stream = await server.session()
        assert (await stream.expect("ping")).nonce > 0
        lease = await stream.start_job()
        assert list((await stream.expect("heartbeat")).leases) == [lease]
        handlers.go.set()
        completion_id = (await stream.expect("complete")).completions[0].completion_id
        assert list((await stream.expect("heartbeat")).leases) == [lease]
        resent = (await stream.expect("complete")).completions[0]
        assert resent.completion_id == completion_id


async def test_silence_ends_the_stream_and_another_is_opened():
    async with running({"a.b": Handlers().hold}, renew=0.2, is_silent=True) as (server, _, _):
        await server.session()
        await server.session()


@pytest.mark.parametrize("verdict", [tr.LEASE_VERDICT_SUPERSEDED, tr.LEASE_VERDICT_UNKNOWN])
async def test_a_lost_lease_stops_its_handler_and_nothing_is_reported(verdict):
    handlers = Handlers()
    async with running({"a.b": handlers.hold}, renew=0.4) as (server, worker, work):
        stream = await server.session()
        lease = await stream.start_job()
        job = await handlers.begun.get()
        found = tr.Verdict(job_id=lease.job_id, lease_epoch=lease.lease_epoch, verdict=verdict)
        await stream.send(verdicts=tr.Verdicts(verdicts=[found]))
        await stream.expect("ping")  # not a heartbeat: nothing is held any more
        assert job.stop_reason is StopReason.LEASE_LOST
        assert handlers.stops == [StopReason.LEASE_LOST]
        worker.stop()
        await stream.expect("drain")
        await stream.send(drain_ack=tr.DrainAck())
        await work
        left = [stream.frames.get_nowait() for _ in range(stream.frames.qsize())]
        assert not any(frame.HasField("fail") or frame.HasField("complete") for frame in left)


async def cancel(stream, lease, reason, grace=5.0):
    found = tr.Cancel(job_id=lease.job_id, lease_epoch=lease.lease_epoch, reason=reason)
    found.grace.FromMilliseconds(round(grace * 1000))
    await stream.send(cancels=tr.Cancels(cancels=[found]))


@pytest.mark.parametrize(
    ("reason", "failure_class"),
    [
        (tr.CANCEL_REASON_USER, pb.failure.FAILURE_CLASS_CANCELLED),
        (tr.CANCEL_REASON_DEADLINE, pb.failure.FAILURE_CLASS_TIMEOUT),
    ],
)
async def test_a_cancelled_handler_reports_why(reason, failure_class):
    handlers = Handlers()
    async with running({"a.b": handlers.hold}) as (server, _, _):
        stream = await server.session()
        lease = await stream.start_job()
        await handlers.begun.get()
        await cancel(stream, lease, reason)
        report = (await stream.expect("fail")).failures[0]
        assert report.failure.failure_class == failure_class


async def test_a_handler_that_ignores_its_cancellation_is_given_up():
    handlers = Handlers()
    async with running({"a.b": handlers.ignore}) as (server, _, _):
        stream = await server.session()
        lease = await stream.start_job()
        await handlers.begun.get()
        await cancel(stream, lease, tr.CANCEL_REASON_USER, grace=0.05)
        report = (await stream.expect("fail")).failures[0]
        assert report.failure.failure_class == pb.failure.FAILURE_CLASS_CANCELLED
        handlers.go.set()
        await stream.start_job()  # the slot is free, and the late result was dropped
        await handlers.begun.get()


async def test_a_panic_is_reported_and_the_worker_lives_on():
    handlers = Handlers()
    async with running({"a.b": handlers.panic, "a.c": handlers.hold}) as (server, _, _):
        stream = await server.session()
        await stream.start_job()
        report = (await stream.expect("fail")).failures[0]
        assert report.failure.failure_class == pb.failure.FAILURE_CLASS_PANIC
        await stream.start_job("a.c")
        await handlers.begun.get()


async def test_a_job_without_a_handler_is_failed_as_incapable():
    async with running({"a.b": Handlers().hold}) as (server, _, _):
        stream = await server.session()
        lease = await stream.offer("a.other")
        await stream.expect("accept")
        await stream.answer(tr.WRITE_KIND_ACCEPT, lease)
        report = (await stream.expect("fail")).failures[0]
        assert report.failure.failure_class == pb.failure.FAILURE_CLASS_INCAPABLE


async def test_a_drain_is_a_barrier():
    handlers = Handlers()
    async with running({"a.b": handlers.hold}, drain_grace=5) as (server, worker, work):
        stream = await server.session()
        held = await stream.start_job()
        await handlers.begun.get()
        worker.stop("over")
        assert (await stream.expect("drain")).reason == "over"
        late = await stream.offer()
        release = (await stream.expect("release")).releases[0]
        assert release.lease == late
        assert release.reason == tr.RELEASE_REASON_UNSTARTED
        await stream.answer(tr.WRITE_KIND_RELEASE, late)
        await stream.send(drain_ack=tr.DrainAck())
        handlers.go.set()
        assert (await stream.expect("complete")).completions[0].lease == held
        assert not work.done()
        await stream.answer(tr.WRITE_KIND_COMPLETE, held)
        await work


async def test_what_outlives_the_drain_grace_is_released():
    handlers = Handlers()
    async with running({"a.b": handlers.hold}, drain_grace=0.1) as (server, worker, work):
        stream = await server.session()
        lease = await stream.start_job()
        await handlers.begun.get()
        worker.stop()
        await stream.expect("drain")
        await stream.send(drain_ack=tr.DrainAck())
        release = (await stream.expect("release")).releases[0]
        assert release.reason == tr.RELEASE_REASON_DRAINED
        assert handlers.stops == [StopReason.DRAIN]
        await stream.answer(tr.WRITE_KIND_RELEASE, lease)
        await work


async def test_after_a_goaway_the_old_stream_serves_until_the_new_one_is_up():
    handlers = Handlers()
    async with running({"a.b": handlers.hold}) as (server, _, _):
        stream = await server.session()
        lease = await stream.start_job()
        await handlers.begun.get()
        goaway = tr.Goaway(reason=tr.GOAWAY_REASON_MAX_AGE)
        goaway.reconnect_window.FromMilliseconds(100)
        await stream.send(goaway=goaway)
        second = await server.session()
        assert list(second.hello.held_leases) == [lease]
        stream.end()
        handlers.go.set()
        assert (await second.expect("complete")).completions[0].lease == lease


async def test_a_newer_instance_ends_this_one():
    handlers = Handlers()
    async with running({"a.b": handlers.hold}) as (server, _, work):
        stream = await server.session()
        await stream.start_job()
        await handlers.begun.get()
        await stream.send(goaway=tr.Goaway(reason=tr.GOAWAY_REASON_SUPERSEDED))
        with pytest.raises(OrchestratorError) as caught:
            await work
        assert caught.value.reason == "SESSION_SUPERSEDED"
        assert handlers.stops == [StopReason.LEASE_LOST]


async def test_an_oversize_result_is_a_terminal_failure():
    async def big(_):
        return bytes(300_000)

    async with running({"a.b": big}) as (server, _, _):
        stream = await server.session()
        await stream.start_job()
        report = (await stream.expect("fail")).failures[0]
        assert report.failure.failure_class == pb.failure.FAILURE_CLASS_OVERSIZE
        assert report.failure.terminal


async def test_a_threaded_handler_is_told_to_stop_and_given_up_when_it_does_not():
    looked, ignoring, go = threading.Event(), threading.Event(), threading.Event()

    def obey(job: SyncJobContext):
        try:
            job.wait(60)
        finally:
            looked.set()

    def ignore(_: SyncJobContext):
        ignoring.set()
        go.wait(60)

    async with scripted_server() as server:
        worker = SyncWorker({"a.b": obey, "a.c": ignore}, url=server.url, drain_grace=0.2)
        work = asyncio.create_task(asyncio.to_thread(worker.run))
        stream = await server.session()
        lease = await stream.start_job()
        await cancel(stream, lease, tr.CANCEL_REASON_USER)
        report = (await stream.expect("fail")).failures[0]
        assert report.failure.failure_class == pb.failure.FAILURE_CLASS_CANCELLED
        assert looked.is_set()
        await stream.answer(tr.WRITE_KIND_FAIL, lease)

        held = await stream.start_job("a.c")
        await asyncio.to_thread(ignoring.wait)
        worker.stop()
        await stream.expect("drain")
        await stream.send(drain_ack=tr.DrainAck())
        release = (await stream.expect("release")).releases[0]
        assert release.lease == held
        await stream.answer(tr.WRITE_KIND_RELEASE, held)
        await work
        go.set()
