"""Named runs that the ledger keeps."""

from collections.abc import AsyncIterator, Mapping, Sequence

from stellaops_orchestrator.client import rpcs
from stellaops_orchestrator.client.caller import Caller
from stellaops_orchestrator.client.listing import pages
from stellaops_orchestrator.client.pipeline_spec import (
    Pipeline,
    PipelineHead,
    StoredPipeline,
    from_pipeline,
    to_pipeline,
    to_pipeline_head,
)
from stellaops_orchestrator.client.run_spec import ids_by_name
from stellaops_orchestrator.client.run_views import CreatedRun
from stellaops_orchestrator.contract import pb
from stellaops_orchestrator.contract.ids import uuid7
from stellaops_orchestrator.contract.json_value import to_struct
from stellaops_orchestrator.contract.time import Duration
from stellaops_orchestrator.trace_context import correlation_of


class Pipelines:
    """Stores named runs and runs them. Reach it as ``Orchestrator.pipelines``.

    Every ``timeout`` is for its call; the client's unless told.
    """

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def put(
        self,
        pipeline: Pipeline,
        *,
        reason: str = "",
        ticket: str = "",
        timeout: Duration | None = None,
    ) -> StoredPipeline:
        """Stores a pipeline: its first version, or a new one if it differs from the newest.

        Args:
            pipeline: The pipeline.
            reason: Why, for the history.
            ticket: The ticket that asks for it, for the history.
            timeout: For this call.

        Raises:
            OrchestratorError: Every fault of its graph, parameters and templates is one of
                ``violations``; ETAG_MISMATCH (somebody stored a version since: get it again).
            TypeError, ValueError: JSON cannot carry a payload, a template or a default.
        """
        request = pb.pipeline.PutPipelineRequest(
            pipeline=from_pipeline(pipeline), reason=reason, ticket=ticket
        )
        response = await self._caller.call(rpcs.PUT_PIPELINE, request, timeout)
        return to_pipeline(response.pipeline)

    async def get(
        self, name: str, *, version: int = 0, timeout: Duration | None = None
    ) -> StoredPipeline:
        """A pipeline, its newest version if ``version`` is 0. Raises PIPELINE_NOT_FOUND."""
        request = pb.pipeline.GetPipelineRequest(name=name, version=version)
        response = await self._caller.call(rpcs.GET_PIPELINE, request, timeout)
        return to_pipeline(response.pipeline)

    def list(self) -> AsyncIterator[PipelineHead]:
        """Lists the newest versions of all pipelines by name, fetching pages as they are wanted."""
        return self._heads("")

    def versions(self, name: str) -> AsyncIterator[PipelineHead]:
        """Lists the versions of a pipeline, newest first; none of one that does not exist.

        Raises:
            ValueError: The name is empty.
        """
        if not name:
            raise ValueError("versions need a pipeline's name")
        return self._heads(name)

    def _heads(self, name: str) -> AsyncIterator[PipelineHead]:
        """The versions of a pipeline, or the newest of all for an empty name."""

        async def fetch(token: str) -> tuple[Sequence[PipelineHead], str]:
            request = pb.pipeline.ListPipelinesRequest(name=name, page_token=token)
            page = await self._caller.call(rpcs.LIST_PIPELINES, request)
            return [to_pipeline_head(found) for found in page.pipelines], page.next_page_token

        return pages(fetch)

    async def run(
        self,
        name: str,
        *,
        parameters: Mapping[str, object] | None = None,
        version: int = 0,
        display_name: str = "",
        project: str = "",
        correlation_id: str | None = None,
        timeout: Duration | None = None,
    ) -> CreatedRun:
        """Makes a run from a pipeline.

        Args:
            name: The pipeline.
            parameters: Its parameters' values by name: what JSON carries, numbers as doubles.
            version: The pipeline's version; the newest if 0.
            display_name: For people; the pipeline's name unless told.
            project: Jobs without one inherit it.
            correlation_id: Jobs without one inherit it; a handler's own, else the run's id,
                unless told.
            timeout: For this call.

        Raises:
            OrchestratorError: PIPELINE_NOT_FOUND; PARAMETER_INVALID, with a violation for each
                that is missing, unknown or of the wrong kind; what ``create_run`` raises.
            TypeError, ValueError: JSON cannot carry a value.
        """
        request = pb.pipeline.RunPipelineRequest(
            name=name,
            version=version,
            parameters=to_struct(parameters or {}),
            run_id=uuid7(),
            display_name=display_name,
            project=project,
            correlation_id=correlation_of(correlation_id),
        )
        response = await self._caller.call(rpcs.RUN_PIPELINE, request, timeout)
        return CreatedRun(
            run_id=response.run.run_id or request.run_id,
            job_ids=ids_by_name(response.job_names, response.job_ids),
            already_existed=response.already_existed,
        )
