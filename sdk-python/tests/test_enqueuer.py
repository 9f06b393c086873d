import asyncio

import pytest

from stellaops_orchestrator import InvalidArgumentError, JobRequest, OrchestratorError
from stellaops_orchestrator.client.enqueuer import (
    MAX_BATCH_BYTES,
    Enqueuer,
    batches_of,
    send_isolated,
)
from stellaops_orchestrator.client.job_spec import to_job_spec
from stellaops_orchestrator.contract import pb
from stellaops_orchestrator.errors import FieldViolation


def spec(job_type="a.b", payload=b"x"):
    return to_job_spec(JobRequest(job_type, payload), None)


class Server:
    """What EnqueueJobs does, as far as an enqueuer can see."""

    def __init__(self, *, names_fields=True):
        self.batches = []
        self.names_fields = names_fields
        self.gate = asyncio.Event()
        self.gate.set()

    async def send(self, specs):
        self.batches.append(len(specs))
        await self.gate.wait()
        bad = [at for at, one in enumerate(specs) if one.job_type == "bad"]
        if bad:
            named = [FieldViolation(f"jobs[{at}].job_type", "") for at in bad]
            raise InvalidArgumentError("bad", violations=named if self.names_fields else ())
        outcome = pb.job.ENQUEUE_OUTCOME_CREATED
        return [pb.job.EnqueueResult(outcome=outcome, job_id=one.job_id) for one in specs]


def test_batches_keep_the_limits_and_the_order():
    specs = [spec() for _ in range(2500)]
    batches = list(batches_of(specs))
    assert [len(batch) for batch in batches] == [1000, 1000, 500]
    assert [one for batch in batches for one in batch] == specs

    large = [spec(payload=bytes(250_000)) for _ in range(40)]
    for batch in batches_of(large):
        assert pb.job.EnqueueJobsRequest(jobs=batch).ByteSize() <= MAX_BATCH_BYTES


@pytest.mark.parametrize(
    ("names_fields", "calls"), [(True, [5, 4, 1]), (False, [5, 1, 1, 1, 1, 1])]
)
async def test_a_bad_item_does_not_fail_its_neighbours(names_fields, calls):
    server = Server(names_fields=names_fields)
    specs = [spec(), spec("bad"), spec(), spec(), spec()]
    answers = await send_isolated(server.send, specs)
    assert server.batches == calls
    failed = [isinstance(answer, OrchestratorError) for answer in answers]
    assert failed == [False, True, False, False, False]
    assert [a.job_id for a in answers if not isinstance(a, OrchestratorError)] == [
        one.job_id for one in specs if one.job_type != "bad"
    ]


async def test_concurrent_calls_share_batches_and_an_idle_one_goes_at_once():
    server = Server()
    enqueuer = Enqueuer(server.send, 100_000, 2**28)
    await enqueuer.add(spec())
    assert server.batches == [1]

    server.gate.clear()
    first = [asyncio.create_task(enqueuer.add(spec())) for _ in range(3)]
    while len(server.batches) < 2:
        await asyncio.sleep(0)
    later = [asyncio.create_task(enqueuer.add(spec())) for _ in range(1500)]
    await asyncio.sleep(0)
    server.gate.set()
    await asyncio.gather(*first, *later)
    assert server.batches == [1, 3, 1000, 500]
    await enqueuer.idle()


async def test_a_cancelled_caller_withdraws_what_waits():
    server = Server()
    server.gate.clear()
    enqueuer = Enqueuer(server.send, 100_000, 2**28)
    first = asyncio.create_task(enqueuer.add(spec()))
    while not server.batches:
        await asyncio.sleep(0)
    waiting = asyncio.create_task(enqueuer.add(spec()))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    server.gate.set()
    await first
    await enqueuer.idle()
    assert server.batches == [1]


async def test_a_full_queue_says_so():
    server = Server()
    server.gate.clear()
    enqueuer = Enqueuer(server.send, 1, 2**28)
    waiting = asyncio.create_task(enqueuer.add(spec()))
    await asyncio.sleep(0)
    answer = await enqueuer.add(spec())
    assert isinstance(answer, OrchestratorError)
    assert answer.reason == "QUEUE_FULL"
    assert answer.is_retryable
    server.gate.set()
    await waiting


async def test_a_bug_in_sending_reaches_every_caller():
    async def send(_):
        raise KeyError("bug")

    enqueuer = Enqueuer(send, 10, 2**20)
    answer = await enqueuer.add(spec())
    assert isinstance(answer, OrchestratorError)
    assert "KeyError" in str(answer)
