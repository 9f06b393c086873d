"""Runs and pipelines, for programs that do not use asyncio."""

from collections.abc import Iterator, Mapping, Sequence

from stellaops_orchestrator.client.answers import Lease
from stellaops_orchestrator.client.pipeline_spec import Pipeline, PipelineHead, StoredPipeline
from stellaops_orchestrator.client.pipelines import Pipelines
from stellaops_orchestrator.client.run_spec import RunJob
from stellaops_orchestrator.client.run_views import (
    AppendedJobs,
    CreatedRun,
    Operation,
    Replay,
    Run,
)
from stellaops_orchestrator.client.runs import Runs
from stellaops_orchestrator.contract.time import Duration
from stellaops_orchestrator.sync.portal import Portal


class SyncRuns:
    """Appends to live runs, cancels and replays them. Reach it as ``SyncOrchestrator.runs``.

    Every method takes the arguments of its namesake in ``Runs`` and raises the same.
    """

    def __init__(self, runs: Runs, portal: Portal) -> None:
        self._runs = runs
        self._portal = portal

    def list(self, *, project: str = "", pipeline: str = "", replay_of: str = "") -> Iterator[Run]:
        """Lists runs, newest first. See ``Runs.list``."""
        return self._portal.iterate(
            lambda: self._runs.list(project=project, pipeline=pipeline, replay_of=replay_of)
        )

    def append(
        self,
        run_id: str,
        jobs: Sequence[RunJob],
        *,
        close: bool = False,
        fan_out: Lease | None = None,
        timeout: Duration | None = None,
    ) -> AppendedJobs:
        """Adds up to 1,000 jobs to a live run: all of them or none. See ``Runs.append``."""
        return self._portal.call(
            self._runs.append(run_id, jobs, close=close, fan_out=fan_out, timeout=timeout)
        )

    def close(self, run_id: str, *, timeout: Duration | None = None) -> Run:
        """Closes an open run: only handlers of its jobs can append from now on."""
        return self._portal.call(self._runs.close(run_id, timeout=timeout))

    def cancel(
        self,
        run_id: str,
        *,
        reason: str = "",
        ticket: str = "",
        grace: Duration | None = None,
        timeout: Duration | None = None,
    ) -> Operation:
        """Cancels every unfinished job of a run, in batches. See ``Runs.cancel``."""
        return self._portal.call(
            self._runs.cancel(run_id, reason=reason, ticket=ticket, grace=grace, timeout=timeout)
        )

    def replay(
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
        """Runs a part of a finished run again, as a new run. See ``Runs.replay``."""
        return self._portal.call(
            self._runs.replay(
                run_id,
                job_names=job_names,
                include_downstream=include_downstream,
                rerun_upstream=rerun_upstream,
                dry_run=dry_run,
                reason=reason,
                ticket=ticket,
                timeout=timeout,
            )
        )


class SyncPipelines:
    """Stores named runs and runs them. Reach it as ``SyncOrchestrator.pipelines``.

    Every method takes the arguments of its namesake in ``Pipelines`` and raises the same.
    """

    def __init__(self, pipelines: Pipelines, portal: Portal) -> None:
        self._pipelines = pipelines
        self._portal = portal

    def put(
        self,
        pipeline: Pipeline,
        *,
        reason: str = "",
        ticket: str = "",
        timeout: Duration | None = None,
    ) -> StoredPipeline:
        """Stores a pipeline: a new version if it differs from the newest."""
        return self._portal.call(
            self._pipelines.put(pipeline, reason=reason, ticket=ticket, timeout=timeout)
        )

    def get(
        self, name: str, *, version: int = 0, timeout: Duration | None = None
    ) -> StoredPipeline:
        """A pipeline, its newest version if ``version`` is 0. Raises PIPELINE_NOT_FOUND."""
        return self._portal.call(self._pipelines.get(name, version=version, timeout=timeout))

    def list(self) -> Iterator[PipelineHead]:
        """Lists the newest versions of all pipelines by name."""
        return self._portal.iterate(self._pipelines.list)

    def versions(self, name: str) -> Iterator[PipelineHead]:
        """Lists the versions of a pipeline, newest first; none of one that does not exist."""
        return self._portal.iterate(lambda: self._pipelines.versions(name))

    def run(
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
        """Makes a run from a pipeline. See ``Pipelines.run``."""
        return self._portal.call(
            self._pipelines.run(
                name,
                parameters=parameters,
                version=version,
                display_name=display_name,
                project=project,
                correlation_id=correlation_id,
                timeout=timeout,
            )
        )
