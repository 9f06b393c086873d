"""The artifacts of a tenant."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from stellaops_orchestrator.artifacts.download import Download, download_to
from stellaops_orchestrator.artifacts.source import ArtifactSource, measure
from stellaops_orchestrator.artifacts.upload import OnUploadProgress, Upload
from stellaops_orchestrator.client.connection import Connection
from stellaops_orchestrator.client.rpcs import FIND_MISSING_ARTIFACTS
from stellaops_orchestrator.contract import pb
from stellaops_orchestrator.payload import ArtifactRef
from stellaops_orchestrator.retry import with_retries


@dataclass(frozen=True)
class UploadedArtifact(ArtifactRef):
    """An artifact that the server has; usable as a job's payload."""

    size_bytes: int
    """The size in bytes."""
    already_existed: bool
    """True: the tenant had it already and nothing was sent."""


class Artifacts:
    """Bytes that jobs produce or read. Reach it as ``Orchestrator.artifacts``."""

    def __init__(self, connection: Connection, timeout: float) -> None:
        self._connection = connection
        self._timeout = timeout

    async def upload(
        self,
        source: ArtifactSource,
        *,
        media_type: str = "",
        on_progress: OnUploadProgress | None = None,
    ) -> UploadedArtifact:
        """Uploads bytes or a file unless the tenant has them already.

        A broken stream is resumed where the server's committed bytes end. The client's timeout
        bounds a stall, not the whole transfer.

        Args:
            source: Bytes, or a ``pathlib.Path``.
            media_type: ``"application/octet-stream"`` unless told.
            on_progress: Called after each chunk.

        Raises:
            OrchestratorError: DIGEST_MISMATCH, DISK_FULL, FILE_CHANGED, FILE_UNREADABLE.
        """
        measured = await measure(source)
        digest, size = measured.digest, measured.size_bytes
        if not await self._is_missing(digest):
            return UploadedArtifact(digest, size, already_existed=True)
        upload = Upload(
            self._connection,
            measured,
            media_type=media_type,
            on_progress=on_progress,
            stall_timeout=self._timeout,
        )
        return UploadedArtifact(digest, size, already_existed=await upload.run())

    def download(self, digest: str) -> AsyncIterator[bytes]:
        """Streams an artifact's bytes; goes on where a broken stream ended.

        Raises:
            OrchestratorError: DIGEST_MISMATCH at the end, when they are not what the digest
                says: trust nothing before the end. ARTIFACT_NOT_FOUND.
        """
        return Download(self._connection, digest, self._timeout).chunks()

    async def download_to(self, digest: str, path: str | PathLike[str]) -> None:
        """Writes an artifact to a file that appears complete and verified, or not at all.

        Raises:
            OrchestratorError: As ``download``.
            OSError: The file cannot be written.
        """
        await download_to(self.download(digest), Path(path))

    async def read(self, digest: str) -> bytes:
        """An artifact's bytes, verified, in memory. Raises as ``download``."""
        return b"".join([chunk async for chunk in self.download(digest)])

    async def _is_missing(self, digest: str) -> bool:
        request = pb.artifact.FindMissingArtifactsRequest(digests=[digest])
        response = await with_retries(
            lambda left: self._connection.unary(FIND_MISSING_ARTIFACTS, request, left),
            self._timeout,
        )
        return digest in response.missing_digests
