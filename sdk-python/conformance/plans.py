"""Commands about runs, pipelines, watermarks and backfills."""

from collections.abc import Awaitable, Callable
from typing import Any

from _gen import driver_pb2 as driver
from from_wire import from_json, said, to_backfill_spec, to_run_job
from from_wire import to_pipeline as from_pipeline
from plans_wire import (
    to_appended,
    to_backfill,
    to_created_run,
    to_gap,
    to_operation,
    to_pipeline,
    to_preview,
    to_replay,
    to_run,
    to_watermark,
)
from wire import duration, moment

from stellaops_orchestrator import Orchestrator

Value = dict[str, Any]
"""The value of a CallResult: at most one of its fields."""


def _why(command: Any) -> dict[str, Any]:
    return said(reason=command.reason, ticket=command.ticket)


async def _append_jobs(orch: Orchestrator, command: driver.AppendJobs) -> Value:
    jobs = [to_run_job(job) for job in command.jobs]
    appended = await orch.runs.append(command.run_id, jobs, **said(close=command.close))
    return {"appended": to_appended(appended)}


async def _close_run(orch: Orchestrator, command: driver.CloseRun) -> Value:
    return {"run": to_run(await orch.runs.close(command.run_id))}


async def _list_runs(orch: Orchestrator, command: driver.ListRuns) -> Value:
    runs = orch.runs.list(
        **said(project=command.project, pipeline=command.pipeline, replay_of=command.replay_of)
    )
    return {"runs": driver.Runs(runs=[to_run(run) async for run in runs])}


async def _cancel_run(orch: Orchestrator, command: driver.CancelRun) -> Value:
    grace = duration(command.grace_ms)
    operation = await orch.runs.cancel(command.run_id, grace=grace, **_why(command))
    return {"operation": to_operation(operation)}


async def _replay_run(orch: Orchestrator, command: driver.ReplayRun) -> Value:
    replay = await orch.runs.replay(
        command.run_id,
        **said(
            job_names=list(command.job_names),
            include_downstream=command.include_downstream,
            rerun_upstream=command.rerun_upstream,
            dry_run=command.dry_run,
        ),
        **_why(command),
    )
    return {"replay": to_replay(replay)}


async def _put_pipeline(orch: Orchestrator, command: driver.PutPipeline) -> Value:
    stored = await orch.pipelines.put(from_pipeline(command.pipeline), **_why(command))
    return {"pipeline": to_pipeline(stored)}


async def _get_pipeline(orch: Orchestrator, command: driver.GetPipeline) -> Value:
    stored = await orch.pipelines.get(command.name, **said(version=command.version))
    return {"pipeline": to_pipeline(stored)}


async def _list_pipelines(orch: Orchestrator, command: driver.ListPipelines) -> Value:
    name = command.versions_of
    found = orch.pipelines.versions(name) if name else orch.pipelines.list()
    return {"pipelines": driver.Pipelines(pipelines=[to_pipeline(one) async for one in found])}


async def _run_pipeline(orch: Orchestrator, command: driver.RunPipeline) -> Value:
    options = said(
        version=command.version,
        display_name=command.display_name,
        project=command.project,
        correlation_id=command.correlation_id,
    )
    if command.parameters_json:
        options["parameters"] = from_json(command.parameters_json)
    return {"created_run": to_created_run(await orch.pipelines.run(command.name, **options))}


async def _put_window_series(orch: Orchestrator, command: driver.PutWindowSeries) -> Value:
    watermark = await orch.watermarks.put_series(
        command.source,
        width=duration(command.width_ms) or 0,
        origin=moment(command.origin_ms),
        allowed_lateness=duration(command.allowed_lateness_ms),
        **said(scope=command.scope),
        **_why(command),
    )
    return {"watermark": to_watermark(watermark)}


async def _get_watermark(orch: Orchestrator, command: driver.GetWatermark) -> Value:
    watermark = await orch.watermarks.get(command.source, **said(scope=command.scope))
    return {"watermark": to_watermark(watermark)}


async def _list_gaps(orch: Orchestrator, command: driver.ListGaps) -> Value:
    gaps = orch.watermarks.gaps(command.source, **said(scope=command.scope))
    return {"gaps": driver.Gaps(gaps=[to_gap(gap) async for gap in gaps])}


async def _preview_backfill(orch: Orchestrator, command: driver.PreviewBackfill) -> Value:
    preview = await orch.backfills.preview(to_backfill_spec(command.spec))
    return {"backfill_preview": to_preview(preview)}


async def _create_backfill(orch: Orchestrator, command: driver.CreateBackfill) -> Value:
    backfill = await orch.backfills.create(
        to_backfill_spec(command.spec), reason=command.reason, **said(ticket=command.ticket)
    )
    return {"backfill": to_backfill(backfill)}


async def _get_backfill(orch: Orchestrator, command: driver.GetBackfill) -> Value:
    return {"backfill": to_backfill(await orch.backfills.get(command.backfill_id))}


async def _list_backfills(orch: Orchestrator, command: driver.ListBackfills) -> Value:
    found = orch.backfills.list(**said(source=command.source))
    return {"backfills": driver.Backfills(backfills=[to_backfill(one) async for one in found])}


async def _steer_backfill(orch: Orchestrator, command: driver.SteerBackfill) -> Value:
    steer = {
        "pause": orch.backfills.pause,
        "resume": orch.backfills.resume,
        "cancel": orch.backfills.cancel,
    }[command.how]
    return {"backfill": to_backfill(await steer(command.backfill_id, **_why(command)))}


PLANS: dict[str, Callable[[Orchestrator, Any], Awaitable[Value]]] = {
    "append_jobs": _append_jobs,
    "close_run": _close_run,
    "cancel_run": _cancel_run,
    "list_runs": _list_runs,
    "replay_run": _replay_run,
    "put_pipeline": _put_pipeline,
    "get_pipeline": _get_pipeline,
    "run_pipeline": _run_pipeline,
    "list_pipelines": _list_pipelines,
    "put_window_series": _put_window_series,
    "get_watermark": _get_watermark,
    "list_gaps": _list_gaps,
    "preview_backfill": _preview_backfill,
    "create_backfill": _create_backfill,
    "get_backfill": _get_backfill,
    "steer_backfill": _steer_backfill,
    "list_backfills": _list_backfills,
}
"""What does the commands of this module, by their names."""
