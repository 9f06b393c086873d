"""Started by the demo as a child.

    python -m sbom_agent --url URL --tenant NAME --queue NAME --root FOLDER

It drains at SIGTERM, and when its standard input ends: then the demo that started it is gone.
"""

import argparse
import logging
import os
import sys
import threading
from functools import partial
from pathlib import Path

from stellaops_orchestrator import FailureClass, SyncJobContext, SyncWorker, TerminalError

from sbom_agent.files import ManifestChangedError, ManifestError, read_verified
from sbom_agent.inventory import Inventory
from sbom_agent.pyproject import scan_pyproject
from sbom_agent.requirements import scan_requirements

CONCURRENCY = 4
ORPHAN_GRACE_SECONDS = 5.0
"""Bounds the drain when the demo is gone: its server goes at the same time."""

SCANNERS = {"pyproject": scan_pyproject, "requirements": scan_requirements}


def handle_scan(root: Path, job: SyncJobContext) -> dict[str, int]:
    """Scans one manifest under ``root`` and uploads its component list."""
    request = job.json()
    try:
        inventory = scan(root, request["kind"], request["manifest"], request["files"])
    except ManifestError as error:
        raise TerminalError(str(error), failure_class=FailureClass.PARSE_ERROR) from error
    except ManifestChangedError as error:
        raise TerminalError(str(error)) from error
    components = len(inventory.components)
    job.progress(0.5, message=f"{components} components")
    job.upload_artifact("components.json", inventory.encode(), media_type="application/json")
    return {"components": components}


def scan(root: Path, kind: str, manifest: str, files: list[dict[str, str]]) -> Inventory:
    """Reads one manifest from disk."""
    scanner = SCANNERS.get(kind)
    if scanner is None:
        raise ValueError(f"no scanner for manifests of kind {kind}")
    return scanner(manifest, read_verified(root, files))


def stop_when_orphaned(worker: SyncWorker) -> None:
    """Waits for the end of the standard input, then drains."""
    # Not through sys.stdin: its lock, held by this thread, would abort the interpreter's end.
    while os.read(sys.stdin.fileno(), 4096):
        pass
    worker.stop("the demo is gone")
    deadline = threading.Timer(ORPHAN_GRACE_SECONDS, os._exit, [1])
    deadline.daemon = True
    deadline.start()


def main() -> None:
    """Reads the command line and works until it is told to stop."""
    parser = argparse.ArgumentParser(prog="sbom_agent", description=__doc__)
    for name in ("url", "tenant", "queue", "root"):
        parser.add_argument(f"--{name}", required=True)
    said = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    worker = SyncWorker(
        {"sbom.scan": partial(handle_scan, Path(said.root))},
        url=said.url,
        tenant=said.tenant,
        queues=[said.queue],
        concurrency=CONCURRENCY,
    )
    threading.Thread(target=stop_when_orphaned, args=[worker], daemon=True).start()
    worker.run()


if __name__ == "__main__":
    main()
