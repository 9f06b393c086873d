"""Joins the session and the agent: what a Worker is made of."""

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field

from stellaops_orchestrator._gen import limits
from stellaops_orchestrator._version import SDK_NAME
from stellaops_orchestrator.client.connection import Endpoint
from stellaops_orchestrator.contract import pb
from stellaops_orchestrator.contract.lease_policy import CONTRACT_POLICY, LeasePolicy
from stellaops_orchestrator.contract.text import truncate
from stellaops_orchestrator.orchestrator import Orchestrator
from stellaops_orchestrator.worker.agent import Agent
from stellaops_orchestrator.worker.condition import Condition
from stellaops_orchestrator.worker.drain import drain
from stellaops_orchestrator.worker.job_runner import Handler
from stellaops_orchestrator.worker.lease_table import LeaseState
from stellaops_orchestrator.worker.outbox import Frame
from stellaops_orchestrator.worker.session import Session
from stellaops_orchestrator.worker.session_keeper import SessionKeeper

_logger = logging.getLogger("stellaops_orchestrator.worker")

_UNFINISHED = (
    LeaseState.OFFERED,
    LeaseState.RUNNING,
    LeaseState.STOPPING,
    LeaseState.LINGERING,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineOptions:
    """What an engine goes by."""

    endpoint: Endpoint
    handlers: Mapping[str, Handler]
    pools: Sequence[pb.task_runner.Pool]
    worker_id: str
    host: str
    """The machine's name; empty for none."""
    labels: Mapping[str, str]
    drain_grace: float | None
    """Seconds; the lease policy's if None."""
    lease_at_once: bool
    """Whether jobs come with an active lease instead of an offer."""
    instance_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    """New for every worker object: an old process's leases are interrupted by it."""


def _log_hint(hint: pb.task_runner.Hint) -> None:
    causes = [blocked.WhichOneof("cause") for blocked in hint.blocked_by]
    is_full = hint.more_workers_help and not causes
    text = "all slots are taken and more jobs wait" if is_full else "idle"
    _logger.debug(text, extra={"ready_jobs": hint.ready_jobs, "blocked_by": causes})


class Engine:
    """Runs one worker's life: connect, work, drain. Lives in one event loop."""

    def __init__(self, options: EngineOptions, orchestrator: Orchestrator) -> None:
        self.policy: LeasePolicy = CONTRACT_POLICY
        self.is_drain_acknowledged = False
        self._options = options
        self._condition = Condition()
        self._drain_reason: str | None = None
        self._credit: dict[str, int] = {}
        self._lingering = 0
        self._keeper = SessionKeeper(self)
        self._agent = Agent(options.handlers, orchestrator, lambda: self.policy, self._changed)
        self.until = self._condition.until

    async def run(self, stop: Awaitable[str]) -> None:
        """Works until ``stop`` answers why to stop, then drains.

        Raises:
            OrchestratorError: Working is pointless, see SessionKeeper.run.
        """
        stopping = asyncio.ensure_future(stop)
        keeping = asyncio.create_task(self._keeper.run(), name="orchestrator-keeper")
        try:
            await asyncio.wait([stopping, keeping], return_when=asyncio.FIRST_COMPLETED)
            if keeping.done():
                keeping.result()
            await self._drain(stopping.result(), keeping)
        finally:
            stopping.cancel()
            keeping.cancel()
            await self._abandon()
            await asyncio.wait([keeping])
            await self._keeper.stop(self.policy.reconnect_min.total_seconds() * 4)

    async def _drain(self, reason: str, keeping: asyncio.Task[None]) -> None:
        grace = self._options.drain_grace
        if grace is None:
            grace = self.policy.drain_grace.total_seconds()
        # What goes wrong with the session from here on is part of the drain.
        keeping.add_done_callback(self._on_keeper_end)
        fields = {"reason": reason, "grace_s": grace, "held": len(self._agent.leases)}
        _logger.info("draining", extra=fields)
        await drain(self, reason, grace)
        _logger.info("drained", extra={"unanswered": self._agent.outbox.unanswered})

    def _on_keeper_end(self, keeping: asyncio.Task[None]) -> None:
        if not keeping.cancelled() and keeping.exception() is not None:
            self._agent.lose_all()

    async def _abandon(self) -> None:
        """Stops what a drain left, or what runs when another instance took over."""
        self._agent.lose_all()
        short = self.policy.drain_grace.total_seconds() / 10
        await self.until(lambda: self._agent.leases.count(LeaseState.LINGERING) == 0, short)
        self._agent.give_up_all()

    # What the drain needs.

    def announce_drain(self, reason: str) -> None:
        """Says Drain now and on every stream to come, and starts nothing any more."""
        self._drain_reason = truncate(reason, limits.DRAIN_REASON_BYTES)
        self._agent.stop_accepting()
        if self._keeper.current is not None:
            self._send_drain(self._keeper.current)

    def is_connected(self) -> bool:
        """Whether a session is up."""
        return self._keeper.current is not None

    def running(self) -> int:
        """How many leases have no outcome yet."""
        return self._agent.leases.count(*_UNFINISHED)

    def is_idle(self) -> bool:
        """Whether nothing runs and every outcome was answered."""
        return self._agent.is_idle()

    def stop_all(self, grace: float) -> None:
        """Asks every handler to stop within ``grace`` seconds."""
        self._agent.stop_all(grace)

    def give_up_all(self) -> None:
        """Gives up the handlers that did not stop."""
        self._agent.give_up_all()

    # What the session keeper needs.

    def open_session(self) -> Session:
        """Opens a stream that says Hello with what is held now."""
        slots = self._slots()
        pools = []
        for pool in self._options.pools:
            announced = pb.task_runner.Pool()
            announced.CopyFrom(pool)
            announced.slots = slots[pool.name]
            pools.append(announced)
        hello = pb.task_runner.Hello(
            worker_id=self._options.worker_id,
            instance_id=self._options.instance_id,
            pools=pools,
            held_leases=self._agent.held(),
            sdk=SDK_NAME,
            labels=dict(self._options.labels),
            host=self._options.host,
            lease_at_once=self._options.lease_at_once,
        )
        endpoint = self._options.endpoint
        return Session(endpoint, hello, self.policy, self._on_frame, self._on_tick)

    def on_up(self, session: Session) -> None:
        """Everything unanswered shall go through this session."""
        self.policy = session.policy
        self._credit = {pool.name: pool.slots for pool in session.hello.pools}
        self._lingering = -1
        outbox = self._agent.outbox
        outbox.resend(0)
        if self._drain_reason is not None:
            self._send_drain(session)
        session.writer.pull_from(outbox.take)
        self._changed()

    def on_down(self) -> None:
        """No session is up."""
        self._condition.changed()

    def _send_drain(self, session: Session) -> None:
        drain_message = pb.task_runner.Drain(reason=self._drain_reason or "")
        session.writer.send(Frame(drain=drain_message))

    def _on_frame(self, frame: pb.task_runner.ServerFrame) -> None:
        match frame.WhichOneof("frame"):
            case "drain_ack":
                self.is_drain_acknowledged = True
            case "hint":
                _log_hint(frame.hint)
            case _:
                self._agent.take(frame)
        self._changed()

    def _on_tick(self) -> bool:
        """Renews what is held; True if there was something to renew."""
        # Half an interval: what was sent just before a tick must not wait for two.
        self._agent.outbox.resend(self.policy.renew_interval.total_seconds() / 2)
        session = self._keeper.current
        leases = self._agent.renewable()
        if not leases or session is None:
            return False
        session.writer.send(Frame(heartbeat=pb.task_runner.Heartbeat(leases=leases)))
        return True

    def _slots(self) -> dict[str, int]:
        """Slots per pool: none in a drain, and none for those that a lost lease's handler holds."""
        slots = {pool.name: pool.slots for pool in self._options.pools}
        for lease in self._agent.leases.within(LeaseState.LINGERING):
            name = lease.offer.pool
            slots[name] = max(0, slots.get(name, 0) - 1)
        return dict.fromkeys(slots, 0) if self._drain_reason is not None else slots

    def _changed(self) -> None:
        session = self._keeper.current
        if session is not None:
            self._send_credit(session)
            session.writer.poke()
        self._condition.changed()

    def _send_credit(self, session: Session) -> None:
        lingering = self._agent.leases.count(LeaseState.LINGERING)
        if self._drain_reason is not None or lingering == self._lingering:
            return
        self._lingering = lingering
        slots = self._slots()
        news = [name for name, count in slots.items() if self._credit.get(name) != count]
        if not news:
            return
        self._credit = slots
        pools = [pb.task_runner.PoolCredit(pool=name, slots=slots[name]) for name in news]
        session.writer.send(Frame(credit=pb.task_runner.Credit(pools=pools)))
