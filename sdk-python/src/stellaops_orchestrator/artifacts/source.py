"""What is uploaded: bytes in memory, or a file."""

import asyncio
import hashlib
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from os import PathLike
from pathlib import Path
from typing import BinaryIO

from stellaops_orchestrator.errors import FailedPreconditionError

ArtifactSource = bytes | bytearray | memoryview | PathLike[str]
"""Bytes in memory, or the path of a file (a ``pathlib.Path``; a str is neither)."""

_HASH_CHUNK_BYTES = 1 << 20


def digest_of(data: bytes) -> str:
    """The digest of bytes as the contract writes it."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


class MeasuredSource(ABC):
    """A source whose digest and size are known."""

    digest: str
    size_bytes: int

    @abstractmethod
    def read(self, offset: int, chunk_bytes: int) -> AsyncIterator[bytes]:
        """Reads from a byte offset to the end, in chunks of at most ``chunk_bytes``."""


class _Bytes(MeasuredSource):
    def __init__(self, data: bytes) -> None:
        self._data = data
        self.digest = digest_of(data)
        self.size_bytes = len(data)

    async def read(self, offset: int, chunk_bytes: int) -> AsyncIterator[bytes]:
        for at in range(offset, self.size_bytes, chunk_bytes):
            yield self._data[at : at + chunk_bytes]


class _File(MeasuredSource):
    """A file is read twice, now and when it is sent, and is never held in memory.

    One that changes in between is noticed by its size here and by its digest on the server.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        hasher = hashlib.sha256()
        self.size_bytes = 0
        with self._open() as file:
            while chunk := file.read(_HASH_CHUNK_BYTES):
                hasher.update(chunk)
                self.size_bytes += len(chunk)
        self.digest = f"sha256:{hasher.hexdigest()}"

    async def read(self, offset: int, chunk_bytes: int) -> AsyncIterator[bytes]:
        file = await asyncio.to_thread(self._open)
        at = offset
        try:
            await asyncio.to_thread(file.seek, offset)
            while chunk := await asyncio.to_thread(file.read, chunk_bytes):
                at += len(chunk)
                if at > self.size_bytes:
                    break
                yield chunk
        finally:
            await asyncio.to_thread(file.close)
        if at != self.size_bytes:
            raise FailedPreconditionError(
                f"{self._path} changed while it was uploaded",
                reason="FILE_CHANGED",
                metadata={"path": str(self._path), "expected_bytes": str(self.size_bytes)},
            )

    def _open(self) -> BinaryIO:
        try:
            return self._path.open("rb")
        except OSError as cause:
            raise FailedPreconditionError(
                f"cannot read {self._path}: {cause}",
                reason="FILE_UNREADABLE",
                metadata={"path": str(self._path)},
            ) from cause


async def measure(source: ArtifactSource) -> MeasuredSource:
    """Hashes a source, in a thread. Raises FailedPreconditionError: FILE_UNREADABLE."""
    match source:
        case bytes() | bytearray() | memoryview():
            return await asyncio.to_thread(_Bytes, bytes(source))
        case PathLike():
            return await asyncio.to_thread(_File, Path(source))
        case _:
            raise TypeError(f"an artifact is bytes or a pathlib.Path, not {type(source).__name__}")
