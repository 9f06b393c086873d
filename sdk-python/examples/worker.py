"""Runs handlers until Ctrl-C.

python sdk-python/examples/worker.py
"""

import asyncio
import hashlib
import logging

from stellaops_orchestrator import JobContext, TerminalError, Worker


async def greet(job: JobContext) -> dict[str, str]:
    name = job.json().get("name")
    if not name:
        raise TerminalError("nobody to greet", failure_class="schema_mismatch")
    job.log.info("greeting %s", name)
    return {"greeting": f"Hello, {name}!"}


async def count(job: JobContext) -> dict[str, int]:
    """Counts slowly. An attempt that is interrupted leaves its count to the next one."""
    to = job.json()["to"]
    counted = int(job.checkpoint or b"0")
    while counted < to:
        await asyncio.sleep(0.1)
        counted += 1
        checkpoint = str(counted).encode()
        job.progress(counted / to, message=f"{counted} of {to}", checkpoint=checkpoint)
    return {"counted": counted}


async def fingerprint(job: JobContext) -> dict[str, int]:
    """Reads an input of any size and binds what it made to the job."""
    data = await job.load_payload()
    digest = hashlib.sha512(data).hexdigest()
    await job.upload_artifact("sha512.txt", f"{digest}\n".encode(), media_type="text/plain")
    return {"bytes": len(data)}


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    handlers = {
        "example.greet": greet,
        "example.count": count,
        "example.fingerprint": fingerprint,
    }
    asyncio.run(Worker(handlers, concurrency=4).run())
