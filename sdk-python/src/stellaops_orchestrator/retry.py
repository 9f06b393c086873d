"""Repeating calls that are safe to repeat."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

import grpc

from stellaops_orchestrator.contract.lease_policy import CONTRACT_POLICY
from stellaops_orchestrator.errors import (
    DeadlineExceededError,
    ErrorKind,
    OrchestratorError,
    from_rpc,
)

T = TypeVar("T")

# Beyond this many doublings every bound is the maximum; more would overflow a float.
_MAX_DOUBLINGS = 30


def backoff(
    tries: int,
    minimum: float,
    maximum: float,
    draw: float,
    retry_after: timedelta | None = None,
) -> float:
    """The delay before try ``tries + 1``, in seconds.

    It is drawn evenly between ``minimum`` and a bound that doubles with every try up to
    ``maximum`` (AWS, "Exponential Backoff And Jitter", full jitter); ``draw`` is from 0 to 1. A
    ``retry_after`` is a floor: the jitter comes on top of it.
    """
    if retry_after:
        return retry_after.total_seconds() + draw * minimum
    bound = min(maximum, minimum * 2.0 ** min(tries, _MAX_DOUBLINGS))
    return minimum + draw * max(0.0, bound - minimum)


def contract_backoff(tries: int, retry_after: timedelta | None = None) -> float:
    """A delay with the contract's bounds for reconnecting, which pace repeated calls too."""
    return backoff(
        tries,
        CONTRACT_POLICY.reconnect_min.total_seconds(),
        CONTRACT_POLICY.reconnect_max.total_seconds(),
        random.random(),
        retry_after,
    )


async def with_retries(call: Callable[[float], Awaitable[T]], timeout: float) -> T:
    """Makes a call until it answers, fails for good, or its time is over.

    Args:
        call: Makes one try; is given the seconds that are left.
        timeout: Seconds for the whole, tries and delays included.

    Raises:
        OrchestratorError: The last error, when it is final or the next delay would pass the
            deadline.
    """
    deadline = time.monotonic() + timeout
    tries = 0
    last: OrchestratorError | None = None
    while True:
        tries += 1
        left = deadline - time.monotonic()
        try:
            return await call(max(left, 0.001))
        except grpc.aio.AioRpcError as broken:
            error = from_rpc(broken)
            if error.kind is ErrorKind.DEADLINE_EXCEEDED and not error.reason:
                # What the server said last tells more than that the time is over.
                raise (last or _timed_out(timeout)) from error
        if not error.is_retryable:
            raise error
        last = error
        delay = contract_backoff(tries, error.retry_after)
        if time.monotonic() + delay >= deadline:
            raise error
        await asyncio.sleep(delay)


def _timed_out(timeout: float) -> OrchestratorError:
    return DeadlineExceededError(
        f"no answer within {timeout:g} s", reason="CALL_TIMEOUT", is_retryable=True
    )
