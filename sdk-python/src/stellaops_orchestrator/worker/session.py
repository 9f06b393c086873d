"""One stream to the server, with its signs of life."""

import asyncio
import logging
import time
from collections.abc import Callable

import grpc

from stellaops_orchestrator.client.connection import Connection, Endpoint
from stellaops_orchestrator.client.rpcs import SESSION
from stellaops_orchestrator.contract import pb
from stellaops_orchestrator.contract.lease_policy import LeasePolicy, policy_of
from stellaops_orchestrator.errors import OrchestratorError, UnavailableError, from_rpc
from stellaops_orchestrator.worker.frame_writer import FrameWriter
from stellaops_orchestrator.worker.outbox import Frame

ServerFrame = pb.task_runner.ServerFrame

_logger = logging.getLogger("stellaops_orchestrator.worker")


class Session:
    """One stream on a connection of its own.

    It sends a Ping when nothing else was sent within a renew interval, and takes the stream for
    dead when nothing was received within two: a half-open connection looks alive to TCP for
    minutes, and this does not wait for it.

    Args:
        endpoint: Where to connect.
        hello: What to say first.
        policy: The clocks in force before the server's Welcome.
        on_frame: Takes every frame that the session does not deal with itself.
        on_tick: Called every renew interval to renew what is held; True if it said something.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        hello: pb.task_runner.Hello,
        policy: LeasePolicy,
        on_frame: Callable[[ServerFrame], None],
        on_tick: Callable[[], bool],
    ) -> None:
        loop = asyncio.get_running_loop()
        self.hello = hello
        self.policy = policy
        self.writer = FrameWriter()
        self.welcomed: asyncio.Future[pb.task_runner.Welcome | None] = loop.create_future()
        """The server's Welcome, or None when the stream ended before it."""
        self.goaway: asyncio.Future[pb.task_runner.Goaway] = loop.create_future()
        """The server's Goaway; stays pending when none comes."""
        self.ended: asyncio.Future[OrchestratorError | None] = loop.create_future()
        """Why the stream is over; None when the server ended it in order."""
        self.opened_at = time.monotonic()
        self._on_frame = on_frame
        self._on_tick = on_tick
        self._connection = Connection(endpoint, reconnects=False)
        self._received_at = self.opened_at
        self._nonce = 0
        self._death: OrchestratorError | None = None
        self.writer.send(Frame(hello=hello))
        self._clockwork = [asyncio.create_task(self._watch(), name="orchestrator-watchdog")]
        self._main = asyncio.create_task(self._run(), name="orchestrator-session")

    async def close(self, wait: float) -> None:
        """Says that no frame follows and waits for the server's end, for ``wait`` seconds."""
        self.writer.close()
        await asyncio.wait([self.ended], timeout=wait)
        self.destroy()
        await asyncio.wait([self.ended])

    def destroy(self, death: OrchestratorError | None = None) -> None:
        """Cuts the connection."""
        if not self.ended.done():
            self._death = self._death or death
            self._main.cancel()

    async def _run(self) -> None:
        why: OrchestratorError | None = None
        call = self._connection.bidi(SESSION)
        self._clockwork.append(asyncio.create_task(self._write(call)))
        try:
            while isinstance(frame := await call.read(), ServerFrame):
                self._received_at = time.monotonic()
                self._take(frame)
        except asyncio.CancelledError:
            why = self._death
        except grpc.aio.AioRpcError as broken:
            why = from_rpc(broken)
        except Exception as bug:
            _logger.exception("session failed")
            why = UnavailableError(f"{type(bug).__name__}: {bug}", reason="CONNECTION_FAILED")
        finally:
            for task in self._clockwork:
                task.cancel()
            call.cancel()
            await self._connection.close()
            self._settle(why)

    def _settle(self, why: OrchestratorError | None) -> None:
        self.writer.close()
        if not self.welcomed.done():
            self.welcomed.set_result(None)
        self.ended.set_result(why)

    async def _write(self, call: grpc.aio.StreamStreamCall[Frame, ServerFrame]) -> None:
        try:
            await self.writer.run(call.write)
            await call.done_writing()
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            return  # The reader hears of it, with the status.

    def _take(self, frame: ServerFrame) -> None:
        match frame.WhichOneof("frame"):
            case "welcome":
                self._begin(frame.welcome)
            case "goaway":
                if not self.goaway.done():
                    self.goaway.set_result(frame.goaway)
            case "ping":
                pong = pb.task_runner.Pong(nonce=frame.ping.nonce)
                self.writer.send(Frame(pong=pong))
            case "pong" | None:
                pass
            case _:
                self._on_frame(frame)

    def _begin(self, welcome: pb.task_runner.Welcome) -> None:
        if self.welcomed.done():
            return
        self.policy = policy_of(welcome.lease_policy, self.policy)
        # The watchdog goes by the server's clocks from here on.
        self._clockwork.pop(0).cancel()
        self._clockwork.insert(0, asyncio.create_task(self._watch()))
        self._clockwork.append(asyncio.create_task(self._tick()))
        self.welcomed.set_result(welcome)

    async def _tick(self) -> None:
        interval = self.policy.renew_interval.total_seconds()
        due = time.monotonic()
        while True:
            due = max(due + interval, time.monotonic())
            await asyncio.sleep(due - time.monotonic())
            if not self._on_tick():
                self._ping_unless_busy(interval)

    def _ping_unless_busy(self, interval: float) -> None:
        # Half an interval, so that the answer has another half before the watchdog's two are over.
        since = time.monotonic() - interval / 2
        if self.writer.sent_at > since and self._received_at > since:
            return
        self._nonce += 1
        self.writer.send(Frame(ping=pb.task_runner.Ping(nonce=self._nonce)))

    async def _watch(self) -> None:
        limit = 2 * self.policy.renew_interval.total_seconds()
        quiet = time.monotonic() - self._received_at
        while quiet < limit:
            await asyncio.sleep(limit - quiet)
            quiet = time.monotonic() - self._received_at
        message = f"nothing was received for {quiet:.1f} s"
        self.destroy(UnavailableError(message, reason="CONNECTION_SILENT"))
