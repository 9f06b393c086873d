"""Who caused a job: W3C trace context, and what a handler's jobs inherit."""

import re
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TraceContext:
    """W3C trace context."""

    traceparent: str
    """The ``traceparent`` header, such as ``"00-…-…-01"``."""
    tracestate: str = ""
    """The ``tracestate`` header."""


@dataclass(frozen=True, slots=True)
class Lineage:
    """What a job made inside a handler inherits from the handler's job."""

    trace: TraceContext
    correlation_id: str


LINEAGE: ContextVar[Lineage | None] = ContextVar("stellaops_orchestrator_lineage", default=None)
"""Carries a handler's lineage to the enqueue calls that it makes, however deep."""

TraceHook = Callable[[], TraceContext | None]
"""Tells the current trace context, for example from OpenTelemetry."""

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_NONE = TraceContext("")


def trace_of(explicit: TraceContext | None, hook: TraceHook | None) -> TraceContext:
    """The trace context of a job that is about to be enqueued.

    It is what the caller says, else what the client's hook says, else what the surrounding
    handler's job has. A malformed one of the latter two is dropped: tracing must not stop work.
    """
    if explicit is not None:
        return explicit
    lineage = LINEAGE.get()
    for found in (hook() if hook else None, lineage.trace if lineage else None):
        if found is not None and _TRACEPARENT.fullmatch(found.traceparent):
            return found
    return _NONE


def correlation_of(explicit: str | None) -> str:
    """The correlation id of a new job; empty lets the server use the job's own id."""
    if explicit is not None:
        return explicit
    lineage = LINEAGE.get()
    return lineage.correlation_id if lineage else ""
