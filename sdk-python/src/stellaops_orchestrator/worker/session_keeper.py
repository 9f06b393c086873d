"""Keeps one session up, for ever."""

import asyncio
import logging
import random
import time
from dataclasses import dataclass
from typing import Any, Protocol

from stellaops_orchestrator.contract import pb
from stellaops_orchestrator.contract.lease_policy import LeasePolicy
from stellaops_orchestrator.contract.time import to_timedelta
from stellaops_orchestrator.errors import AbortedError, ErrorKind, OrchestratorError
from stellaops_orchestrator.retry import backoff
from stellaops_orchestrator.worker.session import Session

_logger = logging.getLogger("stellaops_orchestrator.worker")

# Errors that a first connection cannot get over by trying again: the settings are wrong.
_MISCONFIGURED = {
    ErrorKind.INVALID_ARGUMENT,
    ErrorKind.UNAUTHENTICATED,
    ErrorKind.PERMISSION_DENIED,
}


class KeeperPorts(Protocol):
    """What the keeper needs from the worker."""

    @property
    def policy(self) -> LeasePolicy:
        """The clocks in force."""

    def open_session(self) -> Session:
        """Opens a stream that says Hello with what is held now."""

    def on_up(self, session: Session) -> None:
        """A session is up: everything unanswered shall go through it."""

    def on_down(self) -> None:
        """No session is up."""


def superseded() -> OrchestratorError:
    """The error of a worker whose place was taken."""
    return AbortedError(
        "a newer instance of this worker connected",
        reason="SESSION_SUPERSEDED",
        is_retryable=False,
    )


@dataclass(eq=False)
class SessionKeeper:
    """Reconnects with full jitter after a loss, and moves on when the server says Goaway.

    After a Goaway it opens the new stream at a random moment of the window that it gives, and
    leaves the old one open until the new one is up.
    """

    ports: KeeperPorts
    current: Session | None = None
    """The session that is up, if one is."""

    def __post_init__(self) -> None:
        self._was_up = False
        self._tries = 0
        self._newest: Session | None = None
        self._closing: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Runs until it is cancelled.

        Raises:
            OrchestratorError: Connecting again is pointless: a newer instance took over, or the
                very first Hello was refused.
        """
        while True:
            session = self._newest = self.ports.open_session()
            welcome = await session.welcomed
            goaway = await self._while_up(session, welcome) if welcome else None
            if goaway is None:
                await self._after_loss(session)
            else:
                await self._after_goaway(session, goaway)

    async def stop(self, wait: float) -> None:
        """Closes the session in order, cutting it after ``wait`` seconds."""
        if self.current is not None:
            await self.current.close(wait)
        if self._newest is not None:
            await self._newest.close(0)
        if self._closing:
            await asyncio.wait(self._closing, timeout=wait)

    async def _while_up(
        self, session: Session, welcome: pb.task_runner.Welcome
    ) -> pb.task_runner.Goaway | None:
        previous, self.current = self.current, session
        self._was_up = True
        _logger.info(
            "session up",
            extra={"session_id": welcome.session_id, "server_id": welcome.server_id},
        )
        self.ports.on_up(session)
        if previous is not None:
            # The old stream's answers are welcome until the server ends it.
            wait = session.policy.renew_interval.total_seconds()
            closing = asyncio.create_task(previous.close(wait))
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
        ends: list[asyncio.Future[Any]] = [session.goaway, session.ended]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        return session.goaway.result() if session.goaway.done() else None

    async def _after_goaway(self, session: Session, goaway: pb.task_runner.Goaway) -> None:
        if goaway.reason == pb.task_runner.GOAWAY_REASON_SUPERSEDED:
            raise superseded()
        delay = random.random() * to_timedelta(goaway.reconnect_window).total_seconds()
        reason = pb.task_runner.GoawayReason.Name(goaway.reason)
        _logger.info("goaway: will reconnect", extra={"reason": reason, "delay_s": delay})
        due = time.monotonic() + delay
        await asyncio.wait([session.ended], timeout=delay)
        if session.ended.done():
            self._mark_down(session)
            # The window is a promise to the server, also when the stream ends early.
            await asyncio.sleep(max(0.0, due - time.monotonic()))
        else:
            session.ended.add_done_callback(lambda _: self._mark_down(session))
        self._tries = 0

    async def _after_loss(self, session: Session) -> None:
        error = await session.ended
        self._mark_down(session)
        if error is not None and error.reason == "SESSION_SUPERSEDED":
            raise superseded() from error
        if not self._was_up and error is not None and error.kind in _MISCONFIGURED:
            raise error
        policy = self.ports.policy
        # A session that lived counts as a success; one that dies at once must not be hammered.
        lived = time.monotonic() - session.opened_at
        self._tries = 1 if lived > policy.renew_interval.total_seconds() else self._tries + 1
        delay = backoff(
            self._tries,
            policy.reconnect_min.total_seconds(),
            policy.reconnect_max.total_seconds(),
            random.random(),
        )
        cause = str(error) if error else "the stream ended"
        _logger.warning("session lost", extra={"cause": cause, "delay_s": delay})
        await asyncio.sleep(delay)

    def _mark_down(self, session: Session) -> None:
        if self.current is session:
            self.current = None
            self.ports.on_down()
