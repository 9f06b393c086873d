"""A pipeline whose first job finds out what there is to do: it fans out, and a join waits for all.

python sdk-python/examples/fan_out.py [TEXT …]
"""

import asyncio
import sys

from stellaops_orchestrator import (
    DependsOn,
    JobContext,
    Orchestrator,
    ParameterKind,
    Pipeline,
    PipelineJob,
    PipelineParameter,
    RunJob,
    Worker,
)

SHOUT = Pipeline(
    name="example.shout",
    parameters=[PipelineParameter(name="texts", kind=ParameterKind.JSON)],
    jobs=[
        PipelineJob("split", "example.split", payload_template={"texts": "${texts}"}),
        PipelineJob("join", "example.join", depends_on=[DependsOn("split", include_fan_out=True)]),
    ],
)


async def split(job: JobContext) -> None:
    """One part per text. In a second attempt the same names find the parts of the first one."""
    texts = enumerate(job.json()["texts"], start=1)
    parts = [RunJob(f"part-{at}", "example.part", {"text": text}) for at, text in texts]
    appended = await job.fan_out(parts)
    print("split into", ", ".join(appended.job_ids))


async def part(job: JobContext) -> str:
    return str(job.json()["text"]).upper()


async def join(job: JobContext) -> dict[str, str]:
    run = await job.orchestrator.get_run(job.run_id)
    ids = [found.job_id for found in run.jobs if found.name.startswith("part-")]
    parts = await asyncio.gather(*[job.orchestrator.get_job(job_id) for job_id in ids])
    return {"joined": "".join(found.result_json() for found in parts)}


async def main(texts: list[str]) -> None:
    handlers = {"example.split": split, "example.part": part, "example.join": join}
    async with Orchestrator() as orch, Worker(handlers, concurrency=4):
        stored = await orch.pipelines.put(SHOUT, reason="the example")
        print(f"pipeline {stored.name}, version {stored.version}")
        created = await orch.pipelines.run(stored.name, parameters={"texts": texts})
        joined = await orch.wait_for_job(created.job_ids["join"])
        run = await orch.get_run(created.run_id)
        print(f"{len(run.jobs)} jobs, {run.state}: {joined.result.decode()}")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:] or ["a", "b", "c"]))
