"""Every example, as a user would run it, against the real server."""

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from conftest import PACKAGE

EXAMPLES = PACKAGE / "examples"


def run(url: str, name: str, *args: str) -> str:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name), *args],
        env={"ORCH_URL": url},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(params=["worker.py", "sync_worker.py"])
def worker(url: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """A worker example that runs; drained and exited with 0 at the end."""
    process = subprocess.Popen(
        [sys.executable, str(EXAMPLES / request.param)],
        env={"ORCH_URL": url},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert any("session up" in line for line in process.stderr)
    yield request.param
    process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=30)
    assert process.returncode == 0, log


def test_enqueue(url, worker):
    assert "Hello, Ada!" in run(url, "enqueue.py", "Ada")


def test_batch(url):
    out = run(url, "batch.py", "1200")
    assert "created 1200 of 1201" in out
    assert "rejected: invalid_argument" in out


def test_cancel(url, worker):
    out = run(url, "cancel.py")
    assert "cancel: requested" in out
    assert "cancelled by" in out


@pytest.mark.parametrize("worker", ["worker.py"], indirect=True)
def test_artifact(url, worker):
    out = run(url, "artifact.py", str(EXAMPLES / "artifact.py"))
    assert "succeeded" in out
    assert "sha512.txt" in out


def test_graceful_shutdown(url):
    out = run(url, "graceful_shutdown.py")
    assert "the worker has drained" in out
    assert out.count("succeeded, 0 interruptions") == 2


def test_fan_out(url):
    out = run(url, "fan_out.py", "x", "y", "z")
    assert "pipeline example.shout, version 1\n" in out
    assert "split into part-1, part-2, part-3\n" in out
    assert '5 jobs, succeeded: {"joined":"XYZ"}' in out
