import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.rpc import status_pb2 as _status_pb2
from stellaops_orchestrator._gen.stellaops.orchestrator.v1 import artifact_pb2 as _artifact_pb2
from stellaops_orchestrator._gen.stellaops.orchestrator.v1 import failure_pb2 as _failure_pb2
from stellaops_orchestrator._gen.stellaops.orchestrator.v1 import flow_control_pb2 as _flow_control_pb2
from stellaops_orchestrator._gen.stellaops.orchestrator.v1 import lease_policy_pb2 as _lease_policy_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class JobState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    JOB_STATE_UNSPECIFIED: _ClassVar[JobState]
    JOB_STATE_BLOCKED: _ClassVar[JobState]
    JOB_STATE_SCHEDULED: _ClassVar[JobState]
    JOB_STATE_READY: _ClassVar[JobState]
    JOB_STATE_OFFERED: _ClassVar[JobState]
    JOB_STATE_RUNNING: _ClassVar[JobState]
    JOB_STATE_SUCCEEDED: _ClassVar[JobState]
    JOB_STATE_FAILED: _ClassVar[JobState]
    JOB_STATE_DEAD: _ClassVar[JobState]
    JOB_STATE_CANCELLED: _ClassVar[JobState]

class AttemptOutcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ATTEMPT_OUTCOME_UNSPECIFIED: _ClassVar[AttemptOutcome]
    ATTEMPT_OUTCOME_SUCCEEDED: _ClassVar[AttemptOutcome]
    ATTEMPT_OUTCOME_FAILED: _ClassVar[AttemptOutcome]
    ATTEMPT_OUTCOME_INTERRUPTED: _ClassVar[AttemptOutcome]
    ATTEMPT_OUTCOME_CANCELLED: _ClassVar[AttemptOutcome]

class EnqueueOutcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ENQUEUE_OUTCOME_UNSPECIFIED: _ClassVar[EnqueueOutcome]
    ENQUEUE_OUTCOME_CREATED: _ClassVar[EnqueueOutcome]
    ENQUEUE_OUTCOME_DUPLICATE: _ClassVar[EnqueueOutcome]
    ENQUEUE_OUTCOME_REJECTED: _ClassVar[EnqueueOutcome]

class CancelOutcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CANCEL_OUTCOME_UNSPECIFIED: _ClassVar[CancelOutcome]
    CANCEL_OUTCOME_CANCELLED: _ClassVar[CancelOutcome]
    CANCEL_OUTCOME_REQUESTED: _ClassVar[CancelOutcome]
    CANCEL_OUTCOME_ALREADY_FINISHED: _ClassVar[CancelOutcome]
    CANCEL_OUTCOME_NOT_FOUND: _ClassVar[CancelOutcome]

class RetryOutcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RETRY_OUTCOME_UNSPECIFIED: _ClassVar[RetryOutcome]
    RETRY_OUTCOME_READY: _ClassVar[RetryOutcome]
    RETRY_OUTCOME_ALREADY_ACTIVE: _ClassVar[RetryOutcome]
    RETRY_OUTCOME_NOT_RETRYABLE: _ClassVar[RetryOutcome]
    RETRY_OUTCOME_NOT_FOUND: _ClassVar[RetryOutcome]

class StuckCause(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STUCK_CAUSE_UNSPECIFIED: _ClassVar[StuckCause]
    STUCK_CAUSE_NO_WORKER: _ClassVar[StuckCause]
    STUCK_CAUSE_DEPENDENCY: _ClassVar[StuckCause]
    STUCK_CAUSE_LIMIT: _ClassVar[StuckCause]
JOB_STATE_UNSPECIFIED: JobState
JOB_STATE_BLOCKED: JobState
JOB_STATE_SCHEDULED: JobState
JOB_STATE_READY: JobState
JOB_STATE_OFFERED: JobState
JOB_STATE_RUNNING: JobState
JOB_STATE_SUCCEEDED: JobState
JOB_STATE_FAILED: JobState
JOB_STATE_DEAD: JobState
JOB_STATE_CANCELLED: JobState
ATTEMPT_OUTCOME_UNSPECIFIED: AttemptOutcome
ATTEMPT_OUTCOME_SUCCEEDED: AttemptOutcome
ATTEMPT_OUTCOME_FAILED: AttemptOutcome
ATTEMPT_OUTCOME_INTERRUPTED: AttemptOutcome
ATTEMPT_OUTCOME_CANCELLED: AttemptOutcome
ENQUEUE_OUTCOME_UNSPECIFIED: EnqueueOutcome
ENQUEUE_OUTCOME_CREATED: EnqueueOutcome
ENQUEUE_OUTCOME_DUPLICATE: EnqueueOutcome
ENQUEUE_OUTCOME_REJECTED: EnqueueOutcome
CANCEL_OUTCOME_UNSPECIFIED: CancelOutcome
CANCEL_OUTCOME_CANCELLED: CancelOutcome
CANCEL_OUTCOME_REQUESTED: CancelOutcome
CANCEL_OUTCOME_ALREADY_FINISHED: CancelOutcome
CANCEL_OUTCOME_NOT_FOUND: CancelOutcome
RETRY_OUTCOME_UNSPECIFIED: RetryOutcome
RETRY_OUTCOME_READY: RetryOutcome
RETRY_OUTCOME_ALREADY_ACTIVE: RetryOutcome
RETRY_OUTCOME_NOT_RETRYABLE: RetryOutcome
RETRY_OUTCOME_NOT_FOUND: RetryOutcome
STUCK_CAUSE_UNSPECIFIED: StuckCause
STUCK_CAUSE_NO_WORKER: StuckCause
STUCK_CAUSE_DEPENDENCY: StuckCause
STUCK_CAUSE_LIMIT: StuckCause

class JobSpec(_message.Message):
    __slots__ = ("job_id", "job_type", "queue", "project", "source", "priority", "payload", "payload_media_type", "payload_artifact", "idempotency_key", "labels", "not_before", "retry", "attempt_deadline", "correlation_id", "traceparent", "tracestate", "concurrency_key", "window")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    JOB_TYPE_FIELD_NUMBER: _ClassVar[int]
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_ARTIFACT_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    NOT_BEFORE_FIELD_NUMBER: _ClassVar[int]
    RETRY_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_DEADLINE_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    TRACESTATE_FIELD_NUMBER: _ClassVar[int]
    CONCURRENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    job_type: str
    queue: str
    project: str
    source: str
    priority: int
    payload: bytes
    payload_media_type: str
    payload_artifact: str
    idempotency_key: str
    labels: _containers.ScalarMap[str, str]
    not_before: _timestamp_pb2.Timestamp
    retry: _lease_policy_pb2.RetryPolicy
    attempt_deadline: _duration_pb2.Duration
    correlation_id: str
    traceparent: str
    tracestate: str
    concurrency_key: str
    window: EventWindow
    def __init__(self, job_id: _Optional[str] = ..., job_type: _Optional[str] = ..., queue: _Optional[str] = ..., project: _Optional[str] = ..., source: _Optional[str] = ..., priority: _Optional[int] = ..., payload: _Optional[bytes] = ..., payload_media_type: _Optional[str] = ..., payload_artifact: _Optional[str] = ..., idempotency_key: _Optional[str] = ..., labels: _Optional[_Mapping[str, str]] = ..., not_before: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., retry: _Optional[_Union[_lease_policy_pb2.RetryPolicy, _Mapping]] = ..., attempt_deadline: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., correlation_id: _Optional[str] = ..., traceparent: _Optional[str] = ..., tracestate: _Optional[str] = ..., concurrency_key: _Optional[str] = ..., window: _Optional[_Union[EventWindow, _Mapping]] = ...) -> None: ...

class EventWindow(_message.Message):
    __slots__ = ("scope", "start_time", "end_time")
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    scope: str
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    def __init__(self, scope: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Job(_message.Message):
    __slots__ = ("job_id", "tenant", "spec", "state", "attempt", "failures", "interruptions", "create_time", "start_time", "finish_time", "scheduled_time", "last_failure", "result", "progress", "run_id", "name", "worker_id", "artifacts", "skipped")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    TENANT_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    FAILURES_FIELD_NUMBER: _ClassVar[int]
    INTERRUPTIONS_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    FINISH_TIME_FIELD_NUMBER: _ClassVar[int]
    SCHEDULED_TIME_FIELD_NUMBER: _ClassVar[int]
    LAST_FAILURE_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    ARTIFACTS_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    tenant: str
    spec: JobSpec
    state: JobState
    attempt: int
    failures: int
    interruptions: int
    create_time: _timestamp_pb2.Timestamp
    start_time: _timestamp_pb2.Timestamp
    finish_time: _timestamp_pb2.Timestamp
    scheduled_time: _timestamp_pb2.Timestamp
    last_failure: _failure_pb2.Failure
    result: bytes
    progress: Progress
    run_id: str
    name: str
    worker_id: str
    artifacts: _containers.RepeatedCompositeFieldContainer[_artifact_pb2.ArtifactBinding]
    skipped: bool
    def __init__(self, job_id: _Optional[str] = ..., tenant: _Optional[str] = ..., spec: _Optional[_Union[JobSpec, _Mapping]] = ..., state: _Optional[_Union[JobState, str]] = ..., attempt: _Optional[int] = ..., failures: _Optional[int] = ..., interruptions: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., finish_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., scheduled_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_failure: _Optional[_Union[_failure_pb2.Failure, _Mapping]] = ..., result: _Optional[bytes] = ..., progress: _Optional[_Union[Progress, _Mapping]] = ..., run_id: _Optional[str] = ..., name: _Optional[str] = ..., worker_id: _Optional[str] = ..., artifacts: _Optional[_Iterable[_Union[_artifact_pb2.ArtifactBinding, _Mapping]]] = ..., skipped: bool = ...) -> None: ...

class Progress(_message.Message):
    __slots__ = ("fraction", "message", "checkpoint")
    FRACTION_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    fraction: float
    message: str
    checkpoint: bytes
    def __init__(self, fraction: _Optional[float] = ..., message: _Optional[str] = ..., checkpoint: _Optional[bytes] = ...) -> None: ...

class Attempt(_message.Message):
    __slots__ = ("attempt", "lease_epoch", "worker_id", "start_time", "finish_time", "outcome", "failure")
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    LEASE_EPOCH_FIELD_NUMBER: _ClassVar[int]
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    FINISH_TIME_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    attempt: int
    lease_epoch: int
    worker_id: str
    start_time: _timestamp_pb2.Timestamp
    finish_time: _timestamp_pb2.Timestamp
    outcome: AttemptOutcome
    failure: _failure_pb2.Failure
    def __init__(self, attempt: _Optional[int] = ..., lease_epoch: _Optional[int] = ..., worker_id: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., finish_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., outcome: _Optional[_Union[AttemptOutcome, str]] = ..., failure: _Optional[_Union[_failure_pb2.Failure, _Mapping]] = ...) -> None: ...

class EnqueueJobsRequest(_message.Message):
    __slots__ = ("jobs",)
    JOBS_FIELD_NUMBER: _ClassVar[int]
    jobs: _containers.RepeatedCompositeFieldContainer[JobSpec]
    def __init__(self, jobs: _Optional[_Iterable[_Union[JobSpec, _Mapping]]] = ...) -> None: ...

class EnqueueResult(_message.Message):
    __slots__ = ("outcome", "job_id", "error")
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    outcome: EnqueueOutcome
    job_id: str
    error: _status_pb2.Status
    def __init__(self, outcome: _Optional[_Union[EnqueueOutcome, str]] = ..., job_id: _Optional[str] = ..., error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...

class EnqueueJobsResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[EnqueueResult]
    def __init__(self, results: _Optional[_Iterable[_Union[EnqueueResult, _Mapping]]] = ...) -> None: ...

class GetJobRequest(_message.Message):
    __slots__ = ("job_id",)
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    def __init__(self, job_id: _Optional[str] = ...) -> None: ...

class GetJobResponse(_message.Message):
    __slots__ = ("job", "attempts")
    JOB_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    job: Job
    attempts: _containers.RepeatedCompositeFieldContainer[Attempt]
    def __init__(self, job: _Optional[_Union[Job, _Mapping]] = ..., attempts: _Optional[_Iterable[_Union[Attempt, _Mapping]]] = ...) -> None: ...

class JobFilter(_message.Message):
    __slots__ = ("states", "job_types", "queue", "project", "source", "run_id", "labels", "created_from", "created_before", "worker_id")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    STATES_FIELD_NUMBER: _ClassVar[int]
    JOB_TYPES_FIELD_NUMBER: _ClassVar[int]
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    CREATED_FROM_FIELD_NUMBER: _ClassVar[int]
    CREATED_BEFORE_FIELD_NUMBER: _ClassVar[int]
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    states: _containers.RepeatedScalarFieldContainer[JobState]
    job_types: _containers.RepeatedScalarFieldContainer[str]
    queue: str
    project: str
    source: str
    run_id: str
    labels: _containers.ScalarMap[str, str]
    created_from: _timestamp_pb2.Timestamp
    created_before: _timestamp_pb2.Timestamp
    worker_id: str
    def __init__(self, states: _Optional[_Iterable[_Union[JobState, str]]] = ..., job_types: _Optional[_Iterable[str]] = ..., queue: _Optional[str] = ..., project: _Optional[str] = ..., source: _Optional[str] = ..., run_id: _Optional[str] = ..., labels: _Optional[_Mapping[str, str]] = ..., created_from: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., created_before: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., worker_id: _Optional[str] = ...) -> None: ...

class ListJobsRequest(_message.Message):
    __slots__ = ("filter", "page_size", "page_token")
    FILTER_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    filter: JobFilter
    page_size: int
    page_token: str
    def __init__(self, filter: _Optional[_Union[JobFilter, _Mapping]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListJobsResponse(_message.Message):
    __slots__ = ("jobs", "next_page_token")
    JOBS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    jobs: _containers.RepeatedCompositeFieldContainer[Job]
    next_page_token: str
    def __init__(self, jobs: _Optional[_Iterable[_Union[Job, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListJobEventsRequest(_message.Message):
    __slots__ = ("job_id", "page_size", "page_token")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    page_size: int
    page_token: str
    def __init__(self, job_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListJobEventsResponse(_message.Message):
    __slots__ = ("events", "next_page_token")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[JobEvent]
    next_page_token: str
    def __init__(self, events: _Optional[_Iterable[_Union[JobEvent, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class JobEvent(_message.Message):
    __slots__ = ("event_id", "time", "kind", "from_state", "to_state", "tenant", "project", "job_id", "job_type", "correlation_id", "worker_id", "attempt", "lease_epoch", "actor", "reason")
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    FROM_STATE_FIELD_NUMBER: _ClassVar[int]
    TO_STATE_FIELD_NUMBER: _ClassVar[int]
    TENANT_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    JOB_TYPE_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    LEASE_EPOCH_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    event_id: int
    time: _timestamp_pb2.Timestamp
    kind: str
    from_state: JobState
    to_state: JobState
    tenant: str
    project: str
    job_id: str
    job_type: str
    correlation_id: str
    worker_id: str
    attempt: int
    lease_epoch: int
    actor: str
    reason: str
    def __init__(self, event_id: _Optional[int] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., kind: _Optional[str] = ..., from_state: _Optional[_Union[JobState, str]] = ..., to_state: _Optional[_Union[JobState, str]] = ..., tenant: _Optional[str] = ..., project: _Optional[str] = ..., job_id: _Optional[str] = ..., job_type: _Optional[str] = ..., correlation_id: _Optional[str] = ..., worker_id: _Optional[str] = ..., attempt: _Optional[int] = ..., lease_epoch: _Optional[int] = ..., actor: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class WatchJobsRequest(_message.Message):
    __slots__ = ("jobs", "run_id")
    JOBS_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    jobs: JobIds
    run_id: str
    def __init__(self, jobs: _Optional[_Union[JobIds, _Mapping]] = ..., run_id: _Optional[str] = ...) -> None: ...

class JobIds(_message.Message):
    __slots__ = ("job_ids",)
    JOB_IDS_FIELD_NUMBER: _ClassVar[int]
    job_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, job_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class WatchJobsResponse(_message.Message):
    __slots__ = ("jobs",)
    JOBS_FIELD_NUMBER: _ClassVar[int]
    jobs: _containers.RepeatedCompositeFieldContainer[Job]
    def __init__(self, jobs: _Optional[_Iterable[_Union[Job, _Mapping]]] = ...) -> None: ...

class CancelJobsRequest(_message.Message):
    __slots__ = ("job_ids", "reason", "grace", "ticket")
    JOB_IDS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    GRACE_FIELD_NUMBER: _ClassVar[int]
    TICKET_FIELD_NUMBER: _ClassVar[int]
    job_ids: _containers.RepeatedScalarFieldContainer[str]
    reason: str
    grace: _duration_pb2.Duration
    ticket: str
    def __init__(self, job_ids: _Optional[_Iterable[str]] = ..., reason: _Optional[str] = ..., grace: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., ticket: _Optional[str] = ...) -> None: ...

class CancelResult(_message.Message):
    __slots__ = ("job_id", "outcome", "state")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    outcome: CancelOutcome
    state: JobState
    def __init__(self, job_id: _Optional[str] = ..., outcome: _Optional[_Union[CancelOutcome, str]] = ..., state: _Optional[_Union[JobState, str]] = ...) -> None: ...

class CancelJobsResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[CancelResult]
    def __init__(self, results: _Optional[_Iterable[_Union[CancelResult, _Mapping]]] = ...) -> None: ...

class RetryJobsRequest(_message.Message):
    __slots__ = ("job_ids", "reason", "ticket")
    JOB_IDS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TICKET_FIELD_NUMBER: _ClassVar[int]
    job_ids: _containers.RepeatedScalarFieldContainer[str]
    reason: str
    ticket: str
    def __init__(self, job_ids: _Optional[_Iterable[str]] = ..., reason: _Optional[str] = ..., ticket: _Optional[str] = ...) -> None: ...

class RetryResult(_message.Message):
    __slots__ = ("job_id", "outcome", "state")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    outcome: RetryOutcome
    state: JobState
    def __init__(self, job_id: _Optional[str] = ..., outcome: _Optional[_Union[RetryOutcome, str]] = ..., state: _Optional[_Union[JobState, str]] = ...) -> None: ...

class RetryJobsResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[RetryResult]
    def __init__(self, results: _Optional[_Iterable[_Union[RetryResult, _Mapping]]] = ...) -> None: ...

class ExplainJobRequest(_message.Message):
    __slots__ = ("job_id",)
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    def __init__(self, job_id: _Optional[str] = ...) -> None: ...

class ExplainJobResponse(_message.Message):
    __slots__ = ("state", "blocked_by", "stuck")
    STATE_FIELD_NUMBER: _ClassVar[int]
    BLOCKED_BY_FIELD_NUMBER: _ClassVar[int]
    STUCK_FIELD_NUMBER: _ClassVar[int]
    state: JobState
    blocked_by: BlockedBy
    stuck: Stuck
    def __init__(self, state: _Optional[_Union[JobState, str]] = ..., blocked_by: _Optional[_Union[BlockedBy, _Mapping]] = ..., stuck: _Optional[_Union[Stuck, _Mapping]] = ...) -> None: ...

class Stuck(_message.Message):
    __slots__ = ("cause", "since", "advice")
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    ADVICE_FIELD_NUMBER: _ClassVar[int]
    cause: StuckCause
    since: _timestamp_pb2.Timestamp
    advice: str
    def __init__(self, cause: _Optional[_Union[StuckCause, str]] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., advice: _Optional[str] = ...) -> None: ...

class BlockedBy(_message.Message):
    __slots__ = ("dependency", "schedule", "workers", "pause", "blackout", "quota", "concurrency", "limiter", "breaker")
    DEPENDENCY_FIELD_NUMBER: _ClassVar[int]
    SCHEDULE_FIELD_NUMBER: _ClassVar[int]
    WORKERS_FIELD_NUMBER: _ClassVar[int]
    PAUSE_FIELD_NUMBER: _ClassVar[int]
    BLACKOUT_FIELD_NUMBER: _ClassVar[int]
    QUOTA_FIELD_NUMBER: _ClassVar[int]
    CONCURRENCY_FIELD_NUMBER: _ClassVar[int]
    LIMITER_FIELD_NUMBER: _ClassVar[int]
    BREAKER_FIELD_NUMBER: _ClassVar[int]
    dependency: BlockedByDependency
    schedule: BlockedBySchedule
    workers: BlockedByWorkers
    pause: BlockedByPause
    blackout: BlockedByBlackout
    quota: BlockedByQuota
    concurrency: BlockedByConcurrency
    limiter: BlockedByLimiter
    breaker: BlockedByBreaker
    def __init__(self, dependency: _Optional[_Union[BlockedByDependency, _Mapping]] = ..., schedule: _Optional[_Union[BlockedBySchedule, _Mapping]] = ..., workers: _Optional[_Union[BlockedByWorkers, _Mapping]] = ..., pause: _Optional[_Union[BlockedByPause, _Mapping]] = ..., blackout: _Optional[_Union[BlockedByBlackout, _Mapping]] = ..., quota: _Optional[_Union[BlockedByQuota, _Mapping]] = ..., concurrency: _Optional[_Union[BlockedByConcurrency, _Mapping]] = ..., limiter: _Optional[_Union[BlockedByLimiter, _Mapping]] = ..., breaker: _Optional[_Union[BlockedByBreaker, _Mapping]] = ...) -> None: ...

class BlockedByPause(_message.Message):
    __slots__ = ("scope", "reason", "expire_time")
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    scope: _flow_control_pb2.FlowScope
    reason: str
    expire_time: _timestamp_pb2.Timestamp
    def __init__(self, scope: _Optional[_Union[_flow_control_pb2.FlowScope, _Mapping]] = ..., reason: _Optional[str] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class BlockedByBlackout(_message.Message):
    __slots__ = ("scope", "name", "end_time")
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    scope: _flow_control_pb2.FlowScope
    name: str
    end_time: _timestamp_pb2.Timestamp
    def __init__(self, scope: _Optional[_Union[_flow_control_pb2.FlowScope, _Mapping]] = ..., name: _Optional[str] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class BlockedByQuota(_message.Message):
    __slots__ = ("quota", "limit", "used", "reset_time")
    QUOTA_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    USED_FIELD_NUMBER: _ClassVar[int]
    RESET_TIME_FIELD_NUMBER: _ClassVar[int]
    quota: str
    limit: int
    used: int
    reset_time: _timestamp_pb2.Timestamp
    def __init__(self, quota: _Optional[str] = ..., limit: _Optional[int] = ..., used: _Optional[int] = ..., reset_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class BlockedByConcurrency(_message.Message):
    __slots__ = ("scope", "limit", "active", "dynamic")
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    DYNAMIC_FIELD_NUMBER: _ClassVar[int]
    scope: _flow_control_pb2.FlowScope
    limit: int
    active: int
    dynamic: bool
    def __init__(self, scope: _Optional[_Union[_flow_control_pb2.FlowScope, _Mapping]] = ..., limit: _Optional[int] = ..., active: _Optional[int] = ..., dynamic: bool = ...) -> None: ...

class BlockedByLimiter(_message.Message):
    __slots__ = ("scope", "rate_per_second", "retry_time")
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    RATE_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    RETRY_TIME_FIELD_NUMBER: _ClassVar[int]
    scope: _flow_control_pb2.FlowScope
    rate_per_second: float
    retry_time: _timestamp_pb2.Timestamp
    def __init__(self, scope: _Optional[_Union[_flow_control_pb2.FlowScope, _Mapping]] = ..., rate_per_second: _Optional[float] = ..., retry_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class BlockedByBreaker(_message.Message):
    __slots__ = ("scope", "phase", "open_until")
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    OPEN_UNTIL_FIELD_NUMBER: _ClassVar[int]
    scope: _flow_control_pb2.FlowScope
    phase: _flow_control_pb2.BreakerPhase
    open_until: _timestamp_pb2.Timestamp
    def __init__(self, scope: _Optional[_Union[_flow_control_pb2.FlowScope, _Mapping]] = ..., phase: _Optional[_Union[_flow_control_pb2.BreakerPhase, str]] = ..., open_until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class BlockedByDependency(_message.Message):
    __slots__ = ("job_ids", "count", "held")
    JOB_IDS_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    HELD_FIELD_NUMBER: _ClassVar[int]
    job_ids: _containers.RepeatedScalarFieldContainer[str]
    count: int
    held: bool
    def __init__(self, job_ids: _Optional[_Iterable[str]] = ..., count: _Optional[int] = ..., held: bool = ...) -> None: ...

class BlockedBySchedule(_message.Message):
    __slots__ = ("ready_time",)
    READY_TIME_FIELD_NUMBER: _ClassVar[int]
    ready_time: _timestamp_pb2.Timestamp
    def __init__(self, ready_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class BlockedByWorkers(_message.Message):
    __slots__ = ("capable_workers",)
    CAPABLE_WORKERS_FIELD_NUMBER: _ClassVar[int]
    capable_workers: int
    def __init__(self, capable_workers: _Optional[int] = ...) -> None: ...

class GetRetentionPolicyRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetRetentionPolicyResponse(_message.Message):
    __slots__ = ("finished_jobs", "dead_letters", "operations")
    FINISHED_JOBS_FIELD_NUMBER: _ClassVar[int]
    DEAD_LETTERS_FIELD_NUMBER: _ClassVar[int]
    OPERATIONS_FIELD_NUMBER: _ClassVar[int]
    finished_jobs: _duration_pb2.Duration
    dead_letters: _duration_pb2.Duration
    operations: _duration_pb2.Duration
    def __init__(self, finished_jobs: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., dead_letters: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., operations: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...
