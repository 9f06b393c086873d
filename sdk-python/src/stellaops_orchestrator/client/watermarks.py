"""Up to which event time sources are complete."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from stellaops_orchestrator.client import rpcs
from stellaops_orchestrator.client.caller import Caller
from stellaops_orchestrator.client.listing import pages
from stellaops_orchestrator.contract import pb
from stellaops_orchestrator.contract.time import (
    Duration,
    moment_of,
    to_datetime,
    to_duration,
    to_timedelta,
    to_timestamp,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watermark:
    """How complete the event time of a source and scope is."""

    source: str
    """The source."""
    scope: str
    """The partition of the source; empty if it has none."""
    width: timedelta
    """How wide a window is."""
    allowed_lateness: timedelta
    """How much later than a window's end its data may still come."""
    origin: datetime
    """Where the series of windows begins."""
    watermark: datetime
    """Up to here everything is covered. Never goes back."""
    due: datetime
    """Windows that end up to here are due."""
    lag: timedelta
    """From the watermark to ``due``; zero if nothing is missing."""
    missing_windows: int
    """How many windows are due and not covered."""
    gaps: int
    """How many gaps they are."""
    covered_until: datetime | None
    """The end of the newest window that is covered; None if none is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A span of event time that is due and not covered: neighbouring windows as one."""

    start: datetime
    """Its first moment."""
    end: datetime
    """The first moment after it."""
    windows: int
    """How many windows it has."""
    in_progress: int
    """How many of them unfinished jobs are to cover, as far as a bounded look tells."""


def _to_watermark(message: pb.watermark.Watermark) -> Watermark:
    series = message.series
    return Watermark(
        source=series.source,
        scope=series.scope,
        width=to_timedelta(series.width),
        allowed_lateness=to_timedelta(series.allowed_lateness),
        origin=to_datetime(series.origin_time),
        watermark=to_datetime(message.watermark_time),
        due=to_datetime(message.due_time),
        lag=to_timedelta(message.lag),
        missing_windows=message.missing_windows,
        gaps=message.gaps,
        covered_until=moment_of(message, "covered_until_time"),
    )


def _to_gap(message: pb.watermark.Gap) -> Gap:
    return Gap(
        start=to_datetime(message.start_time),
        end=to_datetime(message.end_time),
        windows=message.windows,
        in_progress=message.in_progress,
    )


class Watermarks:
    """Declares windows and says what is covered. Reach it as ``Orchestrator.watermarks``."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def put_series(
        self,
        source: str,
        *,
        width: Duration,
        origin: datetime,
        scope: str = "",
        allowed_lateness: Duration | None = None,
        reason: str = "",
        ticket: str = "",
        timeout: Duration | None = None,
    ) -> Watermark:
        """Declares the windows of a source and scope, or changes how late data may come.

        Args:
            source: The source.
            width: How wide a window is, in whole seconds. Windows begin at whole multiples of it
                since the Unix epoch.
            origin: Where the series begins; rounded down to the start of a window. Needs a time
                zone, as all moments do.
            scope: The partition of the source, such as an ecosystem.
            allowed_lateness: How much later than a window's end its data may still come; none
                unless told.
            reason: Why, for the history.
            ticket: The ticket that asks for it, for the history.
            timeout: For this call; the client's unless told.

        Raises:
            OrchestratorError: WINDOW_SERIES_IN_USE (width and origin cannot change once
                something is covered).
        """
        series = pb.watermark.WindowSeries(
            source=source,
            scope=scope,
            width=to_duration(width),
            allowed_lateness=to_duration(allowed_lateness),
            origin_time=to_timestamp(origin),
        )
        request = pb.watermark.PutWindowSeriesRequest(series=series, reason=reason, ticket=ticket)
        response = await self._caller.call(rpcs.PUT_WINDOW_SERIES, request, timeout)
        return _to_watermark(response.watermark)

    async def get(
        self, source: str, scope: str = "", *, timeout: Duration | None = None
    ) -> Watermark:
        """The watermark of a source and scope. Raises WINDOW_SERIES_NOT_FOUND."""
        request = pb.watermark.GetWatermarkRequest(source=source, scope=scope)
        response = await self._caller.call(rpcs.GET_WATERMARK, request, timeout)
        return _to_watermark(response.watermark)

    def gaps(
        self,
        source: str,
        scope: str = "",
        *,
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> AsyncIterator[Gap]:
        """Lists what is due and not covered, oldest first, fetching pages as they are wanted.

        Args:
            source: The source.
            scope: The partition of the source.
            start: From here on; from the beginning unless told.
            end: Up to here; up to what is due unless told.

        Raises:
            OrchestratorError: WINDOW_SERIES_NOT_FOUND.
        """
        from_time, until_time = to_timestamp(start), to_timestamp(end)

        async def fetch(token: str) -> tuple[list[Gap], str]:
            request = pb.watermark.ListGapsRequest(
                source=source,
                scope=scope,
                from_time=from_time,
                until_time=until_time,
                page_token=token,
            )
            page = await self._caller.call(rpcs.LIST_GAPS, request)
            return [_to_gap(gap) for gap in page.gaps], page.next_page_token

        return pages(fetch)
