"""Receiving one artifact, verified, over as many streams as it takes."""

import asyncio
import hashlib
import os
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from pathlib import Path

import grpc

from stellaops_orchestrator.client.connection import Connection
from stellaops_orchestrator.client.rpcs import DOWNLOAD_ARTIFACT
from stellaops_orchestrator.contract import pb
from stellaops_orchestrator.contract.ids import uuid7
from stellaops_orchestrator.errors import (
    DataLossError,
    OrchestratorError,
    UnavailableError,
    from_rpc,
)
from stellaops_orchestrator.retry import contract_backoff

DownloadCall = grpc.aio.UnaryStreamCall[
    pb.artifact.DownloadArtifactRequest, pb.artifact.DownloadArtifactResponse
]


def _mismatch(digest: str, found: str) -> DataLossError:
    return DataLossError(
        f"what came for {digest} has the digest {found}",
        reason="DIGEST_MISMATCH",
        metadata={"expected": digest, "found": found},
    )


class Download:
    """Receives one artifact, going on where a broken stream ended."""

    def __init__(self, connection: Connection, digest: str, stall_timeout: float) -> None:
        self._connection = connection
        self._digest = digest
        self._stall_timeout = stall_timeout
        self._hasher = hashlib.sha256()
        self._offset = 0
        self._size: int | None = None
        self._moved_at = time.monotonic()

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yields the bytes in order.

        Raises:
            OrchestratorError: DIGEST_MISMATCH at the end, when they are not the artifact: trust
                nothing before the end. ARTIFACT_NOT_FOUND.
        """
        tries = 0
        while self._offset != self._size:
            before = self._offset
            try:
                async with aclosing(self._stream()) as stream:
                    async for chunk in stream:
                        yield chunk
                        self._moved_at = time.monotonic()
                if self._offset == self._size:
                    continue
                message = f"the stream of {self._digest} ended early"
                error: OrchestratorError = UnavailableError(message, reason="CONNECTION_FAILED")
            except grpc.aio.AioRpcError as broken:
                error = from_rpc(broken)
            except UnavailableError as silent:
                error = silent
            if not error.is_retryable or self._is_stalled():
                raise error
            tries = 0 if self._offset > before else tries + 1
            await asyncio.sleep(contract_backoff(tries, error.retry_after))
        found = f"sha256:{self._hasher.hexdigest()}"
        if found != self._digest:
            raise _mismatch(self._digest, found)

    def _is_stalled(self) -> bool:
        return time.monotonic() - self._moved_at > self._stall_timeout

    async def _stream(self) -> AsyncGenerator[bytes, None]:
        request = pb.artifact.DownloadArtifactRequest(digest=self._digest, offset=self._offset)
        call = self._connection.server_stream(DOWNLOAD_ARTIFACT, request)
        try:
            while (message := await self._read(call)) is not None:
                if message.WhichOneof("message") == "artifact":
                    self._size = message.artifact.size_bytes
                    continue
                self._hasher.update(message.chunk)
                self._offset += len(message.chunk)
                if self._size is not None and self._offset > self._size:
                    found = f"a longer stream: {self._offset} of {self._size} bytes"
                    raise _mismatch(self._digest, found)
                yield message.chunk
        finally:
            call.cancel()

    async def _read(self, call: DownloadCall) -> pb.artifact.DownloadArtifactResponse | None:
        try:
            async with asyncio.timeout(self._stall_timeout):
                message = await call.read()
        except TimeoutError:
            raise UnavailableError(
                f"the download did not move for {self._stall_timeout:g} s",
                reason="CONNECTION_SILENT",
            ) from None
        return message if isinstance(message, pb.artifact.DownloadArtifactResponse) else None


async def download_to(chunks: AsyncIterator[bytes], path: Path) -> None:
    """Writes a download to a file that appears complete and verified, or not at all.

    It goes into a neighbour first, is synced, then renamed over ``path``. Raises OSError, too.
    """
    part = path.with_name(f"{path.name}.{uuid7()}.part")
    file = await asyncio.to_thread(part.open, "xb")
    try:
        try:
            async for chunk in chunks:
                await asyncio.to_thread(file.write, chunk)
            await asyncio.to_thread(file.flush)
            await asyncio.to_thread(os.fsync, file.fileno())
        finally:
            await asyncio.to_thread(file.close)
        await asyncio.to_thread(part.replace, path)
    except BaseException:
        await asyncio.to_thread(part.unlink, missing_ok=True)
        raise
