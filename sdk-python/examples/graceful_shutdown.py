"""A worker that is told to stop in mid-job: what it holds finishes, nothing is lost.

python sdk-python/examples/graceful_shutdown.py
"""

import asyncio

from stellaops_orchestrator import JobContext, Orchestrator, Worker

JOB_TYPE = "example.slow"


async def main() -> None:
    shutdown = asyncio.Event()

    async def slow(job: JobContext) -> dict[str, bool]:
        print("begun", job.job_id)
        shutdown.set()
        # Without the grace this would end here: the task is cancelled when the grace is over.
        await asyncio.sleep(1)
        return {"finished": True}

    async with Orchestrator() as orch:
        numbers = range(1, 5)
        jobs = await asyncio.gather(*(orch.enqueue(JOB_TYPE, {"n": n}) for n in numbers))
        ids = [job.job_id for job in jobs]

        async with Worker({JOB_TYPE: slow}, concurrency=2, drain_grace=10):
            await shutdown.wait()
        print("the worker has drained")

        for job_id in ids:
            job = await orch.get_job(job_id)
            print(f"{job_id} {job.state}, {job.interruptions} interruptions")
        # The others went back to their queue unharmed; they are not needed any more.
        await orch.cancel_jobs(ids, reason="end of the example")


if __name__ == "__main__":
    asyncio.run(main())
