"""Enqueues one job, waits until it has finished and prints what became of it.

python sdk-python/examples/enqueue.py [NAME]
"""

import asyncio
import sys
import time

from stellaops_orchestrator import JobState, Orchestrator


async def main(name: str) -> None:
    async with Orchestrator() as orch:
        # The same key enqueues the same job once, however often this runs within the minute.
        key = f"greet-{name}-{int(time.time() // 60)}"
        enqueued = await orch.enqueue(
            "example.greet", {"name": name}, idempotency_key=key, labels={"from": "docs"}
        )
        print(enqueued.outcome, enqueued.job_id)

        job = await orch.wait_for_job(enqueued.job_id)
        if job.state is JobState.SUCCEEDED:
            print(job.result_json()["greeting"])
        else:
            print(job.state, job.last_failure)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "world"))
