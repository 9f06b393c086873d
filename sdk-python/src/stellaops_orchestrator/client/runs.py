"""Live and finished runs."""

from collections.abc import AsyncIterator, Sequence

from stellaops_orchestrator.client import rpcs
from stellaops_orchestrator.client.answers import Lease
from stellaops_orchestrator.client.caller import Caller
from stellaops_orchestrator.client.listing import pages
from stellaops_orchestrator.client.run_spec import RunJob, ids_by_name, to_appended_jobs
from stellaops_orchestrator.client.run_views import (
    AppendedJobs,
    Operation,
    Replay,
    Run,
    to_operation,
    to_replay,
    to_run,
)
from stellaops_orchestrator.contract import pb
from stellaops_orchestrator.contract.ids import uuid7
from stellaops_orchestrator.contract.time import Duration, to_duration


class Runs:
    """Appends to live runs, cancels and replays them. Reach it as ``Orchestrator.runs``.

    ``create_run`` makes runs and ``get_run`` shows them. Every ``timeout`` is for its call; the
    client's unless told.
    """

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def list(
        self, *, project: str = "", pipeline: str = "", replay_of: str = ""
    ) -> AsyncIterator[Run]:
        """Lists runs, newest first, fetching pages as they are wanted. What is told must all match.

        Args:
            project: Of this project.
            pipeline: Made from this pipeline.
            replay_of: Replays of this run.
        """

        async def fetch(token: str) -> tuple[Sequence[Run], str]:
            request = pb.run.ListRunsRequest(
                project=project, pipeline=pipeline, replay_of=replay_of, page_token=token
            )
            page = await self._caller.call(rpcs.LIST_RUNS, request)
            return [to_run(run) for run in page.runs], page.next_page_token

        return pages(fetch)

    async def append(
        self,
        run_id: str,
        jobs: Sequence[RunJob],
        *,
        close: bool = False,
        fan_out: Lease | None = None,
        timeout: Duration | None = None,
    ) -> AppendedJobs:
        """Adds up to 1,000 jobs to a live run: all of them or none.

        They can depend on each other and on jobs that the run has. A name that the run has
        already, with the same content, is the same job.

        Args:
            run_id: The run.
            jobs: The jobs.
            close: Whether this is the last batch: closes the run in the same transaction.
            fan_out: The lease of a job of the run under which a handler appends; the run need
                not be open then. ``job.fan_out`` says it for you.
            timeout: For this call.

        Raises:
            OrchestratorError: RUN_NOT_FOUND, RUN_CLOSED, RUN_CANCELLED, STALE_LEASE,
                JOB_NOT_IN_RUN, JOB_NAME_CONFLICT, and what ``create_run`` raises.
        """
        request = pb.run.AppendJobsRequest(
            run_id=run_id,
            jobs=to_appended_jobs(jobs, self._caller.trace_context),
            fan_out=fan_out.to_message() if fan_out else None,
            close=close,
        )
        response = await self._caller.call(rpcs.APPEND_JOBS, request, timeout)
        job_ids = ids_by_name((job.name for job in jobs), response.job_ids)
        return AppendedJobs(job_ids=job_ids, existing=response.existing)

    async def close(self, run_id: str, *, timeout: Duration | None = None) -> Run:
        """Closes an open run: only handlers of its jobs can append from now on.

        Raises:
            OrchestratorError: RUN_NOT_FOUND.
        """
        request = pb.run.CloseRunRequest(run_id=run_id)
        return to_run((await self._caller.call(rpcs.CLOSE_RUN, request, timeout)).run)

    async def cancel(
        self,
        run_id: str,
        *,
        reason: str = "",
        ticket: str = "",
        grace: Duration | None = None,
        timeout: Duration | None = None,
    ) -> Operation:
        """Cancels every unfinished job of a run, in batches.

        Returns when the ledger has the order, not when all have stopped: watch the run for that.

        Args:
            run_id: The run.
            reason: Why, for the history.
            ticket: The ticket that asks for it, for the history.
            grace: How long a running job may take to stop; the lease policy's drain grace
                unless told.
            timeout: For this call.

        Raises:
            OrchestratorError: RUN_NOT_FOUND.
        """
        request = pb.run.CancelRunRequest(
            run_id=run_id,
            request_id=uuid7(),
            reason=reason,
            ticket=ticket,
            grace=to_duration(grace),
        )
        response = await self._caller.call(rpcs.CANCEL_RUN, request, timeout)
        return to_operation(response.operation)

    async def replay(
        self,
        run_id: str,
        *,
        job_names: Sequence[str] = (),
        include_downstream: bool = False,
        rerun_upstream: bool = False,
        dry_run: bool = False,
        reason: str = "",
        ticket: str = "",
        timeout: Duration | None = None,
    ) -> Replay:
        """Runs a part of a finished run again, as a new run that is linked to it.

        The history of the first is untouched.

        Args:
            run_id: The run to replay.
            job_names: The jobs to run again; every one that did not succeed, skipped ones aside,
                unless told.
            include_downstream: Whether everything that depends on these jobs runs again, too.
            rerun_upstream: Whether what they depend on runs again, too, instead of being reused.
            dry_run: Whether to say what would run, and why, and change nothing.
            reason: Why, for the history.
            ticket: The ticket that asks for it, for the history.
            timeout: For this call.

        Raises:
            OrchestratorError: RUN_NOT_FOUND, JOB_NOT_FOUND, RUN_ACTIVE, NOTHING_TO_REPLAY.
        """
        request = pb.run.ReplayRunRequest(
            run_id=run_id,
            request_id=uuid7(),
            job_names=job_names,
            include_downstream=include_downstream,
            rerun_upstream=rerun_upstream,
            dry_run=dry_run,
            reason=reason,
            ticket=ticket,
        )
        return to_replay(await self._caller.call(rpcs.REPLAY_RUN, request, timeout))
