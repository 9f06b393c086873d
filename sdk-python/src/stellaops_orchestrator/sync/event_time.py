"""Watermarks and backfills, for programs that do not use asyncio."""

from collections.abc import Iterator
from datetime import datetime

from stellaops_orchestrator.client.backfill_views import Backfill, BackfillPreview, BackfillSpec
from stellaops_orchestrator.client.backfills import Backfills
from stellaops_orchestrator.client.watermarks import Gap, Watermark, Watermarks
from stellaops_orchestrator.contract.time import Duration
from stellaops_orchestrator.sync.portal import Portal


class SyncWatermarks:
    """Declares windows and says what is covered. Reach it as ``SyncOrchestrator.watermarks``.

    Every method takes the arguments of its namesake in ``Watermarks`` and raises the same.
    """

    def __init__(self, watermarks: Watermarks, portal: Portal) -> None:
        self._watermarks = watermarks
        self._portal = portal

    def put_series(
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
        """Declares the windows of a source and scope. See ``Watermarks.put_series``."""
        return self._portal.call(
            self._watermarks.put_series(
                source,
                width=width,
                origin=origin,
                scope=scope,
                allowed_lateness=allowed_lateness,
                reason=reason,
                ticket=ticket,
                timeout=timeout,
            )
        )

    def get(self, source: str, scope: str = "", *, timeout: Duration | None = None) -> Watermark:
        """The watermark of a source and scope. Raises WINDOW_SERIES_NOT_FOUND."""
        return self._portal.call(self._watermarks.get(source, scope, timeout=timeout))

    def gaps(
        self,
        source: str,
        scope: str = "",
        *,
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> Iterator[Gap]:
        """Lists what is due and not covered, oldest first. See ``Watermarks.gaps``."""
        return self._portal.iterate(
            lambda: self._watermarks.gaps(source, scope, start=start, end=end)
        )


class SyncBackfills:
    """Makes a job per window that is not covered. Reach it as ``SyncOrchestrator.backfills``.

    Every method takes the arguments of its namesake in ``Backfills`` and raises the same.
    """

    def __init__(self, backfills: Backfills, portal: Portal) -> None:
        self._backfills = backfills
        self._portal = portal

    def preview(self, spec: BackfillSpec, *, timeout: Duration | None = None) -> BackfillPreview:
        """Says what a backfill would do."""
        return self._portal.call(self._backfills.preview(spec, timeout=timeout))

    def create(
        self,
        spec: BackfillSpec,
        *,
        reason: str,
        ticket: str = "",
        timeout: Duration | None = None,
    ) -> Backfill:
        """Starts a backfill; the history wants a reason. See ``Backfills.create``."""
        return self._portal.call(
            self._backfills.create(spec, reason=reason, ticket=ticket, timeout=timeout)
        )

    def get(self, backfill_id: str, *, timeout: Duration | None = None) -> Backfill:
        """A backfill with its progress. Raises BACKFILL_NOT_FOUND."""
        return self._portal.call(self._backfills.get(backfill_id, timeout=timeout))

    def list(self, *, source: str = "") -> Iterator[Backfill]:
        """Lists backfills, newest first. See ``Backfills.list``."""
        return self._portal.iterate(lambda: self._backfills.list(source=source))

    def pause(
        self,
        backfill_id: str,
        *,
        reason: str = "",
        ticket: str = "",
        timeout: Duration | None = None,
    ) -> Backfill:
        """Stops it from making jobs; those that it made go on."""
        return self._portal.call(
            self._backfills.pause(backfill_id, reason=reason, ticket=ticket, timeout=timeout)
        )

    def resume(
        self,
        backfill_id: str,
        *,
        reason: str = "",
        ticket: str = "",
        timeout: Duration | None = None,
    ) -> Backfill:
        """Ends a pause."""
        return self._portal.call(
            self._backfills.resume(backfill_id, reason=reason, ticket=ticket, timeout=timeout)
        )

    def cancel(
        self,
        backfill_id: str,
        *,
        reason: str = "",
        ticket: str = "",
        timeout: Duration | None = None,
    ) -> Backfill:
        """Cancels a backfill and its unfinished jobs; what is covered stays covered."""
        return self._portal.call(
            self._backfills.cancel(backfill_id, reason=reason, ticket=ticket, timeout=timeout)
        )
