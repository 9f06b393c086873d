"""Pipelines: named runs with parameters."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Unpack

from stellaops_orchestrator.client.job_spec import (
    JobTemplate,
    TemplateOptions,
    template_parts,
    to_template_spec,
)
from stellaops_orchestrator.client.run_spec import DependsOn, from_depends_on, to_depends_on
from stellaops_orchestrator.contract import pb
from stellaops_orchestrator.contract.json_value import from_value, to_value
from stellaops_orchestrator.contract.time import moment_of
from stellaops_orchestrator.names import ParameterKind, name_of, number_of
from stellaops_orchestrator.payload import NOTHING, decode_json, encode_json


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineParameter:
    """What a pipeline has to be told."""

    name: str
    """As templates say it: ``"${name}"``."""
    kind: ParameterKind = ParameterKind.STRING
    """What values it takes."""
    description: str = ""
    """For people."""
    default_value: object = NOTHING
    """Its value where none is given; without one it must be given. Numbers are doubles."""


class PipelineJob(JobTemplate):
    """A job of a pipeline.

    ``"${name}"`` in ``project``, ``source``, ``labels``, ``correlation_id`` and
    ``concurrency_key`` stands for a parameter's text.

    Args:
        name: Its name, unique in the pipeline.
        job_type: A dotted name such as ``"sbom.scan"``.
        payload: As for ``JobRequest``.
        payload_template: The payload as a JSON value, instead of ``payload``: a string that is
            ``"${name}"`` as a whole stands for the parameter's value, ``"${name}"`` within a
            string for its text, ``"$${"`` for ``"${"``.
        depends_on: What must end before it starts: names, or ``DependsOn``.
        options: See ``TemplateOptions``.
    """

    def __init__(
        self,
        name: str,
        job_type: str,
        payload: object = NOTHING,
        *,
        payload_template: object = NOTHING,
        depends_on: Sequence[str | DependsOn] = (),
        **options: Unpack[TemplateOptions],
    ) -> None:
        super().__init__(job_type, payload, **options)
        self.name = name
        self.payload_template = payload_template
        self.depends_on = tuple(depends_on)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """A named run with parameters."""

    name: str
    """Unique in the tenant."""
    description: str = ""
    """For people."""
    parameters: Sequence[PipelineParameter] = ()
    """What it has to be told."""
    jobs: Sequence[PipelineJob]
    """Up to 1,000."""
    etag: str = ""
    """The one of the version that you saw: stored only on top of it. Stored anyway if empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPipeline(Pipeline):
    """A pipeline as the ledger has it; ``pipelines.put`` takes it back."""

    version: int
    """Grows by one with each change."""
    create_time: datetime | None
    """When this version was stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineHead:
    """A version of a pipeline without its jobs, as lists have it."""

    name: str
    """Unique in the tenant."""
    description: str
    """For people."""
    parameters: Sequence[PipelineParameter]
    """What it has to be told."""
    etag: str
    """The one of this version."""
    version: int
    """Grows by one with each change."""
    create_time: datetime | None
    """When this version was stored."""


def _from_parameter(parameter: PipelineParameter) -> pb.pipeline.PipelineParameter:
    message = pb.pipeline.PipelineParameter(name=parameter.name, description=parameter.description)
    message.kind = number_of(ParameterKind(parameter.kind))  # type: ignore[assignment]
    if parameter.default_value is not NOTHING:
        message.default_value.CopyFrom(to_value(parameter.default_value))
    return message


def _from_job(job: PipelineJob) -> pb.pipeline.PipelineJob:
    template = job.payload_template
    return pb.pipeline.PipelineJob(
        name=job.name,
        spec=to_template_spec(job),
        payload_template="" if template is NOTHING else encode_json(template).decode(),
        depends_on=[from_depends_on(dependency) for dependency in job.depends_on],
    )


def from_pipeline(pipeline: Pipeline) -> pb.pipeline.Pipeline:
    """A pipeline as the contract carries it.

    Raises TypeError or ValueError for a default, payload or template that JSON cannot carry.
    """
    return pb.pipeline.Pipeline(
        name=pipeline.name,
        description=pipeline.description,
        parameters=[_from_parameter(parameter) for parameter in pipeline.parameters],
        jobs=[_from_job(job) for job in pipeline.jobs],
        etag=pipeline.etag,
    )


def _to_parameter(message: pb.pipeline.PipelineParameter) -> PipelineParameter:
    has_default = message.HasField("default_value")
    return PipelineParameter(
        name=message.name,
        kind=name_of(ParameterKind, message.kind, ParameterKind.STRING),
        description=message.description,
        default_value=from_value(message.default_value) if has_default else NOTHING,
    )


def _to_job(message: pb.pipeline.PipelineJob) -> PipelineJob:
    job_type, payload, options = template_parts(message.spec)
    text = message.payload_template
    return PipelineJob(
        message.name,
        job_type,
        payload,
        payload_template=decode_json(text.encode()) if text else NOTHING,
        depends_on=[to_depends_on(dependency) for dependency in message.depends_on],
        **options,
    )


def _head_fields(message: pb.pipeline.Pipeline) -> dict[str, Any]:
    return {
        "name": message.name,
        "description": message.description,
        "parameters": tuple(_to_parameter(parameter) for parameter in message.parameters),
        "etag": message.etag,
        "version": message.version,
        "create_time": moment_of(message, "create_time"),
    }


def to_pipeline_head(message: pb.pipeline.Pipeline) -> PipelineHead:
    """A pipeline of the contract as a plain object, without its jobs."""
    return PipelineHead(**_head_fields(message))


def to_pipeline(message: pb.pipeline.Pipeline) -> StoredPipeline:
    """A pipeline of the contract as a plain object."""
    return StoredPipeline(**_head_fields(message), jobs=tuple(_to_job(job) for job in message.jobs))
