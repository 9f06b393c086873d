"""Watching jobs, over as many streams as it takes."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import grpc

from stellaops_orchestrator.client.connection import Connection
from stellaops_orchestrator.client.rpcs import WATCH_JOBS
from stellaops_orchestrator.client.views import Job, to_job
from stellaops_orchestrator.contract import pb
from stellaops_orchestrator.errors import from_rpc
from stellaops_orchestrator.names import JobState, name_of
from stellaops_orchestrator.retry import contract_backoff


class WatchState:
    """What is left to watch, and what was said last of each job."""

    def __init__(self, job_ids: Sequence[str], run_id: str) -> None:
        self._job_ids = list(dict.fromkeys(job_ids))
        self._run_id = run_id
        self._seen: dict[str, pb.job.Job] = {}

    def request(self) -> pb.job.WatchJobsRequest | None:
        """The request for what is left; None when every job that was named has finished."""
        if self._run_id:
            return pb.job.WatchJobsRequest(run_id=self._run_id)
        left = [job_id for job_id in self._job_ids if not self._is_finished(job_id)]
        if not left and self._job_ids:
            return None
        return pb.job.WatchJobsRequest(jobs=pb.job.JobIds(job_ids=left))

    def take(self, job: pb.job.Job) -> bool:
        """Whether this is news: a new watch repeats what the old one said."""
        if self._seen.get(job.job_id) == job:
            return False
        self._seen[job.job_id] = job
        return True

    def _is_finished(self, job_id: str) -> bool:
        job = self._seen.get(job_id)
        return job is not None and name_of(JobState, job.state, JobState.BLOCKED).is_terminal


async def watch(connection: Connection, job_ids: Sequence[str], run_id: str) -> AsyncIterator[Job]:
    """Yields jobs as they change until all of them have finished.

    A watch that breaks is opened again, for ever; jobs that did not change meanwhile are not
    yielded again.
    """
    state = WatchState(job_ids, run_id)
    tries = 0
    while (request := state.request()) is not None:
        call = connection.server_stream(WATCH_JOBS, request)
        try:
            async for response in call:
                tries = 0
                for job in response.jobs:
                    if state.take(job):
                        yield to_job(job)
        except grpc.aio.AioRpcError as broken:
            error = from_rpc(broken)
            if not error.is_retryable:
                raise error from broken
            delay = contract_backoff(tries, error.retry_after)
        else:
            return
        finally:
            call.cancel()
        tries += 1
        await asyncio.sleep(delay)
