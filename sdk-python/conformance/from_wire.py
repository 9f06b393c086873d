"""The suite's jobs, runs, pipelines and backfills in the SDK's words."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from _gen import driver_pb2 as driver
from wire import duration, moment

from stellaops_orchestrator import (
    NOTHING,
    ArtifactRef,
    BackfillSpec,
    DependsOn,
    EdgeCondition,
    EventWindow,
    JobRequest,
    JobTemplate,
    OnFailure,
    ParameterKind,
    Pipeline,
    PipelineJob,
    PipelineParameter,
    RetryOverrides,
    RunJob,
    TraceContext,
)


def said(**options: Any) -> dict[str, Any]:
    """The options that the suite says; empty and 0 mean "not said"."""
    return {name: value for name, value in options.items() if value}


def from_json(text: str) -> Any:
    """The value that JSON text stands for; nothing if there is none."""
    return json.loads(text) if text else NOTHING


def _window(window: driver.Window) -> EventWindow:
    start, end = moment(window.start_ms), moment(window.end_ms)
    return EventWindow(start, end, **said(scope=window.scope))


def _options(job: driver.JobRequest) -> dict[str, Any]:
    names = ("queue", "project", "source", "priority", "idempotency_key", "correlation_id")
    more = ("concurrency_key", "payload_media_type")
    options = {name: getattr(job, name) for name in (*names, *more)}
    options["labels"] = dict(job.labels)
    options["attempt_deadline"] = duration(job.attempt_deadline_ms)
    if job.delay_ms:
        options["not_before"] = datetime.now(UTC) + timedelta(milliseconds=job.delay_ms)
    if job.traceparent:
        options["trace"] = TraceContext(job.traceparent, job.tracestate)
    if job.HasField("retry"):
        options["retry"] = RetryOverrides(
            max_attempts=job.retry.max_attempts,
            initial_backoff=duration(job.retry.initial_backoff_ms),
            multiplier=job.retry.multiplier,
            max_backoff=duration(job.retry.max_backoff_ms),
        )
    if job.HasField("window"):
        options["window"] = _window(job.window)
    return said(**options)


def _payload(job: driver.JobRequest) -> object:
    if job.payload_artifact:
        return ArtifactRef(job.payload_artifact)
    return job.payload or NOTHING


def to_job_request(job: driver.JobRequest) -> JobRequest:
    """A job to enqueue, in the SDK's words."""
    return JobRequest(job.job_type, _payload(job), **_options(job))


def to_depends_on(dependency: driver.Dependency) -> str | DependsOn:
    """A dependency, in the SDK's shortest form."""
    options = said(include_fan_out=dependency.include_fan_out)
    if dependency.on_failure:
        options["on_failure"] = OnFailure(dependency.on_failure)
    if dependency.when:
        options["when"] = EdgeCondition(dependency.when)
    return DependsOn(dependency.name, **options) if options else dependency.name


def to_run_job(job: driver.RunJob) -> RunJob:
    """A job of a run, in the SDK's words."""
    depends_on = [to_depends_on(d) for d in job.depends_on]
    payload, options = _payload(job.job), _options(job.job)
    return RunJob(job.name, job.job.job_type, payload, depends_on=depends_on, **options)


def to_pipeline(pipeline: driver.Pipeline) -> Pipeline:
    """A pipeline to store, in the SDK's words."""
    return Pipeline(
        name=pipeline.name,
        parameters=[_parameter(parameter) for parameter in pipeline.parameters],
        jobs=[_pipeline_job(job) for job in pipeline.jobs],
        **said(description=pipeline.description, etag=pipeline.etag),
    )


def _parameter(parameter: driver.PipelineParameter) -> PipelineParameter:
    options = said(description=parameter.description)
    if parameter.kind:
        options["kind"] = ParameterKind(parameter.kind)
    if parameter.default_json:
        options["default_value"] = from_json(parameter.default_json)
    return PipelineParameter(name=parameter.name, **options)


def _pipeline_job(job: driver.PipelineJob) -> PipelineJob:
    return PipelineJob(
        job.name,
        job.job.job_type,
        _payload(job.job),
        payload_template=from_json(job.payload_template_json),
        depends_on=[to_depends_on(d) for d in job.depends_on],
        **_options(job.job),
    )


def to_backfill_spec(spec: driver.BackfillSpec) -> BackfillSpec:
    """A backfill, in the SDK's words."""
    return BackfillSpec(
        source=spec.source,
        start=moment(spec.start_ms),
        end=moment(spec.end_ms),
        job=JobTemplate(spec.job.job_type, _payload(spec.job), **_options(spec.job)),
        **said(
            scope=spec.scope, max_parallel=spec.max_parallel, repeat_covered=spec.repeat_covered
        ),
    )
