"""What the worker does for runs and operators, against a server that misbehaves on purpose."""

import asyncio
import logging
import socket

import pytest
from scripted_server import scripted_server
from test_worker import Handlers, running

from stellaops_orchestrator import FailedPreconditionError, RunJob, StopReason, Worker
from stellaops_orchestrator.contract import pb

tr = pb.task_runner


@pytest.mark.parametrize(
    ("options", "expected"),
    [({}, socket.gethostname()), ({"host": "rack-7"}, "rack-7"), ({"host": ""}, "")],
)
async def test_hello_names_the_machine(options, expected):
    async with running({"a.b": Handlers().hold}, **options) as (server, _, _):
        assert (await server.session()).hello.host == expected


async def verdict(stream, lease, seconds=None):
    found = tr.Verdict(
        job_id=lease.job_id,
        lease_epoch=lease.lease_epoch,
        verdict=tr.LEASE_VERDICT_RENEWED,
    )
    if seconds is not None:
        found.attempt_time_left.FromMilliseconds(round(seconds * 1000))
    await stream.send(verdicts=tr.Verdicts(verdicts=[found]))


async def test_an_operator_can_move_the_deadline_of_an_attempt_that_runs():
    handlers = Handlers()
    async with running({"a.b": handlers.hold}) as (server, _, _):
        stream = await server.session()
        short = {"attempt_deadline": {"nanos": 300_000_000}}
        lease = await stream.start_job(**short)
        job = await handlers.begun.get()
        await verdict(stream, lease, 60)
        await verdict(stream, lease)  # says nothing about time
        # The next one begins later, and its deadline stays: when it is over, so is the first's.
        other = await stream.start_job(**short)
        report = (await stream.expect("fail")).failures[0]
        assert report.lease == other
        assert job.stop_reason is None
        await verdict(stream, lease, 0)
        report = (await stream.expect("fail")).failures[0]
        assert report.lease == lease
        assert report.failure.failure_class == pb.failure.FAILURE_CLASS_TIMEOUT
        assert handlers.stops == [StopReason.DEADLINE] * 2


async def test_a_deadline_that_is_moved_before_the_handler_begins_counts_from_its_begin():
    handlers = Handlers()
    async with running({"a.b": handlers.hold}) as (server, _, _):
        stream = await server.session()
        lease = await stream.offer(attempt_deadline={"seconds": 60})
        await stream.expect("accept")
        await verdict(stream, lease, 0)
        await stream.answer(tr.WRITE_KIND_ACCEPT, lease)
        report = (await stream.expect("fail")).failures[0]
        assert report.failure.failure_class == pb.failure.FAILURE_CLASS_TIMEOUT


async def test_a_moved_deadline_does_not_lengthen_the_grace_of_a_stop():
    handlers = Handlers()
    async with running({"a.b": handlers.ignore}) as (server, _, _):
        stream = await server.session()
        lease = await stream.start_job()
        await handlers.begun.get()
        cancel = tr.Cancel(
            job_id=lease.job_id, lease_epoch=1, reason=tr.CANCEL_REASON_USER, grace={"seconds": 1}
        )
        await stream.send(cancels=tr.Cancels(cancels=[cancel]))
        await verdict(stream, lease, 3600)
        try:
            async with asyncio.timeout(10):
                report = (await stream.expect("fail")).failures[0]
            assert report.failure.failure_class == pb.failure.FAILURE_CLASS_CANCELLED
        finally:
            handlers.go.set()  # nothing else ends it, and the test could not end either


async def test_a_hint_tells_full_slots_from_idle_ones(caplog):
    blocked = pb.job.BlockedBy(pause=pb.job.BlockedByPause())
    hints = [
        tr.Hint(ready_jobs=1, more_workers_help=True),
        tr.Hint(ready_jobs=1, more_workers_help=True, blocked_by=[blocked]),
        tr.Hint(),
    ]
    name = "stellaops_orchestrator.worker"
    with caplog.at_level(logging.DEBUG, logger=name):
        async with running({"a.b": Handlers().hold}, renew=20.0) as (server, _, _):
            stream = await server.session()
            for hint in hints:
                await stream.send(hint=hint)
            await stream.start_job()  # what came before it has been read
    found = [
        (record.getMessage(), record.__dict__["blocked_by"])
        for record in caplog.records
        if record.name == name and "blocked_by" in record.__dict__
    ]
    full = "all slots are taken and more jobs wait"
    assert found[:3] == [(full, []), ("idle", ["pause"]), ("idle", [])]


async def test_a_job_outside_of_a_run_cannot_fan_out():
    caught = asyncio.get_running_loop().create_future()

    async def fan_out(job):
        try:
            await job.fan_out([RunJob("a", "x.a")])
        except FailedPreconditionError as error:
            caught.set_result(error)

    async with scripted_server() as server:
        worker = Worker({"a.b": fan_out}, url=server.url)
        work = asyncio.create_task(worker.run(handle_signals=False))
        stream = await server.session()
        await stream.start_job()
        error = await asyncio.wait_for(caught, 10)
        assert (error.reason, error.is_retryable) == ("JOB_NOT_IN_RUN", False)
        work.cancel()
        await asyncio.wait([work])


async def test_a_handler_sees_the_window_that_it_is_to_cover():
    handlers = Handlers()
    async with running({"a.b": handlers.hold}) as (server, _, _):
        stream = await server.session()
        await stream.start_job()
        assert (await handlers.begun.get()).window is None
        spec = pb.job.JobSpec(job_type="a.b", source="osv")
        spec.window.CopyFrom(pb.job.EventWindow(scope="npm", end_time={"seconds": 3600}))
        lease = tr.LeaseRef(job_id="w", attempt=1, lease_epoch=1, lease_token="t")
        offer = tr.Offer(lease=lease, pool=stream.hello.pools[0].name, spec=spec)
        await stream.send(offers=tr.Offers(offers=[offer], active=True))
        window = (await handlers.begun.get()).window
        assert window is not None
        assert (window.scope, window.end.timestamp()) == ("npm", 3600)
