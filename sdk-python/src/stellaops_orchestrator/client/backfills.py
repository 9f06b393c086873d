"""Covers event time that was missed, or covers it again."""

from collections.abc import AsyncIterator, Sequence

from stellaops_orchestrator.client import rpcs
from stellaops_orchestrator.client.backfill_views import (
    Backfill,
    BackfillPreview,
    BackfillSpec,
    to_backfill,
    to_preview,
)
from stellaops_orchestrator.client.caller import Caller
from stellaops_orchestrator.client.listing import pages
from stellaops_orchestrator.contract import pb
from stellaops_orchestrator.contract.ids import uuid7
from stellaops_orchestrator.contract.time import Duration


class Backfills:
    """Makes a job per window that is not covered. Reach it as ``Orchestrator.backfills``.

    ``reason`` and ``ticket`` go into the history; every ``timeout`` is for its call, the client's
    unless told.
    """

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def preview(
        self, spec: BackfillSpec, *, timeout: Duration | None = None
    ) -> BackfillPreview:
        """Says what a backfill would do.

        Raises:
            OrchestratorError: WINDOW_SERIES_NOT_FOUND, BACKFILL_TOO_LARGE.
        """
        request = pb.backfill.PreviewBackfillRequest(spec=spec.to_message())
        return to_preview(await self._caller.call(rpcs.PREVIEW_BACKFILL, request, timeout))

    async def create(
        self,
        spec: BackfillSpec,
        *,
        reason: str,
        ticket: str = "",
        timeout: Duration | None = None,
    ) -> Backfill:
        """Starts a backfill; the history wants a reason.

        Raises:
            OrchestratorError: WINDOW_SERIES_NOT_FOUND, BACKFILL_TOO_LARGE, PAYLOAD_TOO_LARGE,
                PAYLOAD_ARTIFACT_NOT_FOUND.
        """
        request = pb.backfill.CreateBackfillRequest(
            spec=spec.to_message(), request_id=uuid7(), reason=reason, ticket=ticket
        )
        response = await self._caller.call(rpcs.CREATE_BACKFILL, request, timeout)
        return to_backfill(response.backfill)

    async def get(self, backfill_id: str, *, timeout: Duration | None = None) -> Backfill:
        """A backfill with its progress. Raises BACKFILL_NOT_FOUND."""
        request = pb.backfill.GetBackfillRequest(backfill_id=backfill_id)
        response = await self._caller.call(rpcs.GET_BACKFILL, request, timeout)
        return to_backfill(response.backfill)

    def list(self, *, source: str = "") -> AsyncIterator[Backfill]:
        """Lists backfills, newest first, fetching pages as they are wanted.

        Args:
            source: Of this source; of all unless told.
        """

        async def fetch(token: str) -> tuple[Sequence[Backfill], str]:
            request = pb.backfill.ListBackfillsRequest(source=source, page_token=token)
            page = await self._caller.call(rpcs.LIST_BACKFILLS, request)
            return [to_backfill(found) for found in page.backfills], page.next_page_token

        return pages(fetch)

    async def pause(
        self,
        backfill_id: str,
        *,
        reason: str = "",
        ticket: str = "",
        timeout: Duration | None = None,
    ) -> Backfill:
        """Stops it from making jobs; those that it made go on.

        Raises:
            OrchestratorError: BACKFILL_NOT_FOUND, BACKFILL_FINISHED.
        """
        request = pb.backfill.PauseBackfillRequest(
            backfill_id=backfill_id, reason=reason, ticket=ticket
        )
        response = await self._caller.call(rpcs.PAUSE_BACKFILL, request, timeout)
        return to_backfill(response.backfill)

    async def resume(
        self,
        backfill_id: str,
        *,
        reason: str = "",
        ticket: str = "",
        timeout: Duration | None = None,
    ) -> Backfill:
        """Ends a pause.

        Raises:
            OrchestratorError: BACKFILL_NOT_FOUND, BACKFILL_FINISHED.
        """
        request = pb.backfill.ResumeBackfillRequest(
            backfill_id=backfill_id, reason=reason, ticket=ticket
        )
        response = await self._caller.call(rpcs.RESUME_BACKFILL, request, timeout)
        return to_backfill(response.backfill)

    async def cancel(
        self,
        backfill_id: str,
        *,
        reason: str = "",
        ticket: str = "",
        timeout: Duration | None = None,
    ) -> Backfill:
        """Cancels a backfill and its unfinished jobs; what is covered stays covered.

        Raises:
            OrchestratorError: BACKFILL_NOT_FOUND, BACKFILL_FINISHED.
        """
        request = pb.backfill.CancelBackfillRequest(
            backfill_id=backfill_id, reason=reason, ticket=ticket
        )
        response = await self._caller.call(rpcs.CANCEL_BACKFILL, request, timeout)
        return to_backfill(response.backfill)
