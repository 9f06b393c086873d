"""The README's programs are programs."""

import asyncio
import re
import signal
import sys
from typing import Any

import pytest
from conftest import PACKAGE

BLOCKS = re.findall(r"```python\n(.*?)```", (PACKAGE / "README.md").read_text(), re.DOTALL)
WORKER, PRODUCER, SYNC_WORKER = BLOCKS[:3]


@pytest.mark.parametrize("block", BLOCKS)
def test_it_compiles(block):
    compile(f"async def block():\n    {block.replace(chr(10), chr(10) + '    ')}", "README", "exec")


@pytest.mark.parametrize("block", [WORKER, PRODUCER, SYNC_WORKER])
def test_it_is_about_ten_lines(block):
    assert len([line for line in block.splitlines() if line.strip()]) <= 10


async def test_the_worker_serves_the_producer(url):
    options: Any = {"env": {"ORCH_URL": url}, "stdout": asyncio.subprocess.PIPE}
    worker = await asyncio.create_subprocess_exec(sys.executable, "-c", WORKER, **options)
    here = PRODUCER.replace("http://127.0.0.1:7400", url)
    producer = await asyncio.create_subprocess_exec(sys.executable, "-c", here, **options)
    out, _ = await asyncio.wait_for(producer.communicate(), 30)
    assert out == b"Hello, Ada!\n"
    worker.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(worker.wait(), 30) == 0
