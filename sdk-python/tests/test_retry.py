import asyncio
from datetime import timedelta

import grpc
import pytest
from test_errors import rpc_error

from stellaops_orchestrator import DeadlineExceededError, NotFoundError, UnavailableError
from stellaops_orchestrator.retry import backoff, with_retries


def test_full_jitter_between_the_minimum_and_a_doubling_bound():
    assert backoff(0, 0.25, 30, 0.0) == 0.25
    assert backoff(3, 0.25, 30, 1.0) == 2.0
    assert backoff(3, 0.25, 30, 0.0) == 0.25
    assert backoff(10_000, 0.25, 30, 1.0) == 30


def test_jitter_comes_on_top_of_retry_after():
    assert backoff(5, 0.25, 30, 0.0, timedelta(seconds=7)) == 7
    assert backoff(5, 0.25, 30, 1.0, timedelta(seconds=7)) == 7.25


async def test_a_passing_error_is_tried_again():
    tries = 0

    async def call(_):
        nonlocal tries
        tries += 1
        if tries == 1:
            raise rpc_error(grpc.StatusCode.UNAVAILABLE)
        return "answer"

    assert await with_retries(call, 10) == "answer"
    assert tries == 2


async def test_a_final_error_is_raised_at_once():
    async def call(_):
        raise rpc_error(grpc.StatusCode.NOT_FOUND)

    with pytest.raises(NotFoundError):
        await with_retries(call, 10)


async def test_the_last_error_is_raised_when_the_time_is_over():
    async def call(_):
        raise rpc_error(grpc.StatusCode.UNAVAILABLE)

    with pytest.raises(UnavailableError):
        await with_retries(call, 0.01)


async def test_no_answer_at_all_is_a_deadline():
    async def call(left):
        await asyncio.sleep(min(left, 0.01))
        raise rpc_error(grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded")

    with pytest.raises(DeadlineExceededError) as caught:
        await with_retries(call, 0.01)
    assert caught.value.reason == "CALL_TIMEOUT"
