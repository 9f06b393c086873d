import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent
ROOT = PACKAGE.parent

# Fast enough that a test can wait for a lease to end.
LEASE_POLICY = {"default": {"leaseTtl": "4s", "renewInterval": "1s", "expirySweep": "0.5s"}}


@pytest.fixture(scope="session")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real server on a real Postgres, started for the session."""
    if not (ROOT / "server/src/main.ts").exists():
        pytest.skip("the server's sources are not here")
    env = {
        **os.environ,
        "PATH": f"{ROOT / 'node_modules/.bin'}:{os.environ['PATH']}",
        "ORCH_PORT": "0",
        "ORCH_DATA_DIR": str(tmp_path_factory.mktemp("data")),
        "ORCH_LEASE_POLICY": json.dumps(LEASE_POLICY),
    }
    command = ["node", "--conditions=source", "server/src/main.ts", "--log-format", "json"]
    server = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    lines = (json.loads(line) for line in server.stdout)
    found = next((line["url"] for line in lines if line.get("msg") == "ready"), None)
    assert found, "the server did not become ready"
    yield found
    server.send_signal(signal.SIGTERM)
    server.communicate(timeout=30)
