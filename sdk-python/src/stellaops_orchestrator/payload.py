"""Inputs and results: bytes as they are, artifacts by digest, the rest as JSON."""

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ArtifactRef:
    """Names an artifact: give one as a payload for inputs beyond the inline limit."""

    digest: str
    """``"sha256:"`` and 64 lower-case hexadecimal digits."""


class _Nothing:
    """The type of NOTHING."""

    def __repr__(self) -> str:
        return "NOTHING"


NOTHING = _Nothing()
"""No payload at all, as opposed to ``None``, which is JSON's null."""


@dataclass(frozen=True, slots=True)
class EncodedPayload:
    """A payload as the contract carries it."""

    payload: bytes = b""
    payload_media_type: str = ""
    payload_artifact: str = ""


def encode_json(value: object) -> bytes:
    """JSON as UTF-8 bytes. Raises TypeError or ValueError for what JSON cannot carry."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8")


def decode_json(data: bytes) -> Any:
    """The value that JSON bytes hold, such as a job's result. Raises ValueError if they do not."""
    return json.loads(data.decode("utf-8"))


def encode_payload(payload: object) -> EncodedPayload:
    """Encodes a payload. Raises TypeError or ValueError for what JSON cannot carry."""
    match payload:
        case _Nothing():
            return EncodedPayload()
        case ArtifactRef(digest=digest):
            return EncodedPayload(payload_artifact=digest)
        case bytes() | bytearray() | memoryview():
            return EncodedPayload(bytes(payload), "application/octet-stream")
        case _:
            return EncodedPayload(encode_json(payload), "application/json")


def encode_result(result: object) -> bytes:
    """A handler's result as bytes: None is empty, bytes stay, the rest becomes JSON."""
    match result:
        case None:
            return b""
        case bytes() | bytearray() | memoryview():
            return bytes(result)
        case _:
            return encode_json(result)
