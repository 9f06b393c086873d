"""Brings Proceed commands to the Holds that wait for them."""

import asyncio
from dataclasses import dataclass, field


@dataclass(eq=False)
class Gate:
    """A Hold that waits for its Proceed."""

    job_id: str
    attempt: int
    opened: asyncio.Event = field(default_factory=asyncio.Event)


class Gates:
    """All Holds; no Proceed is lost."""

    def __init__(self) -> None:
        self._waiting: list[Gate] = []
        self._remembered: list[tuple[str, int]] = []

    def proceed(self, job_id: str, attempt: int) -> None:
        """Opens the Hold of a job, or the next one; attempt 0 means any."""
        for gate in self._waiting:
            if gate.job_id == job_id and attempt in {0, gate.attempt}:
                self._waiting.remove(gate)
                gate.opened.set()
                return
        self._remembered.append((job_id, attempt))

    def wait(self, job_id: str, attempt: int) -> Gate:
        """A Hold begins."""
        gate = Gate(job_id, attempt)
        for known in ((job_id, attempt), (job_id, 0)):
            if known in self._remembered:
                self._remembered.remove(known)
                gate.opened.set()
                return gate
        self._waiting.append(gate)
        return gate

    def leave(self, gate: Gate) -> None:
        """The Hold ended otherwise."""
        if gate in self._waiting:
            self._waiting.remove(gate)
