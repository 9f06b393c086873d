"""Runs, pipelines, watermarks and backfills of the SDK as the suite's messages."""

import json

from _gen import driver_pb2 as driver
from wire import epoch_ms, milliseconds, to_job, to_window

from stellaops_orchestrator import (
    NOTHING,
    AppendedJobs,
    ArtifactRef,
    Backfill,
    BackfillPreview,
    CreatedRun,
    DependsOn,
    EdgeCondition,
    Gap,
    Operation,
    PipelineHead,
    PipelineJob,
    Replay,
    Run,
    RunDetail,
    StoredPipeline,
    Watermark,
)


def to_created_run(created: CreatedRun) -> driver.CreatedRun:
    """A run that was made."""
    return driver.CreatedRun(
        run_id=created.run_id,
        job_ids=created.job_ids,
        already_existed=created.already_existed,
    )


def to_appended(appended: AppendedJobs) -> driver.Appended:
    """What was appended."""
    return driver.Appended(job_ids=appended.job_ids, existing=appended.existing)


def to_run(run: Run) -> driver.Run:
    """A run, with its jobs if they are told."""
    found = driver.Run(
        run_id=run.run_id,
        open=run.is_open,
        cancel_requested=run.is_cancel_requested,
        replay_of=run.replay_of,
        pipeline=run.pipeline,
        pipeline_version=run.pipeline_version,
        building=run.is_building,
    )
    if isinstance(run, RunDetail):
        found.state = run.state
        found.skipped = run.skipped
        found.jobs.extend(to_job(job) for job in run.jobs)
        found.edges = len(run.edges)
    return found


def to_operation(operation: Operation) -> driver.Operation:
    """An operation."""
    return driver.Operation(
        operation_id=operation.operation_id,
        kind=operation.kind or "",
        state=operation.state,
        reason=operation.reason,
        ticket=operation.ticket,
        run_id=operation.run_id,
        matching=operation.matching,
        applied=operation.applied,
        unchanged=operation.unchanged,
        refused=operation.refused,
    )


def to_replay(replay: Replay) -> driver.Replay:
    """A replay."""
    return driver.Replay(
        run_id=replay.run_id or "",
        jobs=[
            driver.ReplayedJob(
                name=job.name, job_id=job.job_id, cause=job.cause or "", state=job.state
            )
            for job in replay.jobs
        ],
        running_count=replay.running_count,
        reused_count=replay.reused_count,
    )


def _json(value: object) -> str:
    return "" if value is NOTHING else json.dumps(value)


def _dependency(dependency: str | DependsOn) -> driver.Dependency:
    if isinstance(dependency, str):
        return driver.Dependency(name=dependency)
    is_default = dependency.when is EdgeCondition.SUCCESS
    return driver.Dependency(
        name=dependency.name,
        on_failure=dependency.on_failure or "",
        when="" if is_default else dependency.when,
        include_fan_out=dependency.include_fan_out,
    )


def _pipeline_job(job: PipelineJob) -> driver.PipelineJob:
    options = job.options
    request = driver.JobRequest(
        job_type=job.job_type,
        queue=options.get("queue", ""),
        project=options.get("project", ""),
        source=options.get("source", ""),
        priority=options.get("priority", 0),
        labels=options.get("labels", {}),
        correlation_id=options.get("correlation_id", ""),
        concurrency_key=options.get("concurrency_key", ""),
        payload=job.payload if isinstance(job.payload, bytes) else b"",
        payload_artifact=job.payload.digest if isinstance(job.payload, ArtifactRef) else "",
    )
    return driver.PipelineJob(
        name=job.name,
        job=request,
        payload_template_json=_json(job.payload_template),
        depends_on=[_dependency(dependency) for dependency in job.depends_on],
    )


def to_pipeline(pipeline: StoredPipeline | PipelineHead) -> driver.Pipeline:
    """A stored pipeline; one of a list has no jobs."""
    jobs = pipeline.jobs if isinstance(pipeline, StoredPipeline) else ()
    return driver.Pipeline(
        name=pipeline.name,
        description=pipeline.description,
        parameters=[
            driver.PipelineParameter(
                name=parameter.name,
                kind=parameter.kind,
                description=parameter.description,
                default_json=_json(parameter.default_value),
            )
            for parameter in pipeline.parameters
        ],
        jobs=[_pipeline_job(job) for job in jobs],
        version=pipeline.version,
        etag=pipeline.etag,
    )


def to_watermark(watermark: Watermark) -> driver.Watermark:
    """A watermark."""
    covered = watermark.covered_until
    return driver.Watermark(
        source=watermark.source,
        scope=watermark.scope,
        width_ms=milliseconds(watermark.width),
        allowed_lateness_ms=milliseconds(watermark.allowed_lateness),
        origin_ms=epoch_ms(watermark.origin),
        watermark_ms=epoch_ms(watermark.watermark),
        due_ms=epoch_ms(watermark.due),
        lag_ms=milliseconds(watermark.lag),
        missing_windows=watermark.missing_windows,
        gaps=watermark.gaps,
        covered_until_ms=None if covered is None else epoch_ms(covered),
    )


def to_gap(gap: Gap) -> driver.Gap:
    """A gap."""
    return driver.Gap(
        start_ms=epoch_ms(gap.start),
        end_ms=epoch_ms(gap.end),
        windows=gap.windows,
        in_progress=gap.in_progress,
    )


def to_preview(preview: BackfillPreview) -> driver.BackfillPreview:
    """What a backfill would do."""
    return driver.BackfillPreview(
        windows=preview.windows,
        covered=preview.covered,
        in_progress=preview.in_progress,
        not_due=preview.not_due,
        jobs=preview.jobs,
        start_ms=epoch_ms(preview.start),
        end_ms=epoch_ms(preview.end),
        mean_job_ms=milliseconds(preview.mean_job_duration),
        estimated_ms=milliseconds(preview.estimated_duration),
        sample=[to_window(window) or driver.Window() for window in preview.sample],
    )


def to_backfill(backfill: Backfill) -> driver.Backfill:
    """A backfill."""
    return driver.Backfill(
        backfill_id=backfill.backfill_id,
        state=backfill.state,
        reason=backfill.reason,
        ticket=backfill.ticket,
        windows=backfill.windows,
        covered=backfill.covered,
        shared=backfill.shared,
        in_progress=backfill.in_progress,
        failed=backfill.failed,
        start_ms=epoch_ms(backfill.spec.start),
        end_ms=epoch_ms(backfill.spec.end),
    )
