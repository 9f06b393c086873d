"""A server over a real wire that does what a test tells it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc

from stellaops_orchestrator.client import rpcs
from stellaops_orchestrator.contract import pb
from stellaops_orchestrator.contract.ids import uuid7

tr = pb.task_runner


@dataclass
class Stream:
    """One Session stream, seen from the server."""

    hello: tr.Hello
    context: grpc.aio.ServicerContext[Any, Any]
    frames: asyncio.Queue[tr.WorkerFrame] = field(default_factory=asyncio.Queue)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    writing: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def send(self, **frame: Any) -> None:
        async with self.writing:
            await self.context.write(tr.ServerFrame(**frame))

    async def live(self, interval: float) -> None:
        """Shows signs of life."""
        while True:
            await asyncio.sleep(interval)
            await self.send(hint=tr.Hint(ready_jobs=0))

    async def expect(self, kind: str, *, never: str = "") -> Any:
        """The next frame of a kind; others are skipped, of which one kind may not come."""
        while True:
            frame = await asyncio.wait_for(self.frames.get(), 10)
            assert frame.WhichOneof("frame") != never
            if frame.WhichOneof("frame") == kind:
                return getattr(frame, kind)

    async def offer(
        self,
        job_type: str = "a.b",
        epoch: int = 1,
        job_id: str = "",
        *,
        active: bool = False,
        **more: Any,
    ) -> tr.LeaseRef:
        lease = tr.LeaseRef(
            job_id=job_id or uuid7(), attempt=epoch, lease_epoch=epoch, lease_token="t"
        )
        pool = self.hello.pools[0].name
        offer = tr.Offer(lease=lease, pool=pool, spec=pb.job.JobSpec(job_type=job_type), **more)
        await self.send(offers=tr.Offers(offers=[offer], active=active))
        return lease

    async def answer(
        self,
        kind: tr.WriteKind,
        lease: tr.LeaseRef,
        verdict: tr.WriteVerdict = tr.WRITE_VERDICT_APPLIED,
    ) -> None:
        result = tr.WriteResult(
            kind=kind, job_id=lease.job_id, lease_epoch=lease.lease_epoch, verdict=verdict
        )
        await self.send(results=tr.Results(results=[result]))

    async def start_job(self, job_type: str = "a.b", **more: Any) -> tr.LeaseRef:
        """Offers a job and applies its accept."""
        lease = await self.offer(job_type, **more)
        accept = await self.expect("accept")
        assert list(accept.leases) == [lease]
        await self.answer(tr.WRITE_KIND_ACCEPT, lease)
        return lease

    def end(self) -> None:
        self.ended.set()


class ScriptedServer:
    """Takes sessions and hands them to the test, in order."""

    def __init__(self, renew: float, *, is_silent: bool) -> None:
        self.renew = renew
        self.is_silent = is_silent
        self.url = ""
        self._streams: asyncio.Queue[Stream] = asyncio.Queue()

    async def session(self) -> Stream:
        return await asyncio.wait_for(self._streams.get(), 10)

    async def serve(
        self, requests: AsyncIterator[tr.WorkerFrame], context: grpc.aio.ServicerContext[Any, Any]
    ) -> None:
        first = await anext(requests)
        stream = Stream(first.hello, context)
        welcome = tr.Welcome(session_id="s", server_id="scripted")
        policy = welcome.lease_policy
        policy.renew_interval.FromMilliseconds(round(self.renew * 1000))
        policy.reconnect_min.FromMilliseconds(10)
        policy.reconnect_max.FromMilliseconds(50)
        policy.drain_grace.FromMilliseconds(1000)
        await stream.send(welcome=welcome)
        self._streams.put_nowait(stream)

        async def read() -> None:
            async for frame in requests:
                stream.frames.put_nowait(frame)

        ends = [asyncio.create_task(read()), asyncio.create_task(stream.ended.wait())]
        if not self.is_silent:
            ends.append(asyncio.create_task(stream.live(self.renew / 2)))
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in ends:
                task.cancel()


@asynccontextmanager
async def scripted_server(
    renew: float = 5.0, *, is_silent: bool = False
) -> AsyncIterator[ScriptedServer]:
    scripted = ScriptedServer(renew, is_silent=is_silent)
    handler = grpc.stream_stream_rpc_method_handler(
        scripted.serve,
        request_deserializer=tr.WorkerFrame.FromString,
        response_serializer=tr.ServerFrame.SerializeToString,
    )
    service = "stellaops.orchestrator.v1.TaskRunnerService"
    server = grpc.aio.server()
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler(service, {rpcs.SESSION.method: handler})]
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    scripted.url = f"http://127.0.0.1:{port}"
    try:
        yield scripted
    finally:
        await server.stop(None)
