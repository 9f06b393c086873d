import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from stellaops_orchestrator._gen.stellaops.orchestrator.v1 import job_pb2 as _job_pb2
from stellaops_orchestrator._gen.stellaops.orchestrator.v1 import operation_pb2 as _operation_pb2
from stellaops_orchestrator._gen.stellaops.orchestrator.v1 import task_runner_pb2 as _task_runner_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EdgeCondition(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EDGE_CONDITION_UNSPECIFIED: _ClassVar[EdgeCondition]
    EDGE_CONDITION_SUCCESS: _ClassVar[EdgeCondition]
    EDGE_CONDITION_COMPLETION: _ClassVar[EdgeCondition]
    EDGE_CONDITION_FAILURE: _ClassVar[EdgeCondition]

class OnFailure(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ON_FAILURE_UNSPECIFIED: _ClassVar[OnFailure]
    ON_FAILURE_CANCEL: _ClassVar[OnFailure]
    ON_FAILURE_HOLD: _ClassVar[OnFailure]
    ON_FAILURE_CONTINUE: _ClassVar[OnFailure]

class RunState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RUN_STATE_UNSPECIFIED: _ClassVar[RunState]
    RUN_STATE_ACTIVE: _ClassVar[RunState]
    RUN_STATE_SUCCEEDED: _ClassVar[RunState]
    RUN_STATE_FAILED: _ClassVar[RunState]
    RUN_STATE_CANCELLED: _ClassVar[RunState]

class ReplayCause(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REPLAY_CAUSE_UNSPECIFIED: _ClassVar[ReplayCause]
    REPLAY_CAUSE_SELECTED: _ClassVar[ReplayCause]
    REPLAY_CAUSE_NOT_SUCCEEDED: _ClassVar[ReplayCause]
    REPLAY_CAUSE_DOWNSTREAM: _ClassVar[ReplayCause]
    REPLAY_CAUSE_UPSTREAM: _ClassVar[ReplayCause]
    REPLAY_CAUSE_REUSED: _ClassVar[ReplayCause]

class SpanKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SPAN_KIND_UNSPECIFIED: _ClassVar[SpanKind]
    SPAN_KIND_BLOCKED: _ClassVar[SpanKind]
    SPAN_KIND_WAITING: _ClassVar[SpanKind]
    SPAN_KIND_OFFERED: _ClassVar[SpanKind]
    SPAN_KIND_RUNNING: _ClassVar[SpanKind]
EDGE_CONDITION_UNSPECIFIED: EdgeCondition
EDGE_CONDITION_SUCCESS: EdgeCondition
EDGE_CONDITION_COMPLETION: EdgeCondition
EDGE_CONDITION_FAILURE: EdgeCondition
ON_FAILURE_UNSPECIFIED: OnFailure
ON_FAILURE_CANCEL: OnFailure
ON_FAILURE_HOLD: OnFailure
ON_FAILURE_CONTINUE: OnFailure
RUN_STATE_UNSPECIFIED: RunState
RUN_STATE_ACTIVE: RunState
RUN_STATE_SUCCEEDED: RunState
RUN_STATE_FAILED: RunState
RUN_STATE_CANCELLED: RunState
REPLAY_CAUSE_UNSPECIFIED: ReplayCause
REPLAY_CAUSE_SELECTED: ReplayCause
REPLAY_CAUSE_NOT_SUCCEEDED: ReplayCause
REPLAY_CAUSE_DOWNSTREAM: ReplayCause
REPLAY_CAUSE_UPSTREAM: ReplayCause
REPLAY_CAUSE_REUSED: ReplayCause
SPAN_KIND_UNSPECIFIED: SpanKind
SPAN_KIND_BLOCKED: SpanKind
SPAN_KIND_WAITING: SpanKind
SPAN_KIND_OFFERED: SpanKind
SPAN_KIND_RUNNING: SpanKind

class Dependency(_message.Message):
    __slots__ = ("name", "on_failure", "condition", "include_fan_out")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ON_FAILURE_FIELD_NUMBER: _ClassVar[int]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_FAN_OUT_FIELD_NUMBER: _ClassVar[int]
    name: str
    on_failure: OnFailure
    condition: EdgeCondition
    include_fan_out: bool
    def __init__(self, name: _Optional[str] = ..., on_failure: _Optional[_Union[OnFailure, str]] = ..., condition: _Optional[_Union[EdgeCondition, str]] = ..., include_fan_out: bool = ...) -> None: ...

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
    __slots__ = ("run_id", "display_name", "project", "correlation_id", "jobs", "keep_open")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    KEEP_OPEN_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    display_name: str
    project: str
    correlation_id: str
    jobs: _containers.RepeatedCompositeFieldContainer[RunJob]
    keep_open: bool
    def __init__(self, run_id: _Optional[str] = ..., display_name: _Optional[str] = ..., project: _Optional[str] = ..., correlation_id: _Optional[str] = ..., jobs: _Optional[_Iterable[_Union[RunJob, _Mapping]]] = ..., keep_open: bool = ...) -> None: ...

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
    __slots__ = ("run_id", "tenant", "display_name", "project", "correlation_id", "create_time", "state", "counts", "open", "cancel_requested", "replay_of", "pipeline", "pipeline_version", "schedule", "skipped", "building")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    TENANT_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    COUNTS_FIELD_NUMBER: _ClassVar[int]
    OPEN_FIELD_NUMBER: _ClassVar[int]
    CANCEL_REQUESTED_FIELD_NUMBER: _ClassVar[int]
    REPLAY_OF_FIELD_NUMBER: _ClassVar[int]
    PIPELINE_FIELD_NUMBER: _ClassVar[int]
    PIPELINE_VERSION_FIELD_NUMBER: _ClassVar[int]
    SCHEDULE_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_FIELD_NUMBER: _ClassVar[int]
    BUILDING_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    tenant: str
    display_name: str
    project: str
    correlation_id: str
    create_time: _timestamp_pb2.Timestamp
    state: RunState
    counts: _containers.RepeatedCompositeFieldContainer[JobStateCount]
    open: bool
    cancel_requested: bool
    replay_of: str
    pipeline: str
    pipeline_version: int
    schedule: str
    skipped: int
    building: bool
    def __init__(self, run_id: _Optional[str] = ..., tenant: _Optional[str] = ..., display_name: _Optional[str] = ..., project: _Optional[str] = ..., correlation_id: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., state: _Optional[_Union[RunState, str]] = ..., counts: _Optional[_Iterable[_Union[JobStateCount, _Mapping]]] = ..., open: bool = ..., cancel_requested: bool = ..., replay_of: _Optional[str] = ..., pipeline: _Optional[str] = ..., pipeline_version: _Optional[int] = ..., schedule: _Optional[str] = ..., skipped: _Optional[int] = ..., building: bool = ...) -> None: ...

class JobStateCount(_message.Message):
    __slots__ = ("state", "count")
    STATE_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    state: _job_pb2.JobState
    count: int
    def __init__(self, state: _Optional[_Union[_job_pb2.JobState, str]] = ..., count: _Optional[int] = ...) -> None: ...

class Edge(_message.Message):
    __slots__ = ("from_job_id", "to_job_id", "on_failure", "condition", "include_fan_out")
    FROM_JOB_ID_FIELD_NUMBER: _ClassVar[int]
    TO_JOB_ID_FIELD_NUMBER: _ClassVar[int]
    ON_FAILURE_FIELD_NUMBER: _ClassVar[int]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_FAN_OUT_FIELD_NUMBER: _ClassVar[int]
    from_job_id: str
    to_job_id: str
    on_failure: OnFailure
    condition: EdgeCondition
    include_fan_out: bool
    def __init__(self, from_job_id: _Optional[str] = ..., to_job_id: _Optional[str] = ..., on_failure: _Optional[_Union[OnFailure, str]] = ..., condition: _Optional[_Union[EdgeCondition, str]] = ..., include_fan_out: bool = ...) -> None: ...

class GetRunRequest(_message.Message):
    __slots__ = ("run_id",)
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    def __init__(self, run_id: _Optional[str] = ...) -> None: ...

class GetRunResponse(_message.Message):
    __slots__ = ("run", "jobs", "edges", "truncated")
    RUN_FIELD_NUMBER: _ClassVar[int]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    EDGES_FIELD_NUMBER: _ClassVar[int]
    TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    run: Run
    jobs: _containers.RepeatedCompositeFieldContainer[_job_pb2.Job]
    edges: _containers.RepeatedCompositeFieldContainer[Edge]
    truncated: bool
    def __init__(self, run: _Optional[_Union[Run, _Mapping]] = ..., jobs: _Optional[_Iterable[_Union[_job_pb2.Job, _Mapping]]] = ..., edges: _Optional[_Iterable[_Union[Edge, _Mapping]]] = ..., truncated: bool = ...) -> None: ...

class AppendJobsRequest(_message.Message):
    __slots__ = ("run_id", "jobs", "fan_out", "close")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    FAN_OUT_FIELD_NUMBER: _ClassVar[int]
    CLOSE_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    jobs: _containers.RepeatedCompositeFieldContainer[RunJob]
    fan_out: _task_runner_pb2.LeaseRef
    close: bool
    def __init__(self, run_id: _Optional[str] = ..., jobs: _Optional[_Iterable[_Union[RunJob, _Mapping]]] = ..., fan_out: _Optional[_Union[_task_runner_pb2.LeaseRef, _Mapping]] = ..., close: bool = ...) -> None: ...

class AppendJobsResponse(_message.Message):
    __slots__ = ("job_ids", "existing")
    JOB_IDS_FIELD_NUMBER: _ClassVar[int]
    EXISTING_FIELD_NUMBER: _ClassVar[int]
    job_ids: _containers.RepeatedScalarFieldContainer[str]
    existing: int
    def __init__(self, job_ids: _Optional[_Iterable[str]] = ..., existing: _Optional[int] = ...) -> None: ...

class CloseRunRequest(_message.Message):
    __slots__ = ("run_id",)
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    def __init__(self, run_id: _Optional[str] = ...) -> None: ...

class CloseRunResponse(_message.Message):
    __slots__ = ("run",)
    RUN_FIELD_NUMBER: _ClassVar[int]
    run: Run
    def __init__(self, run: _Optional[_Union[Run, _Mapping]] = ...) -> None: ...

class CancelRunRequest(_message.Message):
    __slots__ = ("run_id", "request_id", "reason", "ticket", "grace")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TICKET_FIELD_NUMBER: _ClassVar[int]
    GRACE_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    request_id: str
    reason: str
    ticket: str
    grace: _duration_pb2.Duration
    def __init__(self, run_id: _Optional[str] = ..., request_id: _Optional[str] = ..., reason: _Optional[str] = ..., ticket: _Optional[str] = ..., grace: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class CancelRunResponse(_message.Message):
    __slots__ = ("operation",)
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    operation: _operation_pb2.Operation
    def __init__(self, operation: _Optional[_Union[_operation_pb2.Operation, _Mapping]] = ...) -> None: ...

class ReplayRunRequest(_message.Message):
    __slots__ = ("run_id", "request_id", "job_names", "include_downstream", "rerun_upstream", "dry_run", "reason", "ticket")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    JOB_NAMES_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_DOWNSTREAM_FIELD_NUMBER: _ClassVar[int]
    RERUN_UPSTREAM_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TICKET_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    request_id: str
    job_names: _containers.RepeatedScalarFieldContainer[str]
    include_downstream: bool
    rerun_upstream: bool
    dry_run: bool
    reason: str
    ticket: str
    def __init__(self, run_id: _Optional[str] = ..., request_id: _Optional[str] = ..., job_names: _Optional[_Iterable[str]] = ..., include_downstream: bool = ..., rerun_upstream: bool = ..., dry_run: bool = ..., reason: _Optional[str] = ..., ticket: _Optional[str] = ...) -> None: ...

class ReplayedJob(_message.Message):
    __slots__ = ("name", "job_id", "cause", "state")
    NAME_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    name: str
    job_id: str
    cause: ReplayCause
    state: _job_pb2.JobState
    def __init__(self, name: _Optional[str] = ..., job_id: _Optional[str] = ..., cause: _Optional[_Union[ReplayCause, str]] = ..., state: _Optional[_Union[_job_pb2.JobState, str]] = ...) -> None: ...

class ReplayRunResponse(_message.Message):
    __slots__ = ("run", "jobs", "running_count", "reused_count", "already_existed")
    RUN_FIELD_NUMBER: _ClassVar[int]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    RUNNING_COUNT_FIELD_NUMBER: _ClassVar[int]
    REUSED_COUNT_FIELD_NUMBER: _ClassVar[int]
    ALREADY_EXISTED_FIELD_NUMBER: _ClassVar[int]
    run: Run
    jobs: _containers.RepeatedCompositeFieldContainer[ReplayedJob]
    running_count: int
    reused_count: int
    already_existed: bool
    def __init__(self, run: _Optional[_Union[Run, _Mapping]] = ..., jobs: _Optional[_Iterable[_Union[ReplayedJob, _Mapping]]] = ..., running_count: _Optional[int] = ..., reused_count: _Optional[int] = ..., already_existed: bool = ...) -> None: ...

class ListRunsRequest(_message.Message):
    __slots__ = ("project", "pipeline", "replay_of", "page_size", "page_token")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    PIPELINE_FIELD_NUMBER: _ClassVar[int]
    REPLAY_OF_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    project: str
    pipeline: str
    replay_of: str
    page_size: int
    page_token: str
    def __init__(self, project: _Optional[str] = ..., pipeline: _Optional[str] = ..., replay_of: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListRunsResponse(_message.Message):
    __slots__ = ("runs", "next_page_token")
    RUNS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    runs: _containers.RepeatedCompositeFieldContainer[Run]
    next_page_token: str
    def __init__(self, runs: _Optional[_Iterable[_Union[Run, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetRunGraphRequest(_message.Message):
    __slots__ = ("run_id", "page_size", "page_token")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    page_size: int
    page_token: str
    def __init__(self, run_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class GraphNode(_message.Message):
    __slots__ = ("job_id", "name", "job_type", "queue", "state", "skipped", "attempt", "blocked_by", "reused_from_run")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    JOB_TYPE_FIELD_NUMBER: _ClassVar[int]
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    BLOCKED_BY_FIELD_NUMBER: _ClassVar[int]
    REUSED_FROM_RUN_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    name: str
    job_type: str
    queue: str
    state: _job_pb2.JobState
    skipped: bool
    attempt: int
    blocked_by: _job_pb2.BlockedBy
    reused_from_run: str
    def __init__(self, job_id: _Optional[str] = ..., name: _Optional[str] = ..., job_type: _Optional[str] = ..., queue: _Optional[str] = ..., state: _Optional[_Union[_job_pb2.JobState, str]] = ..., skipped: bool = ..., attempt: _Optional[int] = ..., blocked_by: _Optional[_Union[_job_pb2.BlockedBy, _Mapping]] = ..., reused_from_run: _Optional[str] = ...) -> None: ...

class GetRunGraphResponse(_message.Message):
    __slots__ = ("nodes", "edges", "next_page_token")
    NODES_FIELD_NUMBER: _ClassVar[int]
    EDGES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    nodes: _containers.RepeatedCompositeFieldContainer[GraphNode]
    edges: _containers.RepeatedCompositeFieldContainer[Edge]
    next_page_token: str
    def __init__(self, nodes: _Optional[_Iterable[_Union[GraphNode, _Mapping]]] = ..., edges: _Optional[_Iterable[_Union[Edge, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetRunTimelineRequest(_message.Message):
    __slots__ = ("run_id", "page_size", "page_token")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    page_size: int
    page_token: str
    def __init__(self, run_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class TimelineSpan(_message.Message):
    __slots__ = ("kind", "start_time", "end_time", "attempt", "worker_id", "outcome")
    KIND_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    kind: SpanKind
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    attempt: int
    worker_id: str
    outcome: _job_pb2.AttemptOutcome
    def __init__(self, kind: _Optional[_Union[SpanKind, str]] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., attempt: _Optional[int] = ..., worker_id: _Optional[str] = ..., outcome: _Optional[_Union[_job_pb2.AttemptOutcome, str]] = ...) -> None: ...

class TimelineJob(_message.Message):
    __slots__ = ("job_id", "name", "job_type", "state", "spans")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    JOB_TYPE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    SPANS_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    name: str
    job_type: str
    state: _job_pb2.JobState
    spans: _containers.RepeatedCompositeFieldContainer[TimelineSpan]
    def __init__(self, job_id: _Optional[str] = ..., name: _Optional[str] = ..., job_type: _Optional[str] = ..., state: _Optional[_Union[_job_pb2.JobState, str]] = ..., spans: _Optional[_Iterable[_Union[TimelineSpan, _Mapping]]] = ...) -> None: ...

class GetRunTimelineResponse(_message.Message):
    __slots__ = ("jobs", "next_page_token")
    JOBS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    jobs: _containers.RepeatedCompositeFieldContainer[TimelineJob]
    next_page_token: str
    def __init__(self, jobs: _Optional[_Iterable[_Union[TimelineJob, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetCriticalPathRequest(_message.Message):
    __slots__ = ("run_id",)
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    def __init__(self, run_id: _Optional[str] = ...) -> None: ...

class CriticalStep(_message.Message):
    __slots__ = ("job_id", "name", "state", "start_time", "finish_time", "waited", "ran")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    FINISH_TIME_FIELD_NUMBER: _ClassVar[int]
    WAITED_FIELD_NUMBER: _ClassVar[int]
    RAN_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    name: str
    state: _job_pb2.JobState
    start_time: _timestamp_pb2.Timestamp
    finish_time: _timestamp_pb2.Timestamp
    waited: _duration_pb2.Duration
    ran: _duration_pb2.Duration
    def __init__(self, job_id: _Optional[str] = ..., name: _Optional[str] = ..., state: _Optional[_Union[_job_pb2.JobState, str]] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., finish_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., waited: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., ran: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class GetCriticalPathResponse(_message.Message):
    __slots__ = ("steps", "total")
    STEPS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    steps: _containers.RepeatedCompositeFieldContainer[CriticalStep]
    total: _duration_pb2.Duration
    def __init__(self, steps: _Optional[_Iterable[_Union[CriticalStep, _Mapping]]] = ..., total: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...
