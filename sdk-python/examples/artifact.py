"""Uploads a file, lets a job work on it, and downloads what the job made. Needs worker.py.

python sdk-python/examples/artifact.py [FILE]
"""

import asyncio
import sys
from pathlib import Path

from stellaops_orchestrator import Orchestrator


async def main(path: Path) -> None:
    async with Orchestrator() as orch:
        source = await orch.artifacts.upload(
            path,
            on_progress=lambda p: print(f"{p.sent_bytes} of {p.total_bytes}", file=sys.stderr),
        )
        print(f"{path}: {source.size_bytes} bytes, {source.digest}")
        print("the server had it already" if source.already_existed else "uploaded")

        # An artifact is an input like any other, however large.
        enqueued = await orch.enqueue("example.fingerprint", source)
        job = await orch.wait_for_job(enqueued.job_id)
        print(job.state, job.last_failure or "")
        for artifact in job.artifacts:
            text = (await orch.artifacts.read(artifact.digest)).decode()
            print(artifact.name, artifact.digest, text, sep="\n")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1] if len(sys.argv) > 1 else sys.executable)))
