"""Lists that page themselves."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from stellaops_orchestrator.contract import pb
from stellaops_orchestrator.contract.time import to_timestamp
from stellaops_orchestrator.names import JobState, number_of

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFilter:
    """Narrows a list of jobs; what is set must all match."""

    states: Sequence[JobState] = ()
    """Any of these states."""
    job_types: Sequence[str] = ()
    """Any of these job types."""
    queue: str = ""
    """This queue."""
    project: str = ""
    """This project."""
    source: str = ""
    """This source."""
    run_id: str = ""
    """This run."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """All of these labels."""
    created_from: datetime | None = None
    """Enqueued at or after this."""
    created_before: datetime | None = None
    """Enqueued before this."""

    def to_message(self) -> pb.job.JobFilter:
        """The filter as the contract carries it."""
        message = pb.job.JobFilter(
            job_types=list(self.job_types),
            queue=self.queue,
            project=self.project,
            source=self.source,
            run_id=self.run_id,
            labels=dict(self.labels),
            created_from=to_timestamp(self.created_from),
            created_before=to_timestamp(self.created_before),
        )
        for state in self.states:
            message.states.append(number_of(JobState(state)))  # type: ignore[arg-type]
        return message


async def pages(
    fetch: Callable[[str], Awaitable[tuple[Iterable[T], str]]],
) -> AsyncIterator[T]:
    """Walks the pages of a list: asks for the next one only when it is wanted.

    Args:
        fetch: Answers the items of the page of a token, and the next page's token.
    """
    token = ""
    while True:
        items, token = await fetch(token)
        for item in items:
            yield item
        if not token:
            return
