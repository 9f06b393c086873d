"""The wheel, in a fresh virtual environment, against the real server."""

import subprocess
import sys
import zipfile

import pytest
from conftest import PACKAGE

SCRIPT = """
import pathlib, sys
import stellaops_orchestrator as sdk
assert "site-packages" in sdk.__file__, sdk.__file__
with sdk.SyncOrchestrator() as orch:
    print(orch.enqueue("py.wheel", {"from": "a wheel"}).outcome)
"""


@pytest.mark.timeout(180)
def test_the_wheel_installs_and_works(url, tmp_path):
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    subprocess.run(
        [*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", tmp_path, PACKAGE],
        check=True,
    )
    [wheel] = tmp_path.glob("stellaops_orchestrator-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "stellaops_orchestrator/py.typed" in names
    assert not any(name.startswith(("tests", "tools", "conformance")) for name in names)

    fresh = tmp_path / "fresh"
    subprocess.run([sys.executable, "-m", "venv", fresh], check=True)
    python = fresh / "bin/python"
    subprocess.run(
        [python, *pip[1:], "install", wheel],
        check=True,
    )
    out = subprocess.run(
        [python, "-c", SCRIPT], env={"ORCH_URL": url}, check=True, capture_output=True, text=True
    )
    assert out.stdout == "created\n"
