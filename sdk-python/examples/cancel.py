"""Starts a long job, watches it, and cancels it when it has got somewhere. Needs worker.py.

python sdk-python/examples/cancel.py
"""

import asyncio

from stellaops_orchestrator import Orchestrator


async def main() -> None:
    async with Orchestrator() as orch:
        enqueued = await orch.enqueue("example.count", {"to": 600})

        is_cancelled = False
        async for job in orch.watch_jobs([enqueued.job_id]):
            print(job.state, job.progress.message if job.progress else "")
            if is_cancelled or job.progress is None or job.progress.fraction < 0.01:
                continue
            is_cancelled = True
            [result] = await orch.cancel_jobs([job.job_id], reason="seen enough", grace=2)
            print("cancel:", result.outcome)

        async for event in orch.job_events(enqueued.job_id):
            print(event.time, event.kind, "by", event.actor, event.reason)


if __name__ == "__main__":
    asyncio.run(main())
