import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from stellaops_orchestrator._gen.stellaops.orchestrator.v1 import job_pb2 as _job_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class OnFailure(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ON_FAILURE_UNSPECIFIED: _ClassVar[OnFailure]
    ON_FAILURE_CANCEL: _ClassVar[OnFailure]
    ON_FAILURE_HOLD: _ClassVar[OnFailure]

class RunState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RUN_STATE_UNSPECIFIED: _ClassVar[RunState]
    RUN_STATE_ACTIVE: _ClassVar[RunState]
    RUN_STATE_SUCCEEDED: _ClassVar[RunState]
    RUN_STATE_FAILED: _ClassVar[RunState]
    RUN_STATE_CANCELLED: _ClassVar[RunState]
ON_FAILURE_UNSPECIFIED: OnFailure
ON_FAILURE_CANCEL: OnFailure
ON_FAILURE_HOLD: OnFailure
RUN_STATE_UNSPECIFIED: RunState
RUN_STATE_ACTIVE: RunState
RUN_STATE_SUCCEEDED: RunState
RUN_STATE_FAILED: RunState
RUN_STATE_CANCELLED: RunState

class Dependency(_message.Message):
    __slots__ = ("name", "on_failure")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ON_FAILURE_FIELD_NUMBER: _ClassVar[int]
    name: str
    on_failure: OnFailure
    def __init__(self, name: _Optional[str] = ..., on_failure: _Optional[_Union[OnFailure, str]] = ...) -> None: ...

class RunJob(_message.Message):
    __slots__ = ("name", "spec", "depends_on")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    DEPENDS_ON_FIELD_NUMBER: _ClassVar[int]
    name: str
    spec: _job_pb2.JobSpec
    depends_on: _containers.RepeatedCompositeFieldContainer[Dependency]
    def __init__(self, name: _Optional[str] = ..., spec: _Optional[_Union[_job_pb2.JobSpec, _Mapping]] = ..., depends_on: _Optional[_Iterable[_Union[Dependency, _Mapping]]] = ...) -> None: ...

class CreateRunRequest(_message.Message):
    __slots__ = ("run_id", "display_name", "project", "correlation_id", "jobs")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    display_name: str
    project: str
    correlation_id: str
    jobs: _containers.RepeatedCompositeFieldContainer[RunJob]
    def __init__(self, run_id: _Optional[str] = ..., display_name: _Optional[str] = ..., project: _Optional[str] = ..., correlation_id: _Optional[str] = ..., jobs: _Optional[_Iterable[_Union[RunJob, _Mapping]]] = ...) -> None: ...

class CreateRunResponse(_message.Message):
    __slots__ = ("run", "job_ids", "already_existed")
    RUN_FIELD_NUMBER: _ClassVar[int]
    JOB_IDS_FIELD_NUMBER: _ClassVar[int]
    ALREADY_EXISTED_FIELD_NUMBER: _ClassVar[int]
    run: Run
    job_ids: _containers.RepeatedScalarFieldContainer[str]
    already_existed: bool
    def __init__(self, run: _Optional[_Union[Run, _Mapping]] = ..., job_ids: _Optional[_Iterable[str]] = ..., already_existed: bool = ...) -> None: ...

class Run(_message.Message):
    __slots__ = ("run_id", "tenant", "display_name", "project", "correlation_id", "create_time", "state", "counts")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    TENANT_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    COUNTS_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    tenant: str
    display_name: str
    project: str
    correlation_id: str
    create_time: _timestamp_pb2.Timestamp
    state: RunState
    counts: _containers.RepeatedCompositeFieldContainer[JobStateCount]
    def __init__(self, run_id: _Optional[str] = ..., tenant: _Optional[str] = ..., display_name: _Optional[str] = ..., project: _Optional[str] = ..., correlation_id: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., state: _Optional[_Union[RunState, str]] = ..., counts: _Optional[_Iterable[_Union[JobStateCount, _Mapping]]] = ...) -> None: ...

class JobStateCount(_message.Message):
    __slots__ = ("state", "count")
    STATE_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    state: _job_pb2.JobState
    count: int
    def __init__(self, state: _Optional[_Union[_job_pb2.JobState, str]] = ..., count: _Optional[int] = ...) -> None: ...

class Edge(_message.Message):
    __slots__ = ("from_job_id", "to_job_id", "on_failure")
    FROM_JOB_ID_FIELD_NUMBER: _ClassVar[int]
    TO_JOB_ID_FIELD_NUMBER: _ClassVar[int]
    ON_FAILURE_FIELD_NUMBER: _ClassVar[int]
    from_job_id: str
    to_job_id: str
    on_failure: OnFailure
    def __init__(self, from_job_id: _Optional[str] = ..., to_job_id: _Optional[str] = ..., on_failure: _Optional[_Union[OnFailure, str]] = ...) -> None: ...

class GetRunRequest(_message.Message):
    __slots__ = ("run_id",)
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    def __init__(self, run_id: _Optional[str] = ...) -> None: ...

class GetRunResponse(_message.Message):
    __slots__ = ("run", "jobs", "edges")
    RUN_FIELD_NUMBER: _ClassVar[int]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    EDGES_FIELD_NUMBER: _ClassVar[int]
    run: Run
    jobs: _containers.RepeatedCompositeFieldContainer[_job_pb2.Job]
    edges: _containers.RepeatedCompositeFieldContainer[Edge]
    def __init__(self, run: _Optional[_Union[Run, _Mapping]] = ..., jobs: _Optional[_Iterable[_Union[_job_pb2.Job, _Mapping]]] = ..., edges: _Optional[_Iterable[_Union[Edge, _Mapping]]] = ...) -> None: ...
