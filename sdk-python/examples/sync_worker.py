"""Runs plain functions as handlers, each in a thread, until Ctrl-C.

python sdk-python/examples/sync_worker.py
"""

import logging

from stellaops_orchestrator import SyncJobContext, SyncWorker


def greet(job: SyncJobContext) -> dict[str, str]:
    return {"greeting": f"Hello, {job.json()['name']}!"}


def count(job: SyncJobContext) -> dict[str, int]:
    """Counts slowly; ``job.wait`` ends it when it must stop."""
    to = job.json()["to"]
    counted = int(job.checkpoint or b"0")
    while counted < to:
        job.wait(0.1)
        counted += 1
        checkpoint = str(counted).encode()
        job.progress(counted / to, message=f"{counted} of {to}", checkpoint=checkpoint)
    return {"counted": counted}


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    SyncWorker({"example.greet": greet, "example.count": count}, concurrency=4).run()
