import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from stellaops_orchestrator._gen.stellaops.orchestrator.v1 import flow_control_pb2 as _flow_control_pb2
from stellaops_orchestrator._gen.stellaops.orchestrator.v1 import job_pb2 as _job_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BackfillState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BACKFILL_STATE_UNSPECIFIED: _ClassVar[BackfillState]
    BACKFILL_STATE_RUNNING: _ClassVar[BackfillState]
    BACKFILL_STATE_PAUSED: _ClassVar[BackfillState]
    BACKFILL_STATE_SUCCEEDED: _ClassVar[BackfillState]
    BACKFILL_STATE_FAILED: _ClassVar[BackfillState]
    BACKFILL_STATE_CANCELLED: _ClassVar[BackfillState]

class BackfillWindowState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BACKFILL_WINDOW_STATE_UNSPECIFIED: _ClassVar[BackfillWindowState]
    BACKFILL_WINDOW_STATE_IN_PROGRESS: _ClassVar[BackfillWindowState]
    BACKFILL_WINDOW_STATE_COVERED: _ClassVar[BackfillWindowState]
    BACKFILL_WINDOW_STATE_SHARED: _ClassVar[BackfillWindowState]
    BACKFILL_WINDOW_STATE_FAILED: _ClassVar[BackfillWindowState]
BACKFILL_STATE_UNSPECIFIED: BackfillState
BACKFILL_STATE_RUNNING: BackfillState
BACKFILL_STATE_PAUSED: BackfillState
BACKFILL_STATE_SUCCEEDED: BackfillState
BACKFILL_STATE_FAILED: BackfillState
BACKFILL_STATE_CANCELLED: BackfillState
BACKFILL_WINDOW_STATE_UNSPECIFIED: BackfillWindowState
BACKFILL_WINDOW_STATE_IN_PROGRESS: BackfillWindowState
BACKFILL_WINDOW_STATE_COVERED: BackfillWindowState
BACKFILL_WINDOW_STATE_SHARED: BackfillWindowState
BACKFILL_WINDOW_STATE_FAILED: BackfillWindowState

class BackfillSpec(_message.Message):
    __slots__ = ("source", "scope", "start_time", "end_time", "job", "max_parallel", "repeat_covered")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    JOB_FIELD_NUMBER: _ClassVar[int]
    MAX_PARALLEL_FIELD_NUMBER: _ClassVar[int]
    REPEAT_COVERED_FIELD_NUMBER: _ClassVar[int]
    source: str
    scope: str
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    job: _job_pb2.JobSpec
    max_parallel: int
    repeat_covered: bool
    def __init__(self, source: _Optional[str] = ..., scope: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., job: _Optional[_Union[_job_pb2.JobSpec, _Mapping]] = ..., max_parallel: _Optional[int] = ..., repeat_covered: bool = ...) -> None: ...

class PreviewBackfillRequest(_message.Message):
    __slots__ = ("spec",)
    SPEC_FIELD_NUMBER: _ClassVar[int]
    spec: BackfillSpec
    def __init__(self, spec: _Optional[_Union[BackfillSpec, _Mapping]] = ...) -> None: ...

class PreviewBackfillResponse(_message.Message):
    __slots__ = ("windows", "covered", "in_progress", "not_due", "jobs", "start_time", "end_time", "mean_job_duration", "estimated_duration", "limits", "sample")
    WINDOWS_FIELD_NUMBER: _ClassVar[int]
    COVERED_FIELD_NUMBER: _ClassVar[int]
    IN_PROGRESS_FIELD_NUMBER: _ClassVar[int]
    NOT_DUE_FIELD_NUMBER: _ClassVar[int]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    MEAN_JOB_DURATION_FIELD_NUMBER: _ClassVar[int]
    ESTIMATED_DURATION_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_FIELD_NUMBER: _ClassVar[int]
    windows: int
    covered: int
    in_progress: int
    not_due: int
    jobs: int
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    mean_job_duration: _duration_pb2.Duration
    estimated_duration: _duration_pb2.Duration
    limits: _containers.RepeatedCompositeFieldContainer[_flow_control_pb2.FlowSettings]
    sample: _containers.RepeatedCompositeFieldContainer[_job_pb2.EventWindow]
    def __init__(self, windows: _Optional[int] = ..., covered: _Optional[int] = ..., in_progress: _Optional[int] = ..., not_due: _Optional[int] = ..., jobs: _Optional[int] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., mean_job_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., estimated_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., limits: _Optional[_Iterable[_Union[_flow_control_pb2.FlowSettings, _Mapping]]] = ..., sample: _Optional[_Iterable[_Union[_job_pb2.EventWindow, _Mapping]]] = ...) -> None: ...

class CreateBackfillRequest(_message.Message):
    __slots__ = ("spec", "request_id", "reason", "ticket")
    SPEC_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TICKET_FIELD_NUMBER: _ClassVar[int]
    spec: BackfillSpec
    request_id: str
    reason: str
    ticket: str
    def __init__(self, spec: _Optional[_Union[BackfillSpec, _Mapping]] = ..., request_id: _Optional[str] = ..., reason: _Optional[str] = ..., ticket: _Optional[str] = ...) -> None: ...

class CreateBackfillResponse(_message.Message):
    __slots__ = ("backfill", "already_existed")
    BACKFILL_FIELD_NUMBER: _ClassVar[int]
    ALREADY_EXISTED_FIELD_NUMBER: _ClassVar[int]
    backfill: Backfill
    already_existed: bool
    def __init__(self, backfill: _Optional[_Union[Backfill, _Mapping]] = ..., already_existed: bool = ...) -> None: ...

class Backfill(_message.Message):
    __slots__ = ("backfill_id", "tenant", "spec", "state", "actor", "reason", "ticket", "windows", "covered", "shared", "in_progress", "failed", "create_time", "finish_time")
    BACKFILL_ID_FIELD_NUMBER: _ClassVar[int]
    TENANT_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TICKET_FIELD_NUMBER: _ClassVar[int]
    WINDOWS_FIELD_NUMBER: _ClassVar[int]
    COVERED_FIELD_NUMBER: _ClassVar[int]
    SHARED_FIELD_NUMBER: _ClassVar[int]
    IN_PROGRESS_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    FINISH_TIME_FIELD_NUMBER: _ClassVar[int]
    backfill_id: str
    tenant: str
    spec: BackfillSpec
    state: BackfillState
    actor: str
    reason: str
    ticket: str
    windows: int
    covered: int
    shared: int
    in_progress: int
    failed: int
    create_time: _timestamp_pb2.Timestamp
    finish_time: _timestamp_pb2.Timestamp
    def __init__(self, backfill_id: _Optional[str] = ..., tenant: _Optional[str] = ..., spec: _Optional[_Union[BackfillSpec, _Mapping]] = ..., state: _Optional[_Union[BackfillState, str]] = ..., actor: _Optional[str] = ..., reason: _Optional[str] = ..., ticket: _Optional[str] = ..., windows: _Optional[int] = ..., covered: _Optional[int] = ..., shared: _Optional[int] = ..., in_progress: _Optional[int] = ..., failed: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., finish_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class GetBackfillRequest(_message.Message):
    __slots__ = ("backfill_id",)
    BACKFILL_ID_FIELD_NUMBER: _ClassVar[int]
    backfill_id: str
    def __init__(self, backfill_id: _Optional[str] = ...) -> None: ...

class GetBackfillResponse(_message.Message):
    __slots__ = ("backfill",)
    BACKFILL_FIELD_NUMBER: _ClassVar[int]
    backfill: Backfill
    def __init__(self, backfill: _Optional[_Union[Backfill, _Mapping]] = ...) -> None: ...

class ListBackfillsRequest(_message.Message):
    __slots__ = ("source", "page_size", "page_token")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    source: str
    page_size: int
    page_token: str
    def __init__(self, source: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListBackfillsResponse(_message.Message):
    __slots__ = ("backfills", "next_page_token")
    BACKFILLS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    backfills: _containers.RepeatedCompositeFieldContainer[Backfill]
    next_page_token: str
    def __init__(self, backfills: _Optional[_Iterable[_Union[Backfill, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class BackfillWindow(_message.Message):
    __slots__ = ("window", "state", "job_id")
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    window: _job_pb2.EventWindow
    state: BackfillWindowState
    job_id: str
    def __init__(self, window: _Optional[_Union[_job_pb2.EventWindow, _Mapping]] = ..., state: _Optional[_Union[BackfillWindowState, str]] = ..., job_id: _Optional[str] = ...) -> None: ...

class ListBackfillWindowsRequest(_message.Message):
    __slots__ = ("backfill_id", "state", "page_size", "page_token")
    BACKFILL_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    backfill_id: str
    state: BackfillWindowState
    page_size: int
    page_token: str
    def __init__(self, backfill_id: _Optional[str] = ..., state: _Optional[_Union[BackfillWindowState, str]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListBackfillWindowsResponse(_message.Message):
    __slots__ = ("windows", "next_page_token")
    WINDOWS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    windows: _containers.RepeatedCompositeFieldContainer[BackfillWindow]
    next_page_token: str
    def __init__(self, windows: _Optional[_Iterable[_Union[BackfillWindow, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class PauseBackfillRequest(_message.Message):
    __slots__ = ("backfill_id", "reason", "ticket")
    BACKFILL_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TICKET_FIELD_NUMBER: _ClassVar[int]
    backfill_id: str
    reason: str
    ticket: str
    def __init__(self, backfill_id: _Optional[str] = ..., reason: _Optional[str] = ..., ticket: _Optional[str] = ...) -> None: ...

class PauseBackfillResponse(_message.Message):
    __slots__ = ("backfill",)
    BACKFILL_FIELD_NUMBER: _ClassVar[int]
    backfill: Backfill
    def __init__(self, backfill: _Optional[_Union[Backfill, _Mapping]] = ...) -> None: ...

class ResumeBackfillRequest(_message.Message):
    __slots__ = ("backfill_id", "reason", "ticket")
    BACKFILL_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TICKET_FIELD_NUMBER: _ClassVar[int]
    backfill_id: str
    reason: str
    ticket: str
    def __init__(self, backfill_id: _Optional[str] = ..., reason: _Optional[str] = ..., ticket: _Optional[str] = ...) -> None: ...

class ResumeBackfillResponse(_message.Message):
    __slots__ = ("backfill",)
    BACKFILL_FIELD_NUMBER: _ClassVar[int]
    backfill: Backfill
    def __init__(self, backfill: _Optional[_Union[Backfill, _Mapping]] = ...) -> None: ...

class CancelBackfillRequest(_message.Message):
    __slots__ = ("backfill_id", "reason", "ticket")
    BACKFILL_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TICKET_FIELD_NUMBER: _ClassVar[int]
    backfill_id: str
    reason: str
    ticket: str
    def __init__(self, backfill_id: _Optional[str] = ..., reason: _Optional[str] = ..., ticket: _Optional[str] = ...) -> None: ...

class CancelBackfillResponse(_message.Message):
    __slots__ = ("backfill",)
    BACKFILL_FIELD_NUMBER: _ClassVar[int]
    backfill: Backfill
    def __init__(self, backfill: _Optional[_Union[Backfill, _Mapping]] = ...) -> None: ...
