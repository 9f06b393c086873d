"""Enqueues many jobs: a result per job, and a bad one does not stop its neighbours.

python sdk-python/examples/batch.py [COUNT]
"""

import asyncio
import sys
import time

from stellaops_orchestrator import EnqueueOutcome, JobRequest, Orchestrator


async def main(count: int) -> None:
    requests = [
        JobRequest("example.greet", {"name": f"number {number}"}, priority=-5)
        for number in range(count)
    ]
    async with Orchestrator() as orch:
        started = time.monotonic()
        results = await orch.enqueue_many([*requests, JobRequest("Not A Job Type")])
        seconds = time.monotonic() - started

    created = sum(result.outcome is EnqueueOutcome.CREATED for result in results)
    print(f"created {created} of {len(results)} in {seconds:.2f} s")
    for result in results:
        if result.error is not None:
            violation = result.error.violations[0]
            print(f"rejected: {result.error.kind} {violation.field} {violation.description}")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000))
