import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class FlowScopeKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FLOW_SCOPE_KIND_UNSPECIFIED: _ClassVar[FlowScopeKind]
    FLOW_SCOPE_KIND_TENANT: _ClassVar[FlowScopeKind]
    FLOW_SCOPE_KIND_QUEUE: _ClassVar[FlowScopeKind]
    FLOW_SCOPE_KIND_JOB_TYPE: _ClassVar[FlowScopeKind]
    FLOW_SCOPE_KIND_SOURCE: _ClassVar[FlowScopeKind]
    FLOW_SCOPE_KIND_HOST: _ClassVar[FlowScopeKind]
    FLOW_SCOPE_KIND_CONCURRENCY_KEY: _ClassVar[FlowScopeKind]

class BreakerPhase(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BREAKER_PHASE_UNSPECIFIED: _ClassVar[BreakerPhase]
    BREAKER_PHASE_CLOSED: _ClassVar[BreakerPhase]
    BREAKER_PHASE_OPEN: _ClassVar[BreakerPhase]
    BREAKER_PHASE_HALF_OPEN: _ClassVar[BreakerPhase]
FLOW_SCOPE_KIND_UNSPECIFIED: FlowScopeKind
FLOW_SCOPE_KIND_TENANT: FlowScopeKind
FLOW_SCOPE_KIND_QUEUE: FlowScopeKind
FLOW_SCOPE_KIND_JOB_TYPE: FlowScopeKind
FLOW_SCOPE_KIND_SOURCE: FlowScopeKind
FLOW_SCOPE_KIND_HOST: FlowScopeKind
FLOW_SCOPE_KIND_CONCURRENCY_KEY: FlowScopeKind
BREAKER_PHASE_UNSPECIFIED: BreakerPhase
BREAKER_PHASE_CLOSED: BreakerPhase
BREAKER_PHASE_OPEN: BreakerPhase
BREAKER_PHASE_HALF_OPEN: BreakerPhase

class FlowScope(_message.Message):
    __slots__ = ("kind", "name")
    KIND_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    kind: FlowScopeKind
    name: str
    def __init__(self, kind: _Optional[_Union[FlowScopeKind, str]] = ..., name: _Optional[str] = ...) -> None: ...

class FlowSettings(_message.Message):
    __slots__ = ("scope", "pause", "max_concurrency", "max_concurrency_per_key", "rate", "breaker", "blackouts", "weight", "quotas", "max_depth", "dynamic_concurrency", "etag", "update_time")
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    PAUSE_FIELD_NUMBER: _ClassVar[int]
    MAX_CONCURRENCY_FIELD_NUMBER: _ClassVar[int]
    MAX_CONCURRENCY_PER_KEY_FIELD_NUMBER: _ClassVar[int]
    RATE_FIELD_NUMBER: _ClassVar[int]
    BREAKER_FIELD_NUMBER: _ClassVar[int]
    BLACKOUTS_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    QUOTAS_FIELD_NUMBER: _ClassVar[int]
    MAX_DEPTH_FIELD_NUMBER: _ClassVar[int]
    DYNAMIC_CONCURRENCY_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    scope: FlowScope
    pause: PauseState
    max_concurrency: int
    max_concurrency_per_key: int
    rate: RateLimit
    breaker: BreakerSettings
    blackouts: _containers.RepeatedCompositeFieldContainer[Blackout]
    weight: float
    quotas: Quotas
    max_depth: int
    dynamic_concurrency: DynamicConcurrency
    etag: str
    update_time: _timestamp_pb2.Timestamp
    def __init__(self, scope: _Optional[_Union[FlowScope, _Mapping]] = ..., pause: _Optional[_Union[PauseState, _Mapping]] = ..., max_concurrency: _Optional[int] = ..., max_concurrency_per_key: _Optional[int] = ..., rate: _Optional[_Union[RateLimit, _Mapping]] = ..., breaker: _Optional[_Union[BreakerSettings, _Mapping]] = ..., blackouts: _Optional[_Iterable[_Union[Blackout, _Mapping]]] = ..., weight: _Optional[float] = ..., quotas: _Optional[_Union[Quotas, _Mapping]] = ..., max_depth: _Optional[int] = ..., dynamic_concurrency: _Optional[_Union[DynamicConcurrency, _Mapping]] = ..., etag: _Optional[str] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class PauseState(_message.Message):
    __slots__ = ("reason", "expire_time")
    REASON_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    reason: str
    expire_time: _timestamp_pb2.Timestamp
    def __init__(self, reason: _Optional[str] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class RateLimit(_message.Message):
    __slots__ = ("per_second", "burst")
    PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    BURST_FIELD_NUMBER: _ClassVar[int]
    per_second: float
    burst: int
    def __init__(self, per_second: _Optional[float] = ..., burst: _Optional[int] = ...) -> None: ...

class BreakerSettings(_message.Message):
    __slots__ = ("disabled", "consecutive_failures", "min_success_ratio", "open")
    DISABLED_FIELD_NUMBER: _ClassVar[int]
    CONSECUTIVE_FAILURES_FIELD_NUMBER: _ClassVar[int]
    MIN_SUCCESS_RATIO_FIELD_NUMBER: _ClassVar[int]
    OPEN_FIELD_NUMBER: _ClassVar[int]
    disabled: bool
    consecutive_failures: int
    min_success_ratio: float
    open: _duration_pb2.Duration
    def __init__(self, disabled: bool = ..., consecutive_failures: _Optional[int] = ..., min_success_ratio: _Optional[float] = ..., open: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class Blackout(_message.Message):
    __slots__ = ("name", "once", "recurring", "stop_running")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ONCE_FIELD_NUMBER: _ClassVar[int]
    RECURRING_FIELD_NUMBER: _ClassVar[int]
    STOP_RUNNING_FIELD_NUMBER: _ClassVar[int]
    name: str
    once: BlackoutOnce
    recurring: BlackoutRecurring
    stop_running: bool
    def __init__(self, name: _Optional[str] = ..., once: _Optional[_Union[BlackoutOnce, _Mapping]] = ..., recurring: _Optional[_Union[BlackoutRecurring, _Mapping]] = ..., stop_running: bool = ...) -> None: ...

class BlackoutOnce(_message.Message):
    __slots__ = ("start_time", "end_time")
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    def __init__(self, start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class BlackoutRecurring(_message.Message):
    __slots__ = ("cron", "time_zone", "duration")
    CRON_FIELD_NUMBER: _ClassVar[int]
    TIME_ZONE_FIELD_NUMBER: _ClassVar[int]
    DURATION_FIELD_NUMBER: _ClassVar[int]
    cron: str
    time_zone: str
    duration: _duration_pb2.Duration
    def __init__(self, cron: _Optional[str] = ..., time_zone: _Optional[str] = ..., duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class Quotas(_message.Message):
    __slots__ = ("active_jobs", "jobs_per_hour", "jobs_per_day", "payload_bytes_per_day", "artifact_bytes")
    ACTIVE_JOBS_FIELD_NUMBER: _ClassVar[int]
    JOBS_PER_HOUR_FIELD_NUMBER: _ClassVar[int]
    JOBS_PER_DAY_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_BYTES_PER_DAY_FIELD_NUMBER: _ClassVar[int]
    ARTIFACT_BYTES_FIELD_NUMBER: _ClassVar[int]
    active_jobs: int
    jobs_per_hour: int
    jobs_per_day: int
    payload_bytes_per_day: int
    artifact_bytes: int
    def __init__(self, active_jobs: _Optional[int] = ..., jobs_per_hour: _Optional[int] = ..., jobs_per_day: _Optional[int] = ..., payload_bytes_per_day: _Optional[int] = ..., artifact_bytes: _Optional[int] = ...) -> None: ...

class DynamicConcurrency(_message.Message):
    __slots__ = ("min", "max", "max_failure_ratio", "latency")
    MIN_FIELD_NUMBER: _ClassVar[int]
    MAX_FIELD_NUMBER: _ClassVar[int]
    MAX_FAILURE_RATIO_FIELD_NUMBER: _ClassVar[int]
    LATENCY_FIELD_NUMBER: _ClassVar[int]
    min: int
    max: int
    max_failure_ratio: float
    latency: _duration_pb2.Duration
    def __init__(self, min: _Optional[int] = ..., max: _Optional[int] = ..., max_failure_ratio: _Optional[float] = ..., latency: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class GetFlowSettingsRequest(_message.Message):
    __slots__ = ("scope",)
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    scope: FlowScope
    def __init__(self, scope: _Optional[_Union[FlowScope, _Mapping]] = ...) -> None: ...

class GetFlowSettingsResponse(_message.Message):
    __slots__ = ("settings",)
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    settings: FlowSettings
    def __init__(self, settings: _Optional[_Union[FlowSettings, _Mapping]] = ...) -> None: ...

class ListFlowSettingsRequest(_message.Message):
    __slots__ = ("kind", "page_size", "page_token")
    KIND_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    kind: FlowScopeKind
    page_size: int
    page_token: str
    def __init__(self, kind: _Optional[_Union[FlowScopeKind, str]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListFlowSettingsResponse(_message.Message):
    __slots__ = ("settings", "next_page_token")
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    settings: _containers.RepeatedCompositeFieldContainer[FlowSettings]
    next_page_token: str
    def __init__(self, settings: _Optional[_Iterable[_Union[FlowSettings, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class UpdateFlowSettingsRequest(_message.Message):
    __slots__ = ("settings", "reason", "ticket")
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TICKET_FIELD_NUMBER: _ClassVar[int]
    settings: FlowSettings
    reason: str
    ticket: str
    def __init__(self, settings: _Optional[_Union[FlowSettings, _Mapping]] = ..., reason: _Optional[str] = ..., ticket: _Optional[str] = ...) -> None: ...

class UpdateFlowSettingsResponse(_message.Message):
    __slots__ = ("settings",)
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    settings: FlowSettings
    def __init__(self, settings: _Optional[_Union[FlowSettings, _Mapping]] = ...) -> None: ...

class PauseRequest(_message.Message):
    __slots__ = ("scope", "reason", "ticket", "expire_time")
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TICKET_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    scope: FlowScope
    reason: str
    ticket: str
    expire_time: _timestamp_pb2.Timestamp
    def __init__(self, scope: _Optional[_Union[FlowScope, _Mapping]] = ..., reason: _Optional[str] = ..., ticket: _Optional[str] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class PauseResponse(_message.Message):
    __slots__ = ("settings",)
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    settings: FlowSettings
    def __init__(self, settings: _Optional[_Union[FlowSettings, _Mapping]] = ...) -> None: ...

class ResumeRequest(_message.Message):
    __slots__ = ("scope", "reason", "ticket")
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TICKET_FIELD_NUMBER: _ClassVar[int]
    scope: FlowScope
    reason: str
    ticket: str
    def __init__(self, scope: _Optional[_Union[FlowScope, _Mapping]] = ..., reason: _Optional[str] = ..., ticket: _Optional[str] = ...) -> None: ...

class ResumeResponse(_message.Message):
    __slots__ = ("settings",)
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    settings: FlowSettings
    def __init__(self, settings: _Optional[_Union[FlowSettings, _Mapping]] = ...) -> None: ...

class ListFlowChangesRequest(_message.Message):
    __slots__ = ("scope", "page_size", "page_token")
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    scope: FlowScope
    page_size: int
    page_token: str
    def __init__(self, scope: _Optional[_Union[FlowScope, _Mapping]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListFlowChangesResponse(_message.Message):
    __slots__ = ("changes", "next_page_token")
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    changes: _containers.RepeatedCompositeFieldContainer[FlowChange]
    next_page_token: str
    def __init__(self, changes: _Optional[_Iterable[_Union[FlowChange, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class FlowChange(_message.Message):
    __slots__ = ("change_id", "time", "scope", "kind", "actor", "reason", "ticket", "before_json", "after_json")
    CHANGE_ID_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TICKET_FIELD_NUMBER: _ClassVar[int]
    BEFORE_JSON_FIELD_NUMBER: _ClassVar[int]
    AFTER_JSON_FIELD_NUMBER: _ClassVar[int]
    change_id: int
    time: _timestamp_pb2.Timestamp
    scope: FlowScope
    kind: str
    actor: str
    reason: str
    ticket: str
    before_json: str
    after_json: str
    def __init__(self, change_id: _Optional[int] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., scope: _Optional[_Union[FlowScope, _Mapping]] = ..., kind: _Optional[str] = ..., actor: _Optional[str] = ..., reason: _Optional[str] = ..., ticket: _Optional[str] = ..., before_json: _Optional[str] = ..., after_json: _Optional[str] = ...) -> None: ...

class ListFlowStatesRequest(_message.Message):
    __slots__ = ("scope", "page_size", "page_token")
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    scope: FlowScope
    page_size: int
    page_token: str
    def __init__(self, scope: _Optional[_Union[FlowScope, _Mapping]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListFlowStatesResponse(_message.Message):
    __slots__ = ("states", "next_page_token")
    STATES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    states: _containers.RepeatedCompositeFieldContainer[FlowState]
    next_page_token: str
    def __init__(self, states: _Optional[_Iterable[_Union[FlowState, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class FlowState(_message.Message):
    __slots__ = ("scope", "limiter", "breaker", "dynamic_limit")
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    LIMITER_FIELD_NUMBER: _ClassVar[int]
    BREAKER_FIELD_NUMBER: _ClassVar[int]
    DYNAMIC_LIMIT_FIELD_NUMBER: _ClassVar[int]
    scope: FlowScope
    limiter: LimiterState
    breaker: BreakerState
    dynamic_limit: int
    def __init__(self, scope: _Optional[_Union[FlowScope, _Mapping]] = ..., limiter: _Optional[_Union[LimiterState, _Mapping]] = ..., breaker: _Optional[_Union[BreakerState, _Mapping]] = ..., dynamic_limit: _Optional[int] = ...) -> None: ...

class LimiterState(_message.Message):
    __slots__ = ("rate_per_second", "ceiling_per_second", "last_cut_time", "cut_reason", "blocked_until")
    RATE_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    CEILING_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    LAST_CUT_TIME_FIELD_NUMBER: _ClassVar[int]
    CUT_REASON_FIELD_NUMBER: _ClassVar[int]
    BLOCKED_UNTIL_FIELD_NUMBER: _ClassVar[int]
    rate_per_second: float
    ceiling_per_second: float
    last_cut_time: _timestamp_pb2.Timestamp
    cut_reason: str
    blocked_until: _timestamp_pb2.Timestamp
    def __init__(self, rate_per_second: _Optional[float] = ..., ceiling_per_second: _Optional[float] = ..., last_cut_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., cut_reason: _Optional[str] = ..., blocked_until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class BreakerState(_message.Message):
    __slots__ = ("phase", "open_until", "times_opened", "reason")
    PHASE_FIELD_NUMBER: _ClassVar[int]
    OPEN_UNTIL_FIELD_NUMBER: _ClassVar[int]
    TIMES_OPENED_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    phase: BreakerPhase
    open_until: _timestamp_pb2.Timestamp
    times_opened: int
    reason: str
    def __init__(self, phase: _Optional[_Union[BreakerPhase, str]] = ..., open_until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., times_opened: _Optional[int] = ..., reason: _Optional[str] = ...) -> None: ...
