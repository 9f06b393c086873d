"""Durations and moments, between Python and the contract."""

import math
from datetime import UTC, datetime, timedelta

from google.protobuf.duration_pb2 import Duration as DurationMessage
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

Duration = timedelta | float
"""A length of time: a timedelta, or a number of seconds."""


def seconds(duration: Duration) -> float:
    """The seconds of a duration. Raises ValueError for what is not a finite number."""
    value = duration.total_seconds() if isinstance(duration, timedelta) else float(duration)
    if not math.isfinite(value):
        raise ValueError(f"a duration must be finite, not {value}")
    return value


def to_duration(duration: Duration | None) -> DurationMessage | None:
    """A Duration message; None stays None, so that unset fields stay unset."""
    if duration is None:
        return None
    message = DurationMessage()
    message.FromTimedelta(timedelta(seconds=seconds(duration)))
    return message


def to_timedelta(message: DurationMessage) -> timedelta:
    """The timedelta of a Duration message."""
    return timedelta(seconds=message.seconds, microseconds=round(message.nanos / 1000))


def to_timestamp(moment: datetime | None) -> Timestamp | None:
    """A Timestamp message. Raises ValueError for a datetime without a time zone."""
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise ValueError(f"{moment!r} has no time zone: which moment is it?")
    message = Timestamp()
    message.FromDatetime(moment)
    return message


def to_datetime(message: Timestamp) -> datetime:
    """The moment of a Timestamp message, in UTC."""
    return message.ToDatetime(tzinfo=UTC)


def moment_of(message: Message, field: str) -> datetime | None:
    """The moment in a field of a message; None if it is not set."""
    return to_datetime(getattr(message, field)) if message.HasField(field) else None


def length_of(message: Message, field: str) -> timedelta | None:
    """The length of time in a field of a message; None if it is not set."""
    return to_timedelta(getattr(message, field)) if message.HasField(field) else None
