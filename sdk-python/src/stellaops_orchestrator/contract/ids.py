"""Ids that the SDK chooses."""

import os
import threading
import time
import uuid

_lock = threading.Lock()
_last = 0


def uuid7() -> str:
    """A UUIDv7 (RFC 9562, 5.7): ordered by time, and by call within a process.

    The twelve bits after the time count on within a millisecond (RFC 9562, 6.2, method 3).
    """
    global _last  # noqa: PLW0603 - the order of a process's ids is the process's
    with _lock:
        now_ns = time.time_ns()
        stamp = (now_ns // 1_000_000 << 12) | (now_ns % 1_000_000 * 4096 // 1_000_000)
        _last = max(stamp, _last + 1)
        stamp = _last
    value = (stamp >> 12) << 80 | 0x7 << 76 | (stamp & 0xFFF) << 64
    value |= 0b10 << 62 | int.from_bytes(os.urandom(8)) >> 2
    return str(uuid.UUID(int=value))
