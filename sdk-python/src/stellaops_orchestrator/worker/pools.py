"""The slots of a worker."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from stellaops_orchestrator._gen import limits
from stellaops_orchestrator.contract import pb


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """A set of slots for some job types of some queues."""

    concurrency: int
    """How many jobs it runs at once."""
    job_types: Sequence[str]
    """The job types that it takes; each needs a handler."""
    queues: Sequence[str] = ()
    """The queues that it takes from; ``"default"`` unless told."""


def plan_pools(
    pools: Mapping[str, Pool] | None,
    job_types: Collection[str],
    concurrency: int,
    queues: Sequence[str],
) -> list[pb.task_runner.Pool]:
    """The pools as Hello announces them: those named, else one called "main" for everything.

    Raises:
        ValueError: For what the server could only refuse.
    """
    whole = Pool(concurrency=concurrency, job_types=tuple(job_types), queues=queues)
    named = pools or {"main": whole}
    if len(named) > limits.SESSION_POOLS:
        raise ValueError(f"a worker has {limits.SESSION_POOLS} pools at most, not {len(named)}")
    for name, pool in named.items():
        _check(name, pool, job_types)
    slots = sum(pool.concurrency for pool in named.values())
    if slots > limits.HELD_LEASES:
        raise ValueError(f"a worker can hold {limits.HELD_LEASES} jobs at most, not {slots}")
    return [
        pb.task_runner.Pool(
            name=name,
            job_types=list(dict.fromkeys(pool.job_types)),
            queues=list(dict.fromkeys(pool.queues)),
            slots=pool.concurrency,
        )
        for name, pool in named.items()
    ]


def _check(name: str, pool: Pool, handled: Collection[str]) -> None:
    if pool.concurrency < 1:
        raise ValueError(f"pool {name!r}: concurrency must be positive, not {pool.concurrency}")
    if not 0 < len(pool.job_types) <= limits.POOL_JOB_TYPES:
        count, limit = len(pool.job_types), limits.POOL_JOB_TYPES
        raise ValueError(f"pool {name!r} has {count} job types: 1 to {limit} are possible")
    for job_type in pool.job_types:
        if job_type not in handled:
            raise ValueError(f"pool {name!r}: no handler for {job_type!r}")
