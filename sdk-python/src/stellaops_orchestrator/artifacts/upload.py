"""Sending one artifact, over as many streams as it takes."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

import grpc

from stellaops_orchestrator.artifacts.source import MeasuredSource
from stellaops_orchestrator.client.connection import Connection
from stellaops_orchestrator.client.rpcs import QUERY_UPLOAD, UPLOAD_ARTIFACT
from stellaops_orchestrator.contract import pb
from stellaops_orchestrator.contract.ids import uuid7
from stellaops_orchestrator.contract.lease_policy import CONTRACT_POLICY
from stellaops_orchestrator.errors import OrchestratorError, UnavailableError, from_rpc
from stellaops_orchestrator.retry import contract_backoff


@dataclass(frozen=True, slots=True)
class UploadProgress:
    """How far an upload got."""

    sent_bytes: int
    """What was sent, what a resumed upload had committed included."""
    total_bytes: int
    """The size of the whole."""


OnUploadProgress = Callable[[UploadProgress], None]
"""Called after each chunk; steps back when a broken upload is resumed."""

UploadCall = grpc.aio.StreamUnaryCall[
    pb.artifact.UploadArtifactRequest, pb.artifact.UploadArtifactResponse
]


class Upload:
    """Sends one artifact, going on at ``committed_size`` after every broken stream."""

    def __init__(
        self,
        connection: Connection,
        source: MeasuredSource,
        *,
        media_type: str,
        on_progress: OnUploadProgress | None,
        stall_timeout: float,
    ) -> None:
        self._connection = connection
        self._source = source
        self._media_type = media_type
        self._on_progress = on_progress
        self._stall_timeout = stall_timeout
        # The same for every try, so that the server knows what it has.
        self._upload_id = uuid7()
        self._moved_at = time.monotonic()

    async def run(self) -> bool:
        """Returns once the artifact is complete; True: the tenant had it already."""
        committed = tries = 0
        # The first try knows that nothing is committed; later ones ask.
        is_first = True
        while True:
            try:
                if not is_first:
                    query = await self._query()
                    if query.complete:
                        return False
                    if query.committed_size > committed:
                        self._moved_at = time.monotonic()
                        tries = 0
                    committed = query.committed_size
                is_first = False
                return await self._send(committed)
            except grpc.aio.AioRpcError as broken:
                error = from_rpc(broken)
            except UnavailableError as silent:
                error = silent
            # Asking again cures an offset that does not fit, and chunks that ended for the server
            # only: here they end with the last byte. Waiting cures the rest.
            is_curable = error.reason in ("UPLOAD_OFFSET_MISMATCH", "UPLOAD_INCOMPLETE")
            if not error.is_retryable and not is_curable:
                raise error
            if time.monotonic() - self._moved_at > self._stall_timeout:
                raise error
            await asyncio.sleep(contract_backoff(tries, error.retry_after))
            tries += 1

    async def _query(self) -> pb.artifact.QueryUploadResponse:
        request = pb.artifact.QueryUploadRequest(
            upload_id=self._upload_id, digest=self._source.digest
        )
        return await self._connection.unary(QUERY_UPLOAD, request, self._stall_timeout)

    async def _send(self, offset: int) -> bool:
        call = self._connection.client_stream(UPLOAD_ARTIFACT)
        try:
            try:
                await self._write_all(call, offset)
            except asyncio.InvalidStateError:
                pass  # The server answered before the last chunk; the answer says why.
            except grpc.aio.AioRpcError:
                pass  # The same error comes with the answer.
            async with asyncio.timeout(self._stall_timeout):
                response = await call
        except TimeoutError:
            raise self._silent() from None
        finally:
            call.cancel()
        return response.already_existed

    async def _write_all(self, call: UploadCall, offset: int) -> None:
        total = self._source.size_bytes
        header = pb.artifact.UploadHeader(
            upload_id=self._upload_id,
            digest=self._source.digest,
            size_bytes=total,
            media_type=self._media_type,
            write_offset=offset,
        )
        await self._write(call, pb.artifact.UploadArtifactRequest(header=header))
        sent = offset
        async for chunk in self._source.read(offset, CONTRACT_POLICY.artifact_chunk_bytes):
            await self._write(call, pb.artifact.UploadArtifactRequest(chunk=chunk))
            sent += len(chunk)
            if self._on_progress:
                self._on_progress(UploadProgress(sent, total))
        await call.done_writing()

    async def _write(self, call: UploadCall, message: pb.artifact.UploadArtifactRequest) -> None:
        # A write that flow control holds back for long is a stream that is dead.
        async with asyncio.timeout(self._stall_timeout):
            await call.write(message)

    def _silent(self) -> OrchestratorError:
        return UnavailableError(
            f"the upload did not move for {self._stall_timeout:g} s", reason="CONNECTION_SILENT"
        )
