"""The files of a manifest."""

import codecs
import hashlib
import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

MAX_MANIFEST_BYTES = 64 << 20
"""The largest file that is read as a manifest."""

Texts = Mapping[str, str]
"""The texts of a manifest's files by path relative to the scanned root."""

# Without O_NONBLOCK the open itself would hang on a pipe that nobody writes to.
_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_BINARY", 0)
)


class ManifestError(Exception):
    """A manifest that cannot be understood: the scan of it can never succeed.

    The message opens with ``file:line:`` so that it can be clicked in a terminal.
    """

    def __init__(self, file: str, line: int | None, reason: str) -> None:
        super().__init__(f"{file}:{'' if line is None else f'{line}:'} {reason}")
        self.file = file
        self.line = line


class ManifestChangedError(Exception):
    """A manifest's file changed, vanished or lies elsewhere than the job says."""


def read_verified(root: Path, files: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Reads the files of a manifest and checks that they are what discovery saw."""
    texts = {}
    for file in files:
        path = file["path"]
        try:
            content = _read(root, path)
        except OSError as error:
            raise ManifestChangedError(f"{path}: {error}") from error
        if hashlib.sha256(content).hexdigest() != file["sha256"]:
            raise ManifestChangedError(f"{path}: changed since it was discovered")
        texts[path] = _decode(path, content)
    return texts


def _read(root: Path, path: str) -> bytes:
    absolute = root / path
    if not absolute.parent.resolve().is_relative_to(root.resolve()):
        raise ManifestError(path, None, "lies outside of the scanned folder")
    with open(os.open(absolute, _FLAGS), "rb") as file:  # noqa: PTH123 - a descriptor
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise ManifestError(path, None, "is not a plain file")
        if status.st_size > MAX_MANIFEST_BYTES:
            raise ManifestError(path, None, f"has more than {MAX_MANIFEST_BYTES} bytes")
        return file.read()


def _decode(path: str, content: bytes) -> str:
    """UTF-8, or UTF-16 with a byte order mark, as old Windows tools write."""
    is_utf16 = content.startswith(codecs.BOM_UTF16_LE)
    try:
        return content.decode("utf-16-le" if is_utf16 else "utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise ManifestError(path, None, "is not UTF-8 text") from error
