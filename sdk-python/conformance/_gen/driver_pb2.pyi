from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class OnCancel(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ON_CANCEL_UNSPECIFIED: _ClassVar[OnCancel]
    ON_CANCEL_IGNORE: _ClassVar[OnCancel]
    ON_CANCEL_NEXT: _ClassVar[OnCancel]

class FailKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FAIL_KIND_PLAIN: _ClassVar[FailKind]
    FAIL_KIND_TERMINAL: _ClassVar[FailKind]
    FAIL_KIND_RETRYABLE: _ClassVar[FailKind]
    FAIL_KIND_THROTTLED: _ClassVar[FailKind]

class How(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    HOW_UNSPECIFIED: _ClassVar[How]
    HOW_RETURNED: _ClassVar[How]
    HOW_FAILED: _ClassVar[How]
    HOW_PANICKED: _ClassVar[How]
    HOW_CANCELLED: _ClassVar[How]
ON_CANCEL_UNSPECIFIED: OnCancel
ON_CANCEL_IGNORE: OnCancel
ON_CANCEL_NEXT: OnCancel
FAIL_KIND_PLAIN: FailKind
FAIL_KIND_TERMINAL: FailKind
FAIL_KIND_RETRYABLE: FailKind
FAIL_KIND_THROTTLED: FailKind
HOW_UNSPECIFIED: How
HOW_RETURNED: How
HOW_FAILED: How
HOW_PANICKED: How
HOW_CANCELLED: How

class Command(_message.Message):
    __slots__ = ("id", "configure", "start_worker", "stop_worker", "proceed", "get_lease_defaults", "enqueue", "enqueue_many", "create_run", "get_run", "get_job", "list_jobs", "watch_jobs", "wait_for_job", "cancel_jobs", "retry_jobs", "explain_job", "list_job_events", "check_lease", "upload_artifact", "download_artifact", "append_jobs", "close_run", "cancel_run", "replay_run", "put_pipeline", "get_pipeline", "run_pipeline", "put_window_series", "get_watermark", "list_gaps", "preview_backfill", "create_backfill", "get_backfill", "steer_backfill", "list_runs", "list_pipelines", "list_backfills")
    ID_FIELD_NUMBER: _ClassVar[int]
    CONFIGURE_FIELD_NUMBER: _ClassVar[int]
    START_WORKER_FIELD_NUMBER: _ClassVar[int]
    STOP_WORKER_FIELD_NUMBER: _ClassVar[int]
    PROCEED_FIELD_NUMBER: _ClassVar[int]
    GET_LEASE_DEFAULTS_FIELD_NUMBER: _ClassVar[int]
    ENQUEUE_FIELD_NUMBER: _ClassVar[int]
    ENQUEUE_MANY_FIELD_NUMBER: _ClassVar[int]
    CREATE_RUN_FIELD_NUMBER: _ClassVar[int]
    GET_RUN_FIELD_NUMBER: _ClassVar[int]
    GET_JOB_FIELD_NUMBER: _ClassVar[int]
    LIST_JOBS_FIELD_NUMBER: _ClassVar[int]
    WATCH_JOBS_FIELD_NUMBER: _ClassVar[int]
    WAIT_FOR_JOB_FIELD_NUMBER: _ClassVar[int]
    CANCEL_JOBS_FIELD_NUMBER: _ClassVar[int]
    RETRY_JOBS_FIELD_NUMBER: _ClassVar[int]
    EXPLAIN_JOB_FIELD_NUMBER: _ClassVar[int]
    LIST_JOB_EVENTS_FIELD_NUMBER: _ClassVar[int]
    CHECK_LEASE_FIELD_NUMBER: _ClassVar[int]
    UPLOAD_ARTIFACT_FIELD_NUMBER: _ClassVar[int]
    DOWNLOAD_ARTIFACT_FIELD_NUMBER: _ClassVar[int]
    APPEND_JOBS_FIELD_NUMBER: _ClassVar[int]
    CLOSE_RUN_FIELD_NUMBER: _ClassVar[int]
    CANCEL_RUN_FIELD_NUMBER: _ClassVar[int]
    REPLAY_RUN_FIELD_NUMBER: _ClassVar[int]
    PUT_PIPELINE_FIELD_NUMBER: _ClassVar[int]
    GET_PIPELINE_FIELD_NUMBER: _ClassVar[int]
    RUN_PIPELINE_FIELD_NUMBER: _ClassVar[int]
    PUT_WINDOW_SERIES_FIELD_NUMBER: _ClassVar[int]
    GET_WATERMARK_FIELD_NUMBER: _ClassVar[int]
    LIST_GAPS_FIELD_NUMBER: _ClassVar[int]
    PREVIEW_BACKFILL_FIELD_NUMBER: _ClassVar[int]
    CREATE_BACKFILL_FIELD_NUMBER: _ClassVar[int]
    GET_BACKFILL_FIELD_NUMBER: _ClassVar[int]
    STEER_BACKFILL_FIELD_NUMBER: _ClassVar[int]
    LIST_RUNS_FIELD_NUMBER: _ClassVar[int]
    LIST_PIPELINES_FIELD_NUMBER: _ClassVar[int]
    LIST_BACKFILLS_FIELD_NUMBER: _ClassVar[int]
    id: int
    configure: Configure
    start_worker: StartWorker
    stop_worker: StopWorker
    proceed: Proceed
    get_lease_defaults: GetLeaseDefaults
    enqueue: Enqueue
    enqueue_many: EnqueueMany
    create_run: CreateRun
    get_run: GetRun
    get_job: GetJob
    list_jobs: ListJobs
    watch_jobs: WatchJobs
    wait_for_job: WaitForJob
    cancel_jobs: CancelJobs
    retry_jobs: RetryJobs
    explain_job: ExplainJob
    list_job_events: ListJobEvents
    check_lease: CheckLease
    upload_artifact: UploadArtifact
    download_artifact: DownloadArtifact
    append_jobs: AppendJobs
    close_run: CloseRun
    cancel_run: CancelRun
    replay_run: ReplayRun
    put_pipeline: PutPipeline
    get_pipeline: GetPipeline
    run_pipeline: RunPipeline
    put_window_series: PutWindowSeries
    get_watermark: GetWatermark
    list_gaps: ListGaps
    preview_backfill: PreviewBackfill
    create_backfill: CreateBackfill
    get_backfill: GetBackfill
    steer_backfill: SteerBackfill
    list_runs: ListRuns
    list_pipelines: ListPipelines
    list_backfills: ListBackfills
    def __init__(self, id: _Optional[int] = ..., configure: _Optional[_Union[Configure, _Mapping]] = ..., start_worker: _Optional[_Union[StartWorker, _Mapping]] = ..., stop_worker: _Optional[_Union[StopWorker, _Mapping]] = ..., proceed: _Optional[_Union[Proceed, _Mapping]] = ..., get_lease_defaults: _Optional[_Union[GetLeaseDefaults, _Mapping]] = ..., enqueue: _Optional[_Union[Enqueue, _Mapping]] = ..., enqueue_many: _Optional[_Union[EnqueueMany, _Mapping]] = ..., create_run: _Optional[_Union[CreateRun, _Mapping]] = ..., get_run: _Optional[_Union[GetRun, _Mapping]] = ..., get_job: _Optional[_Union[GetJob, _Mapping]] = ..., list_jobs: _Optional[_Union[ListJobs, _Mapping]] = ..., watch_jobs: _Optional[_Union[WatchJobs, _Mapping]] = ..., wait_for_job: _Optional[_Union[WaitForJob, _Mapping]] = ..., cancel_jobs: _Optional[_Union[CancelJobs, _Mapping]] = ..., retry_jobs: _Optional[_Union[RetryJobs, _Mapping]] = ..., explain_job: _Optional[_Union[ExplainJob, _Mapping]] = ..., list_job_events: _Optional[_Union[ListJobEvents, _Mapping]] = ..., check_lease: _Optional[_Union[CheckLease, _Mapping]] = ..., upload_artifact: _Optional[_Union[UploadArtifact, _Mapping]] = ..., download_artifact: _Optional[_Union[DownloadArtifact, _Mapping]] = ..., append_jobs: _Optional[_Union[AppendJobs, _Mapping]] = ..., close_run: _Optional[_Union[CloseRun, _Mapping]] = ..., cancel_run: _Optional[_Union[CancelRun, _Mapping]] = ..., replay_run: _Optional[_Union[ReplayRun, _Mapping]] = ..., put_pipeline: _Optional[_Union[PutPipeline, _Mapping]] = ..., get_pipeline: _Optional[_Union[GetPipeline, _Mapping]] = ..., run_pipeline: _Optional[_Union[RunPipeline, _Mapping]] = ..., put_window_series: _Optional[_Union[PutWindowSeries, _Mapping]] = ..., get_watermark: _Optional[_Union[GetWatermark, _Mapping]] = ..., list_gaps: _Optional[_Union[ListGaps, _Mapping]] = ..., preview_backfill: _Optional[_Union[PreviewBackfill, _Mapping]] = ..., create_backfill: _Optional[_Union[CreateBackfill, _Mapping]] = ..., get_backfill: _Optional[_Union[GetBackfill, _Mapping]] = ..., steer_backfill: _Optional[_Union[SteerBackfill, _Mapping]] = ..., list_runs: _Optional[_Union[ListRuns, _Mapping]] = ..., list_pipelines: _Optional[_Union[ListPipelines, _Mapping]] = ..., list_backfills: _Optional[_Union[ListBackfills, _Mapping]] = ...) -> None: ...

class Event(_message.Message):
    __slots__ = ("ready", "call_result", "watch_update", "handler_started", "handler_cancelled", "handler_step", "handler_ended", "worker_stopped")
    READY_FIELD_NUMBER: _ClassVar[int]
    CALL_RESULT_FIELD_NUMBER: _ClassVar[int]
    WATCH_UPDATE_FIELD_NUMBER: _ClassVar[int]
    HANDLER_STARTED_FIELD_NUMBER: _ClassVar[int]
    HANDLER_CANCELLED_FIELD_NUMBER: _ClassVar[int]
    HANDLER_STEP_FIELD_NUMBER: _ClassVar[int]
    HANDLER_ENDED_FIELD_NUMBER: _ClassVar[int]
    WORKER_STOPPED_FIELD_NUMBER: _ClassVar[int]
    ready: Ready
    call_result: CallResult
    watch_update: WatchUpdate
    handler_started: HandlerStarted
    handler_cancelled: HandlerCancelled
    handler_step: HandlerStep
    handler_ended: HandlerEnded
    worker_stopped: WorkerStopped
    def __init__(self, ready: _Optional[_Union[Ready, _Mapping]] = ..., call_result: _Optional[_Union[CallResult, _Mapping]] = ..., watch_update: _Optional[_Union[WatchUpdate, _Mapping]] = ..., handler_started: _Optional[_Union[HandlerStarted, _Mapping]] = ..., handler_cancelled: _Optional[_Union[HandlerCancelled, _Mapping]] = ..., handler_step: _Optional[_Union[HandlerStep, _Mapping]] = ..., handler_ended: _Optional[_Union[HandlerEnded, _Mapping]] = ..., worker_stopped: _Optional[_Union[WorkerStopped, _Mapping]] = ...) -> None: ...

class Configure(_message.Message):
    __slots__ = ("server_url", "tenant", "call_timeout_ms")
    SERVER_URL_FIELD_NUMBER: _ClassVar[int]
    TENANT_FIELD_NUMBER: _ClassVar[int]
    CALL_TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    server_url: str
    tenant: str
    call_timeout_ms: int
    def __init__(self, server_url: _Optional[str] = ..., tenant: _Optional[str] = ..., call_timeout_ms: _Optional[int] = ...) -> None: ...

class StartWorker(_message.Message):
    __slots__ = ("worker_id", "slots", "queues", "handlers", "drain_grace_ms", "handle_signals", "labels", "lease_at_once", "host")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    SLOTS_FIELD_NUMBER: _ClassVar[int]
    QUEUES_FIELD_NUMBER: _ClassVar[int]
    HANDLERS_FIELD_NUMBER: _ClassVar[int]
    DRAIN_GRACE_MS_FIELD_NUMBER: _ClassVar[int]
    HANDLE_SIGNALS_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    LEASE_AT_ONCE_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    worker_id: str
    slots: int
    queues: _containers.RepeatedScalarFieldContainer[str]
    handlers: _containers.RepeatedCompositeFieldContainer[Handler]
    drain_grace_ms: int
    handle_signals: bool
    labels: _containers.ScalarMap[str, str]
    lease_at_once: bool
    host: str
    def __init__(self, worker_id: _Optional[str] = ..., slots: _Optional[int] = ..., queues: _Optional[_Iterable[str]] = ..., handlers: _Optional[_Iterable[_Union[Handler, _Mapping]]] = ..., drain_grace_ms: _Optional[int] = ..., handle_signals: bool = ..., labels: _Optional[_Mapping[str, str]] = ..., lease_at_once: bool = ..., host: _Optional[str] = ...) -> None: ...

class Handler(_message.Message):
    __slots__ = ("job_type", "attempts")
    JOB_TYPE_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    job_type: str
    attempts: _containers.RepeatedCompositeFieldContainer[Script]
    def __init__(self, job_type: _Optional[str] = ..., attempts: _Optional[_Iterable[_Union[Script, _Mapping]]] = ...) -> None: ...

class Script(_message.Message):
    __slots__ = ("steps",)
    STEPS_FIELD_NUMBER: _ClassVar[int]
    steps: _containers.RepeatedCompositeFieldContainer[Step]
    def __init__(self, steps: _Optional[_Iterable[_Union[Step, _Mapping]]] = ...) -> None: ...

class Step(_message.Message):
    __slots__ = ("hold", "progress", "artifact", "enqueue", "throttle", "load_payload", "return_result", "fail", "panic", "fan_out")
    HOLD_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    ARTIFACT_FIELD_NUMBER: _ClassVar[int]
    ENQUEUE_FIELD_NUMBER: _ClassVar[int]
    THROTTLE_FIELD_NUMBER: _ClassVar[int]
    LOAD_PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    RETURN_RESULT_FIELD_NUMBER: _ClassVar[int]
    FAIL_FIELD_NUMBER: _ClassVar[int]
    PANIC_FIELD_NUMBER: _ClassVar[int]
    FAN_OUT_FIELD_NUMBER: _ClassVar[int]
    hold: Hold
    progress: ReportProgress
    artifact: JobArtifact
    enqueue: JobRequest
    throttle: Throttle
    load_payload: LoadPayload
    return_result: ReturnResult
    fail: Fail
    panic: Panic
    fan_out: FanOut
    def __init__(self, hold: _Optional[_Union[Hold, _Mapping]] = ..., progress: _Optional[_Union[ReportProgress, _Mapping]] = ..., artifact: _Optional[_Union[JobArtifact, _Mapping]] = ..., enqueue: _Optional[_Union[JobRequest, _Mapping]] = ..., throttle: _Optional[_Union[Throttle, _Mapping]] = ..., load_payload: _Optional[_Union[LoadPayload, _Mapping]] = ..., return_result: _Optional[_Union[ReturnResult, _Mapping]] = ..., fail: _Optional[_Union[Fail, _Mapping]] = ..., panic: _Optional[_Union[Panic, _Mapping]] = ..., fan_out: _Optional[_Union[FanOut, _Mapping]] = ...) -> None: ...

class Hold(_message.Message):
    __slots__ = ("for_ms", "on_cancel")
    FOR_MS_FIELD_NUMBER: _ClassVar[int]
    ON_CANCEL_FIELD_NUMBER: _ClassVar[int]
    for_ms: int
    on_cancel: OnCancel
    def __init__(self, for_ms: _Optional[int] = ..., on_cancel: _Optional[_Union[OnCancel, str]] = ...) -> None: ...

class ReportProgress(_message.Message):
    __slots__ = ("fraction", "message", "checkpoint", "times", "pause_ms")
    FRACTION_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    TIMES_FIELD_NUMBER: _ClassVar[int]
    PAUSE_MS_FIELD_NUMBER: _ClassVar[int]
    fraction: float
    message: str
    checkpoint: bytes
    times: int
    pause_ms: int
    def __init__(self, fraction: _Optional[float] = ..., message: _Optional[str] = ..., checkpoint: _Optional[bytes] = ..., times: _Optional[int] = ..., pause_ms: _Optional[int] = ...) -> None: ...

class JobArtifact(_message.Message):
    __slots__ = ("name", "path", "media_type")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    name: str
    path: str
    media_type: str
    def __init__(self, name: _Optional[str] = ..., path: _Optional[str] = ..., media_type: _Optional[str] = ...) -> None: ...

class Throttle(_message.Message):
    __slots__ = ("resource_key", "retry_after_ms")
    RESOURCE_KEY_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_MS_FIELD_NUMBER: _ClassVar[int]
    resource_key: str
    retry_after_ms: int
    def __init__(self, resource_key: _Optional[str] = ..., retry_after_ms: _Optional[int] = ...) -> None: ...

class LoadPayload(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class FanOut(_message.Message):
    __slots__ = ("jobs",)
    JOBS_FIELD_NUMBER: _ClassVar[int]
    jobs: _containers.RepeatedCompositeFieldContainer[RunJob]
    def __init__(self, jobs: _Optional[_Iterable[_Union[RunJob, _Mapping]]] = ...) -> None: ...

class ReturnResult(_message.Message):
    __slots__ = ("result",)
    RESULT_FIELD_NUMBER: _ClassVar[int]
    result: bytes
    def __init__(self, result: _Optional[bytes] = ...) -> None: ...

class Fail(_message.Message):
    __slots__ = ("kind", "message", "failure_class", "retry_after_ms", "resource_key")
    KIND_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    FAILURE_CLASS_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_MS_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_KEY_FIELD_NUMBER: _ClassVar[int]
    kind: FailKind
    message: str
    failure_class: str
    retry_after_ms: int
    resource_key: str
    def __init__(self, kind: _Optional[_Union[FailKind, str]] = ..., message: _Optional[str] = ..., failure_class: _Optional[str] = ..., retry_after_ms: _Optional[int] = ..., resource_key: _Optional[str] = ...) -> None: ...

class Panic(_message.Message):
    __slots__ = ("message",)
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    message: str
    def __init__(self, message: _Optional[str] = ...) -> None: ...

class StopWorker(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Proceed(_message.Message):
    __slots__ = ("job_id", "attempt")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    attempt: int
    def __init__(self, job_id: _Optional[str] = ..., attempt: _Optional[int] = ...) -> None: ...

class GetLeaseDefaults(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class JobRequest(_message.Message):
    __slots__ = ("job_type", "payload", "payload_media_type", "payload_artifact", "queue", "project", "source", "priority", "idempotency_key", "labels", "delay_ms", "attempt_deadline_ms", "retry", "correlation_id", "traceparent", "tracestate", "concurrency_key", "window")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    JOB_TYPE_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_ARTIFACT_FIELD_NUMBER: _ClassVar[int]
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    DELAY_MS_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_DEADLINE_MS_FIELD_NUMBER: _ClassVar[int]
    RETRY_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    TRACESTATE_FIELD_NUMBER: _ClassVar[int]
    CONCURRENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    job_type: str
    payload: bytes
    payload_media_type: str
    payload_artifact: str
    queue: str
    project: str
    source: str
    priority: int
    idempotency_key: str
    labels: _containers.ScalarMap[str, str]
    delay_ms: int
    attempt_deadline_ms: int
    retry: Retry
    correlation_id: str
    traceparent: str
    tracestate: str
    concurrency_key: str
    window: Window
    def __init__(self, job_type: _Optional[str] = ..., payload: _Optional[bytes] = ..., payload_media_type: _Optional[str] = ..., payload_artifact: _Optional[str] = ..., queue: _Optional[str] = ..., project: _Optional[str] = ..., source: _Optional[str] = ..., priority: _Optional[int] = ..., idempotency_key: _Optional[str] = ..., labels: _Optional[_Mapping[str, str]] = ..., delay_ms: _Optional[int] = ..., attempt_deadline_ms: _Optional[int] = ..., retry: _Optional[_Union[Retry, _Mapping]] = ..., correlation_id: _Optional[str] = ..., traceparent: _Optional[str] = ..., tracestate: _Optional[str] = ..., concurrency_key: _Optional[str] = ..., window: _Optional[_Union[Window, _Mapping]] = ...) -> None: ...

class Window(_message.Message):
    __slots__ = ("scope", "start_ms", "end_ms")
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    START_MS_FIELD_NUMBER: _ClassVar[int]
    END_MS_FIELD_NUMBER: _ClassVar[int]
    scope: str
    start_ms: int
    end_ms: int
    def __init__(self, scope: _Optional[str] = ..., start_ms: _Optional[int] = ..., end_ms: _Optional[int] = ...) -> None: ...

class Retry(_message.Message):
    __slots__ = ("max_attempts", "initial_backoff_ms", "multiplier", "max_backoff_ms")
    MAX_ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    INITIAL_BACKOFF_MS_FIELD_NUMBER: _ClassVar[int]
    MULTIPLIER_FIELD_NUMBER: _ClassVar[int]
    MAX_BACKOFF_MS_FIELD_NUMBER: _ClassVar[int]
    max_attempts: int
    initial_backoff_ms: int
    multiplier: float
    max_backoff_ms: int
    def __init__(self, max_attempts: _Optional[int] = ..., initial_backoff_ms: _Optional[int] = ..., multiplier: _Optional[float] = ..., max_backoff_ms: _Optional[int] = ...) -> None: ...

class Enqueue(_message.Message):
    __slots__ = ("job",)
    JOB_FIELD_NUMBER: _ClassVar[int]
    job: JobRequest
    def __init__(self, job: _Optional[_Union[JobRequest, _Mapping]] = ...) -> None: ...

class EnqueueMany(_message.Message):
    __slots__ = ("jobs", "repeat", "repeated_job")
    JOBS_FIELD_NUMBER: _ClassVar[int]
    REPEAT_FIELD_NUMBER: _ClassVar[int]
    REPEATED_JOB_FIELD_NUMBER: _ClassVar[int]
    jobs: _containers.RepeatedCompositeFieldContainer[JobRequest]
    repeat: int
    repeated_job: JobRequest
    def __init__(self, jobs: _Optional[_Iterable[_Union[JobRequest, _Mapping]]] = ..., repeat: _Optional[int] = ..., repeated_job: _Optional[_Union[JobRequest, _Mapping]] = ...) -> None: ...

class CreateRun(_message.Message):
    __slots__ = ("display_name", "project", "correlation_id", "jobs", "keep_open")
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    KEEP_OPEN_FIELD_NUMBER: _ClassVar[int]
    display_name: str
    project: str
    correlation_id: str
    jobs: _containers.RepeatedCompositeFieldContainer[RunJob]
    keep_open: bool
    def __init__(self, display_name: _Optional[str] = ..., project: _Optional[str] = ..., correlation_id: _Optional[str] = ..., jobs: _Optional[_Iterable[_Union[RunJob, _Mapping]]] = ..., keep_open: bool = ...) -> None: ...

class RunJob(_message.Message):
    __slots__ = ("name", "job", "depends_on")
    NAME_FIELD_NUMBER: _ClassVar[int]
    JOB_FIELD_NUMBER: _ClassVar[int]
    DEPENDS_ON_FIELD_NUMBER: _ClassVar[int]
    name: str
    job: JobRequest
    depends_on: _containers.RepeatedCompositeFieldContainer[Dependency]
    def __init__(self, name: _Optional[str] = ..., job: _Optional[_Union[JobRequest, _Mapping]] = ..., depends_on: _Optional[_Iterable[_Union[Dependency, _Mapping]]] = ...) -> None: ...

class Dependency(_message.Message):
    __slots__ = ("name", "on_failure", "when", "include_fan_out")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ON_FAILURE_FIELD_NUMBER: _ClassVar[int]
    WHEN_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_FAN_OUT_FIELD_NUMBER: _ClassVar[int]
    name: str
    on_failure: str
    when: str
    include_fan_out: bool
    def __init__(self, name: _Optional[str] = ..., on_failure: _Optional[str] = ..., when: _Optional[str] = ..., include_fan_out: bool = ...) -> None: ...

class AppendJobs(_message.Message):
    __slots__ = ("run_id", "jobs", "close")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    CLOSE_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    jobs: _containers.RepeatedCompositeFieldContainer[RunJob]
    close: bool
    def __init__(self, run_id: _Optional[str] = ..., jobs: _Optional[_Iterable[_Union[RunJob, _Mapping]]] = ..., close: bool = ...) -> None: ...

class CloseRun(_message.Message):
    __slots__ = ("run_id",)
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    def __init__(self, run_id: _Optional[str] = ...) -> None: ...

class CancelRun(_message.Message):
    __slots__ = ("run_id", "reason", "ticket", "grace_ms")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TICKET_FIELD_NUMBER: _ClassVar[int]
    GRACE_MS_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    reason: str
    ticket: str
    grace_ms: int
    def __init__(self, run_id: _Optional[str] = ..., reason: _Optional[str] = ..., ticket: _Optional[str] = ..., grace_ms: _Optional[int] = ...) -> None: ...

class ReplayRun(_message.Message):
    __slots__ = ("run_id", "job_names", "include_downstream", "rerun_upstream", "dry_run", "reason", "ticket")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    JOB_NAMES_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_DOWNSTREAM_FIELD_NUMBER: _ClassVar[int]
    RERUN_UPSTREAM_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TICKET_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    job_names: _containers.RepeatedScalarFieldContainer[str]
    include_downstream: bool
    rerun_upstream: bool
    dry_run: bool
    reason: str
    ticket: str
    def __init__(self, run_id: _Optional[str] = ..., job_names: _Optional[_Iterable[str]] = ..., include_downstream: bool = ..., rerun_upstream: bool = ..., dry_run: bool = ..., reason: _Optional[str] = ..., ticket: _Optional[str] = ...) -> None: ...

class Pipeline(_message.Message):
    __slots__ = ("name", "description", "parameters", "jobs", "version", "etag")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    name: str
    description: str
    parameters: _containers.RepeatedCompositeFieldContainer[PipelineParameter]
    jobs: _containers.RepeatedCompositeFieldContainer[PipelineJob]
    version: int
    etag: str
    def __init__(self, name: _Optional[str] = ..., description: _Optional[str] = ..., parameters: _Optional[_Iterable[_Union[PipelineParameter, _Mapping]]] = ..., jobs: _Optional[_Iterable[_Union[PipelineJob, _Mapping]]] = ..., version: _Optional[int] = ..., etag: _Optional[str] = ...) -> None: ...

class PipelineParameter(_message.Message):
    __slots__ = ("name", "kind", "description", "default_json")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_JSON_FIELD_NUMBER: _ClassVar[int]
    name: str
    kind: str
    description: str
    default_json: str
    def __init__(self, name: _Optional[str] = ..., kind: _Optional[str] = ..., description: _Optional[str] = ..., default_json: _Optional[str] = ...) -> None: ...

class PipelineJob(_message.Message):
    __slots__ = ("name", "job", "payload_template_json", "depends_on")
    NAME_FIELD_NUMBER: _ClassVar[int]
    JOB_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_TEMPLATE_JSON_FIELD_NUMBER: _ClassVar[int]
    DEPENDS_ON_FIELD_NUMBER: _ClassVar[int]
    name: str
    job: JobRequest
    payload_template_json: str
    depends_on: _containers.RepeatedCompositeFieldContainer[Dependency]
    def __init__(self, name: _Optional[str] = ..., job: _Optional[_Union[JobRequest, _Mapping]] = ..., payload_template_json: _Optional[str] = ..., depends_on: _Optional[_Iterable[_Union[Dependency, _Mapping]]] = ...) -> None: ...

class PutPipeline(_message.Message):
    __slots__ = ("pipeline", "reason", "ticket")
    PIPELINE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TICKET_FIELD_NUMBER: _ClassVar[int]
    pipeline: Pipeline
    reason: str
    ticket: str
    def __init__(self, pipeline: _Optional[_Union[Pipeline, _Mapping]] = ..., reason: _Optional[str] = ..., ticket: _Optional[str] = ...) -> None: ...

class GetPipeline(_message.Message):
    __slots__ = ("name", "version")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: int
    def __init__(self, name: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...

class RunPipeline(_message.Message):
    __slots__ = ("name", "version", "parameters_json", "display_name", "project", "correlation_id")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_JSON_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: int
    parameters_json: str
    display_name: str
    project: str
    correlation_id: str
    def __init__(self, name: _Optional[str] = ..., version: _Optional[int] = ..., parameters_json: _Optional[str] = ..., display_name: _Optional[str] = ..., project: _Optional[str] = ..., correlation_id: _Optional[str] = ...) -> None: ...

class PutWindowSeries(_message.Message):
    __slots__ = ("source", "scope", "width_ms", "allowed_lateness_ms", "origin_ms", "reason", "ticket")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    WIDTH_MS_FIELD_NUMBER: _ClassVar[int]
    ALLOWED_LATENESS_MS_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_MS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TICKET_FIELD_NUMBER: _ClassVar[int]
    source: str
    scope: str
    width_ms: int
    allowed_lateness_ms: int
    origin_ms: int
    reason: str
    ticket: str
    def __init__(self, source: _Optional[str] = ..., scope: _Optional[str] = ..., width_ms: _Optional[int] = ..., allowed_lateness_ms: _Optional[int] = ..., origin_ms: _Optional[int] = ..., reason: _Optional[str] = ..., ticket: _Optional[str] = ...) -> None: ...

class GetWatermark(_message.Message):
    __slots__ = ("source", "scope")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    source: str
    scope: str
    def __init__(self, source: _Optional[str] = ..., scope: _Optional[str] = ...) -> None: ...

class ListGaps(_message.Message):
    __slots__ = ("source", "scope")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    source: str
    scope: str
    def __init__(self, source: _Optional[str] = ..., scope: _Optional[str] = ...) -> None: ...

class BackfillSpec(_message.Message):
    __slots__ = ("source", "scope", "start_ms", "end_ms", "job", "max_parallel", "repeat_covered")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    START_MS_FIELD_NUMBER: _ClassVar[int]
    END_MS_FIELD_NUMBER: _ClassVar[int]
    JOB_FIELD_NUMBER: _ClassVar[int]
    MAX_PARALLEL_FIELD_NUMBER: _ClassVar[int]
    REPEAT_COVERED_FIELD_NUMBER: _ClassVar[int]
    source: str
    scope: str
    start_ms: int
    end_ms: int
    job: JobRequest
    max_parallel: int
    repeat_covered: bool
    def __init__(self, source: _Optional[str] = ..., scope: _Optional[str] = ..., start_ms: _Optional[int] = ..., end_ms: _Optional[int] = ..., job: _Optional[_Union[JobRequest, _Mapping]] = ..., max_parallel: _Optional[int] = ..., repeat_covered: bool = ...) -> None: ...

class PreviewBackfill(_message.Message):
    __slots__ = ("spec",)
    SPEC_FIELD_NUMBER: _ClassVar[int]
    spec: BackfillSpec
    def __init__(self, spec: _Optional[_Union[BackfillSpec, _Mapping]] = ...) -> None: ...

class CreateBackfill(_message.Message):
    __slots__ = ("spec", "reason", "ticket")
    SPEC_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TICKET_FIELD_NUMBER: _ClassVar[int]
    spec: BackfillSpec
    reason: str
    ticket: str
    def __init__(self, spec: _Optional[_Union[BackfillSpec, _Mapping]] = ..., reason: _Optional[str] = ..., ticket: _Optional[str] = ...) -> None: ...

class GetBackfill(_message.Message):
    __slots__ = ("backfill_id",)
    BACKFILL_ID_FIELD_NUMBER: _ClassVar[int]
    backfill_id: str
    def __init__(self, backfill_id: _Optional[str] = ...) -> None: ...

class SteerBackfill(_message.Message):
    __slots__ = ("backfill_id", "how", "reason", "ticket")
    BACKFILL_ID_FIELD_NUMBER: _ClassVar[int]
    HOW_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TICKET_FIELD_NUMBER: _ClassVar[int]
    backfill_id: str
    how: str
    reason: str
    ticket: str
    def __init__(self, backfill_id: _Optional[str] = ..., how: _Optional[str] = ..., reason: _Optional[str] = ..., ticket: _Optional[str] = ...) -> None: ...

class GetRun(_message.Message):
    __slots__ = ("run_id",)
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    def __init__(self, run_id: _Optional[str] = ...) -> None: ...

class ListRuns(_message.Message):
    __slots__ = ("project", "pipeline", "replay_of")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    PIPELINE_FIELD_NUMBER: _ClassVar[int]
    REPLAY_OF_FIELD_NUMBER: _ClassVar[int]
    project: str
    pipeline: str
    replay_of: str
    def __init__(self, project: _Optional[str] = ..., pipeline: _Optional[str] = ..., replay_of: _Optional[str] = ...) -> None: ...

class ListPipelines(_message.Message):
    __slots__ = ("versions_of",)
    VERSIONS_OF_FIELD_NUMBER: _ClassVar[int]
    versions_of: str
    def __init__(self, versions_of: _Optional[str] = ...) -> None: ...

class ListBackfills(_message.Message):
    __slots__ = ("source",)
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    source: str
    def __init__(self, source: _Optional[str] = ...) -> None: ...

class GetJob(_message.Message):
    __slots__ = ("job_id",)
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    def __init__(self, job_id: _Optional[str] = ...) -> None: ...

class ListJobs(_message.Message):
    __slots__ = ("states", "job_types", "run_id", "labels", "limit")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    STATES_FIELD_NUMBER: _ClassVar[int]
    JOB_TYPES_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    states: _containers.RepeatedScalarFieldContainer[str]
    job_types: _containers.RepeatedScalarFieldContainer[str]
    run_id: str
    labels: _containers.ScalarMap[str, str]
    limit: int
    def __init__(self, states: _Optional[_Iterable[str]] = ..., job_types: _Optional[_Iterable[str]] = ..., run_id: _Optional[str] = ..., labels: _Optional[_Mapping[str, str]] = ..., limit: _Optional[int] = ...) -> None: ...

class WatchJobs(_message.Message):
    __slots__ = ("job_ids", "run_id")
    JOB_IDS_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    job_ids: _containers.RepeatedScalarFieldContainer[str]
    run_id: str
    def __init__(self, job_ids: _Optional[_Iterable[str]] = ..., run_id: _Optional[str] = ...) -> None: ...

class WaitForJob(_message.Message):
    __slots__ = ("job_id",)
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    def __init__(self, job_id: _Optional[str] = ...) -> None: ...

class CancelJobs(_message.Message):
    __slots__ = ("job_ids", "reason", "grace_ms", "ticket")
    JOB_IDS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    GRACE_MS_FIELD_NUMBER: _ClassVar[int]
    TICKET_FIELD_NUMBER: _ClassVar[int]
    job_ids: _containers.RepeatedScalarFieldContainer[str]
    reason: str
    grace_ms: int
    ticket: str
    def __init__(self, job_ids: _Optional[_Iterable[str]] = ..., reason: _Optional[str] = ..., grace_ms: _Optional[int] = ..., ticket: _Optional[str] = ...) -> None: ...

class RetryJobs(_message.Message):
    __slots__ = ("job_ids", "reason", "ticket")
    JOB_IDS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TICKET_FIELD_NUMBER: _ClassVar[int]
    job_ids: _containers.RepeatedScalarFieldContainer[str]
    reason: str
    ticket: str
    def __init__(self, job_ids: _Optional[_Iterable[str]] = ..., reason: _Optional[str] = ..., ticket: _Optional[str] = ...) -> None: ...

class ExplainJob(_message.Message):
    __slots__ = ("job_id",)
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    def __init__(self, job_id: _Optional[str] = ...) -> None: ...

class ListJobEvents(_message.Message):
    __slots__ = ("job_id",)
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    def __init__(self, job_id: _Optional[str] = ...) -> None: ...

class Lease(_message.Message):
    __slots__ = ("job_id", "attempt", "lease_epoch", "lease_token")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    LEASE_EPOCH_FIELD_NUMBER: _ClassVar[int]
    LEASE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    attempt: int
    lease_epoch: int
    lease_token: str
    def __init__(self, job_id: _Optional[str] = ..., attempt: _Optional[int] = ..., lease_epoch: _Optional[int] = ..., lease_token: _Optional[str] = ...) -> None: ...

class CheckLease(_message.Message):
    __slots__ = ("lease",)
    LEASE_FIELD_NUMBER: _ClassVar[int]
    lease: Lease
    def __init__(self, lease: _Optional[_Union[Lease, _Mapping]] = ...) -> None: ...

class UploadArtifact(_message.Message):
    __slots__ = ("path", "in_memory", "media_type")
    PATH_FIELD_NUMBER: _ClassVar[int]
    IN_MEMORY_FIELD_NUMBER: _ClassVar[int]
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    path: str
    in_memory: bool
    media_type: str
    def __init__(self, path: _Optional[str] = ..., in_memory: bool = ..., media_type: _Optional[str] = ...) -> None: ...

class DownloadArtifact(_message.Message):
    __slots__ = ("digest", "path")
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    digest: str
    path: str
    def __init__(self, digest: _Optional[str] = ..., path: _Optional[str] = ...) -> None: ...

class Ready(_message.Message):
    __slots__ = ("protocol_version", "sdk")
    PROTOCOL_VERSION_FIELD_NUMBER: _ClassVar[int]
    SDK_FIELD_NUMBER: _ClassVar[int]
    protocol_version: int
    sdk: str
    def __init__(self, protocol_version: _Optional[int] = ..., sdk: _Optional[str] = ...) -> None: ...

class CallResult(_message.Message):
    __slots__ = ("id", "error", "lease_defaults", "enqueued", "created_run", "run", "jobs", "outcomes", "explanation", "job_events", "checked_lease", "artifact", "appended", "operation", "replay", "pipeline", "watermark", "gaps", "backfill_preview", "backfill", "runs", "pipelines", "backfills")
    ID_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    LEASE_DEFAULTS_FIELD_NUMBER: _ClassVar[int]
    ENQUEUED_FIELD_NUMBER: _ClassVar[int]
    CREATED_RUN_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    EXPLANATION_FIELD_NUMBER: _ClassVar[int]
    JOB_EVENTS_FIELD_NUMBER: _ClassVar[int]
    CHECKED_LEASE_FIELD_NUMBER: _ClassVar[int]
    ARTIFACT_FIELD_NUMBER: _ClassVar[int]
    APPENDED_FIELD_NUMBER: _ClassVar[int]
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    REPLAY_FIELD_NUMBER: _ClassVar[int]
    PIPELINE_FIELD_NUMBER: _ClassVar[int]
    WATERMARK_FIELD_NUMBER: _ClassVar[int]
    GAPS_FIELD_NUMBER: _ClassVar[int]
    BACKFILL_PREVIEW_FIELD_NUMBER: _ClassVar[int]
    BACKFILL_FIELD_NUMBER: _ClassVar[int]
    RUNS_FIELD_NUMBER: _ClassVar[int]
    PIPELINES_FIELD_NUMBER: _ClassVar[int]
    BACKFILLS_FIELD_NUMBER: _ClassVar[int]
    id: int
    error: Error
    lease_defaults: LeaseDefaults
    enqueued: EnqueueResults
    created_run: CreatedRun
    run: Run
    jobs: Jobs
    outcomes: Outcomes
    explanation: Explanation
    job_events: JobEvents
    checked_lease: CheckedLease
    artifact: Artifact
    appended: Appended
    operation: Operation
    replay: Replay
    pipeline: Pipeline
    watermark: Watermark
    gaps: Gaps
    backfill_preview: BackfillPreview
    backfill: Backfill
    runs: Runs
    pipelines: Pipelines
    backfills: Backfills
    def __init__(self, id: _Optional[int] = ..., error: _Optional[_Union[Error, _Mapping]] = ..., lease_defaults: _Optional[_Union[LeaseDefaults, _Mapping]] = ..., enqueued: _Optional[_Union[EnqueueResults, _Mapping]] = ..., created_run: _Optional[_Union[CreatedRun, _Mapping]] = ..., run: _Optional[_Union[Run, _Mapping]] = ..., jobs: _Optional[_Union[Jobs, _Mapping]] = ..., outcomes: _Optional[_Union[Outcomes, _Mapping]] = ..., explanation: _Optional[_Union[Explanation, _Mapping]] = ..., job_events: _Optional[_Union[JobEvents, _Mapping]] = ..., checked_lease: _Optional[_Union[CheckedLease, _Mapping]] = ..., artifact: _Optional[_Union[Artifact, _Mapping]] = ..., appended: _Optional[_Union[Appended, _Mapping]] = ..., operation: _Optional[_Union[Operation, _Mapping]] = ..., replay: _Optional[_Union[Replay, _Mapping]] = ..., pipeline: _Optional[_Union[Pipeline, _Mapping]] = ..., watermark: _Optional[_Union[Watermark, _Mapping]] = ..., gaps: _Optional[_Union[Gaps, _Mapping]] = ..., backfill_preview: _Optional[_Union[BackfillPreview, _Mapping]] = ..., backfill: _Optional[_Union[Backfill, _Mapping]] = ..., runs: _Optional[_Union[Runs, _Mapping]] = ..., pipelines: _Optional[_Union[Pipelines, _Mapping]] = ..., backfills: _Optional[_Union[Backfills, _Mapping]] = ...) -> None: ...

class Error(_message.Message):
    __slots__ = ("code", "reason", "domain", "metadata", "violations", "retry_after_ms", "is_retryable", "message")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    CODE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    VIOLATIONS_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_MS_FIELD_NUMBER: _ClassVar[int]
    IS_RETRYABLE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    code: str
    reason: str
    domain: str
    metadata: _containers.ScalarMap[str, str]
    violations: _containers.RepeatedCompositeFieldContainer[Violation]
    retry_after_ms: int
    is_retryable: bool
    message: str
    def __init__(self, code: _Optional[str] = ..., reason: _Optional[str] = ..., domain: _Optional[str] = ..., metadata: _Optional[_Mapping[str, str]] = ..., violations: _Optional[_Iterable[_Union[Violation, _Mapping]]] = ..., retry_after_ms: _Optional[int] = ..., is_retryable: bool = ..., message: _Optional[str] = ...) -> None: ...

class Violation(_message.Message):
    __slots__ = ("field", "description")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    field: str
    description: str
    def __init__(self, field: _Optional[str] = ..., description: _Optional[str] = ...) -> None: ...

class LeaseDefaults(_message.Message):
    __slots__ = ("values",)
    class ValuesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.ScalarMap[str, int]
    def __init__(self, values: _Optional[_Mapping[str, int]] = ...) -> None: ...

class EnqueueResults(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[EnqueueResult]
    def __init__(self, results: _Optional[_Iterable[_Union[EnqueueResult, _Mapping]]] = ...) -> None: ...

class EnqueueResult(_message.Message):
    __slots__ = ("outcome", "job_id", "error")
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    outcome: str
    job_id: str
    error: Error
    def __init__(self, outcome: _Optional[str] = ..., job_id: _Optional[str] = ..., error: _Optional[_Union[Error, _Mapping]] = ...) -> None: ...

class CreatedRun(_message.Message):
    __slots__ = ("run_id", "job_ids", "already_existed")
    class JobIdsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    JOB_IDS_FIELD_NUMBER: _ClassVar[int]
    ALREADY_EXISTED_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    job_ids: _containers.ScalarMap[str, str]
    already_existed: bool
    def __init__(self, run_id: _Optional[str] = ..., job_ids: _Optional[_Mapping[str, str]] = ..., already_existed: bool = ...) -> None: ...

class Run(_message.Message):
    __slots__ = ("run_id", "state", "jobs", "edges", "open", "cancel_requested", "replay_of", "pipeline", "pipeline_version", "skipped", "building")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    EDGES_FIELD_NUMBER: _ClassVar[int]
    OPEN_FIELD_NUMBER: _ClassVar[int]
    CANCEL_REQUESTED_FIELD_NUMBER: _ClassVar[int]
    REPLAY_OF_FIELD_NUMBER: _ClassVar[int]
    PIPELINE_FIELD_NUMBER: _ClassVar[int]
    PIPELINE_VERSION_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_FIELD_NUMBER: _ClassVar[int]
    BUILDING_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    state: str
    jobs: _containers.RepeatedCompositeFieldContainer[Job]
    edges: int
    open: bool
    cancel_requested: bool
    replay_of: str
    pipeline: str
    pipeline_version: int
    skipped: int
    building: bool
    def __init__(self, run_id: _Optional[str] = ..., state: _Optional[str] = ..., jobs: _Optional[_Iterable[_Union[Job, _Mapping]]] = ..., edges: _Optional[int] = ..., open: bool = ..., cancel_requested: bool = ..., replay_of: _Optional[str] = ..., pipeline: _Optional[str] = ..., pipeline_version: _Optional[int] = ..., skipped: _Optional[int] = ..., building: bool = ...) -> None: ...

class Runs(_message.Message):
    __slots__ = ("runs",)
    RUNS_FIELD_NUMBER: _ClassVar[int]
    runs: _containers.RepeatedCompositeFieldContainer[Run]
    def __init__(self, runs: _Optional[_Iterable[_Union[Run, _Mapping]]] = ...) -> None: ...

class Appended(_message.Message):
    __slots__ = ("job_ids", "existing")
    class JobIdsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    JOB_IDS_FIELD_NUMBER: _ClassVar[int]
    EXISTING_FIELD_NUMBER: _ClassVar[int]
    job_ids: _containers.ScalarMap[str, str]
    existing: int
    def __init__(self, job_ids: _Optional[_Mapping[str, str]] = ..., existing: _Optional[int] = ...) -> None: ...

class Operation(_message.Message):
    __slots__ = ("operation_id", "kind", "state", "reason", "ticket", "run_id", "matching", "applied", "unchanged", "refused")
    OPERATION_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TICKET_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    MATCHING_FIELD_NUMBER: _ClassVar[int]
    APPLIED_FIELD_NUMBER: _ClassVar[int]
    UNCHANGED_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    operation_id: str
    kind: str
    state: str
    reason: str
    ticket: str
    run_id: str
    matching: int
    applied: int
    unchanged: int
    refused: int
    def __init__(self, operation_id: _Optional[str] = ..., kind: _Optional[str] = ..., state: _Optional[str] = ..., reason: _Optional[str] = ..., ticket: _Optional[str] = ..., run_id: _Optional[str] = ..., matching: _Optional[int] = ..., applied: _Optional[int] = ..., unchanged: _Optional[int] = ..., refused: _Optional[int] = ...) -> None: ...

class Replay(_message.Message):
    __slots__ = ("run_id", "jobs", "running_count", "reused_count")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    RUNNING_COUNT_FIELD_NUMBER: _ClassVar[int]
    REUSED_COUNT_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    jobs: _containers.RepeatedCompositeFieldContainer[ReplayedJob]
    running_count: int
    reused_count: int
    def __init__(self, run_id: _Optional[str] = ..., jobs: _Optional[_Iterable[_Union[ReplayedJob, _Mapping]]] = ..., running_count: _Optional[int] = ..., reused_count: _Optional[int] = ...) -> None: ...

class ReplayedJob(_message.Message):
    __slots__ = ("name", "job_id", "cause", "state")
    NAME_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    name: str
    job_id: str
    cause: str
    state: str
    def __init__(self, name: _Optional[str] = ..., job_id: _Optional[str] = ..., cause: _Optional[str] = ..., state: _Optional[str] = ...) -> None: ...

class Pipelines(_message.Message):
    __slots__ = ("pipelines",)
    PIPELINES_FIELD_NUMBER: _ClassVar[int]
    pipelines: _containers.RepeatedCompositeFieldContainer[Pipeline]
    def __init__(self, pipelines: _Optional[_Iterable[_Union[Pipeline, _Mapping]]] = ...) -> None: ...

class Watermark(_message.Message):
    __slots__ = ("source", "scope", "width_ms", "allowed_lateness_ms", "origin_ms", "watermark_ms", "due_ms", "lag_ms", "missing_windows", "gaps", "covered_until_ms")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    WIDTH_MS_FIELD_NUMBER: _ClassVar[int]
    ALLOWED_LATENESS_MS_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_MS_FIELD_NUMBER: _ClassVar[int]
    WATERMARK_MS_FIELD_NUMBER: _ClassVar[int]
    DUE_MS_FIELD_NUMBER: _ClassVar[int]
    LAG_MS_FIELD_NUMBER: _ClassVar[int]
    MISSING_WINDOWS_FIELD_NUMBER: _ClassVar[int]
    GAPS_FIELD_NUMBER: _ClassVar[int]
    COVERED_UNTIL_MS_FIELD_NUMBER: _ClassVar[int]
    source: str
    scope: str
    width_ms: int
    allowed_lateness_ms: int
    origin_ms: int
    watermark_ms: int
    due_ms: int
    lag_ms: int
    missing_windows: int
    gaps: int
    covered_until_ms: int
    def __init__(self, source: _Optional[str] = ..., scope: _Optional[str] = ..., width_ms: _Optional[int] = ..., allowed_lateness_ms: _Optional[int] = ..., origin_ms: _Optional[int] = ..., watermark_ms: _Optional[int] = ..., due_ms: _Optional[int] = ..., lag_ms: _Optional[int] = ..., missing_windows: _Optional[int] = ..., gaps: _Optional[int] = ..., covered_until_ms: _Optional[int] = ...) -> None: ...

class Gaps(_message.Message):
    __slots__ = ("gaps",)
    GAPS_FIELD_NUMBER: _ClassVar[int]
    gaps: _containers.RepeatedCompositeFieldContainer[Gap]
    def __init__(self, gaps: _Optional[_Iterable[_Union[Gap, _Mapping]]] = ...) -> None: ...

class Gap(_message.Message):
    __slots__ = ("start_ms", "end_ms", "windows", "in_progress")
    START_MS_FIELD_NUMBER: _ClassVar[int]
    END_MS_FIELD_NUMBER: _ClassVar[int]
    WINDOWS_FIELD_NUMBER: _ClassVar[int]
    IN_PROGRESS_FIELD_NUMBER: _ClassVar[int]
    start_ms: int
    end_ms: int
    windows: int
    in_progress: int
    def __init__(self, start_ms: _Optional[int] = ..., end_ms: _Optional[int] = ..., windows: _Optional[int] = ..., in_progress: _Optional[int] = ...) -> None: ...

class BackfillPreview(_message.Message):
    __slots__ = ("windows", "covered", "in_progress", "not_due", "jobs", "start_ms", "end_ms", "mean_job_ms", "estimated_ms", "sample")
    WINDOWS_FIELD_NUMBER: _ClassVar[int]
    COVERED_FIELD_NUMBER: _ClassVar[int]
    IN_PROGRESS_FIELD_NUMBER: _ClassVar[int]
    NOT_DUE_FIELD_NUMBER: _ClassVar[int]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    START_MS_FIELD_NUMBER: _ClassVar[int]
    END_MS_FIELD_NUMBER: _ClassVar[int]
    MEAN_JOB_MS_FIELD_NUMBER: _ClassVar[int]
    ESTIMATED_MS_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_FIELD_NUMBER: _ClassVar[int]
    windows: int
    covered: int
    in_progress: int
    not_due: int
    jobs: int
    start_ms: int
    end_ms: int
    mean_job_ms: int
    estimated_ms: int
    sample: _containers.RepeatedCompositeFieldContainer[Window]
    def __init__(self, windows: _Optional[int] = ..., covered: _Optional[int] = ..., in_progress: _Optional[int] = ..., not_due: _Optional[int] = ..., jobs: _Optional[int] = ..., start_ms: _Optional[int] = ..., end_ms: _Optional[int] = ..., mean_job_ms: _Optional[int] = ..., estimated_ms: _Optional[int] = ..., sample: _Optional[_Iterable[_Union[Window, _Mapping]]] = ...) -> None: ...

class Backfill(_message.Message):
    __slots__ = ("backfill_id", "state", "reason", "ticket", "windows", "covered", "shared", "in_progress", "failed", "start_ms", "end_ms")
    BACKFILL_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TICKET_FIELD_NUMBER: _ClassVar[int]
    WINDOWS_FIELD_NUMBER: _ClassVar[int]
    COVERED_FIELD_NUMBER: _ClassVar[int]
    SHARED_FIELD_NUMBER: _ClassVar[int]
    IN_PROGRESS_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    START_MS_FIELD_NUMBER: _ClassVar[int]
    END_MS_FIELD_NUMBER: _ClassVar[int]
    backfill_id: str
    state: str
    reason: str
    ticket: str
    windows: int
    covered: int
    shared: int
    in_progress: int
    failed: int
    start_ms: int
    end_ms: int
    def __init__(self, backfill_id: _Optional[str] = ..., state: _Optional[str] = ..., reason: _Optional[str] = ..., ticket: _Optional[str] = ..., windows: _Optional[int] = ..., covered: _Optional[int] = ..., shared: _Optional[int] = ..., in_progress: _Optional[int] = ..., failed: _Optional[int] = ..., start_ms: _Optional[int] = ..., end_ms: _Optional[int] = ...) -> None: ...

class Backfills(_message.Message):
    __slots__ = ("backfills",)
    BACKFILLS_FIELD_NUMBER: _ClassVar[int]
    backfills: _containers.RepeatedCompositeFieldContainer[Backfill]
    def __init__(self, backfills: _Optional[_Iterable[_Union[Backfill, _Mapping]]] = ...) -> None: ...

class Jobs(_message.Message):
    __slots__ = ("jobs",)
    JOBS_FIELD_NUMBER: _ClassVar[int]
    jobs: _containers.RepeatedCompositeFieldContainer[Job]
    def __init__(self, jobs: _Optional[_Iterable[_Union[Job, _Mapping]]] = ...) -> None: ...

class Job(_message.Message):
    __slots__ = ("job_id", "job_type", "state", "attempt", "failures", "interruptions", "result", "last_failure", "progress_fraction", "progress_message", "artifacts", "attempts", "run_id", "name", "labels", "correlation_id", "traceparent", "priority", "payload", "skipped", "window")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    JOB_TYPE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    FAILURES_FIELD_NUMBER: _ClassVar[int]
    INTERRUPTIONS_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    LAST_FAILURE_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FRACTION_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    ARTIFACTS_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    job_type: str
    state: str
    attempt: int
    failures: int
    interruptions: int
    result: bytes
    last_failure: Failure
    progress_fraction: float
    progress_message: str
    artifacts: _containers.RepeatedCompositeFieldContainer[BoundArtifact]
    attempts: _containers.RepeatedCompositeFieldContainer[Attempt]
    run_id: str
    name: str
    labels: _containers.ScalarMap[str, str]
    correlation_id: str
    traceparent: str
    priority: int
    payload: bytes
    skipped: bool
    window: Window
    def __init__(self, job_id: _Optional[str] = ..., job_type: _Optional[str] = ..., state: _Optional[str] = ..., attempt: _Optional[int] = ..., failures: _Optional[int] = ..., interruptions: _Optional[int] = ..., result: _Optional[bytes] = ..., last_failure: _Optional[_Union[Failure, _Mapping]] = ..., progress_fraction: _Optional[float] = ..., progress_message: _Optional[str] = ..., artifacts: _Optional[_Iterable[_Union[BoundArtifact, _Mapping]]] = ..., attempts: _Optional[_Iterable[_Union[Attempt, _Mapping]]] = ..., run_id: _Optional[str] = ..., name: _Optional[str] = ..., labels: _Optional[_Mapping[str, str]] = ..., correlation_id: _Optional[str] = ..., traceparent: _Optional[str] = ..., priority: _Optional[int] = ..., payload: _Optional[bytes] = ..., skipped: bool = ..., window: _Optional[_Union[Window, _Mapping]] = ...) -> None: ...

class Failure(_message.Message):
    __slots__ = ("failure_class", "message", "terminal", "retry_after_ms")
    FAILURE_CLASS_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    TERMINAL_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_MS_FIELD_NUMBER: _ClassVar[int]
    failure_class: str
    message: str
    terminal: bool
    retry_after_ms: int
    def __init__(self, failure_class: _Optional[str] = ..., message: _Optional[str] = ..., terminal: bool = ..., retry_after_ms: _Optional[int] = ...) -> None: ...

class BoundArtifact(_message.Message):
    __slots__ = ("name", "digest", "size_bytes", "media_type")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    name: str
    digest: str
    size_bytes: int
    media_type: str
    def __init__(self, name: _Optional[str] = ..., digest: _Optional[str] = ..., size_bytes: _Optional[int] = ..., media_type: _Optional[str] = ...) -> None: ...

class Attempt(_message.Message):
    __slots__ = ("attempt", "outcome", "failure")
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    attempt: int
    outcome: str
    failure: Failure
    def __init__(self, attempt: _Optional[int] = ..., outcome: _Optional[str] = ..., failure: _Optional[_Union[Failure, _Mapping]] = ...) -> None: ...

class Outcomes(_message.Message):
    __slots__ = ("outcomes",)
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    outcomes: _containers.RepeatedCompositeFieldContainer[Outcome]
    def __init__(self, outcomes: _Optional[_Iterable[_Union[Outcome, _Mapping]]] = ...) -> None: ...

class Outcome(_message.Message):
    __slots__ = ("job_id", "outcome", "state")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    outcome: str
    state: str
    def __init__(self, job_id: _Optional[str] = ..., outcome: _Optional[str] = ..., state: _Optional[str] = ...) -> None: ...

class Explanation(_message.Message):
    __slots__ = ("state", "blocked_by", "job_ids")
    STATE_FIELD_NUMBER: _ClassVar[int]
    BLOCKED_BY_FIELD_NUMBER: _ClassVar[int]
    JOB_IDS_FIELD_NUMBER: _ClassVar[int]
    state: str
    blocked_by: str
    job_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, state: _Optional[str] = ..., blocked_by: _Optional[str] = ..., job_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class JobEvents(_message.Message):
    __slots__ = ("kinds",)
    KINDS_FIELD_NUMBER: _ClassVar[int]
    kinds: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, kinds: _Optional[_Iterable[str]] = ...) -> None: ...

class CheckedLease(_message.Message):
    __slots__ = ("is_current", "newest_lease_epoch")
    IS_CURRENT_FIELD_NUMBER: _ClassVar[int]
    NEWEST_LEASE_EPOCH_FIELD_NUMBER: _ClassVar[int]
    is_current: bool
    newest_lease_epoch: int
    def __init__(self, is_current: bool = ..., newest_lease_epoch: _Optional[int] = ...) -> None: ...

class Artifact(_message.Message):
    __slots__ = ("digest", "size_bytes", "already_existed")
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    ALREADY_EXISTED_FIELD_NUMBER: _ClassVar[int]
    digest: str
    size_bytes: int
    already_existed: bool
    def __init__(self, digest: _Optional[str] = ..., size_bytes: _Optional[int] = ..., already_existed: bool = ...) -> None: ...

class WatchUpdate(_message.Message):
    __slots__ = ("id", "job")
    ID_FIELD_NUMBER: _ClassVar[int]
    JOB_FIELD_NUMBER: _ClassVar[int]
    id: int
    job: Job
    def __init__(self, id: _Optional[int] = ..., job: _Optional[_Union[Job, _Mapping]] = ...) -> None: ...

class HandlerStarted(_message.Message):
    __slots__ = ("lease", "job_type", "payload", "payload_media_type", "payload_artifact", "checkpoint", "traceparent", "tracestate", "correlation_id", "labels", "run_id", "name", "project", "source", "concurrency_key", "window")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    LEASE_FIELD_NUMBER: _ClassVar[int]
    JOB_TYPE_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_ARTIFACT_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    TRACESTATE_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    CONCURRENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    lease: Lease
    job_type: str
    payload: bytes
    payload_media_type: str
    payload_artifact: str
    checkpoint: bytes
    traceparent: str
    tracestate: str
    correlation_id: str
    labels: _containers.ScalarMap[str, str]
    run_id: str
    name: str
    project: str
    source: str
    concurrency_key: str
    window: Window
    def __init__(self, lease: _Optional[_Union[Lease, _Mapping]] = ..., job_type: _Optional[str] = ..., payload: _Optional[bytes] = ..., payload_media_type: _Optional[str] = ..., payload_artifact: _Optional[str] = ..., checkpoint: _Optional[bytes] = ..., traceparent: _Optional[str] = ..., tracestate: _Optional[str] = ..., correlation_id: _Optional[str] = ..., labels: _Optional[_Mapping[str, str]] = ..., run_id: _Optional[str] = ..., name: _Optional[str] = ..., project: _Optional[str] = ..., source: _Optional[str] = ..., concurrency_key: _Optional[str] = ..., window: _Optional[_Union[Window, _Mapping]] = ...) -> None: ...

class HandlerCancelled(_message.Message):
    __slots__ = ("lease", "reason")
    LEASE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    lease: Lease
    reason: str
    def __init__(self, lease: _Optional[_Union[Lease, _Mapping]] = ..., reason: _Optional[str] = ...) -> None: ...

class HandlerStep(_message.Message):
    __slots__ = ("lease", "step", "error", "artifact", "enqueued", "payload", "appended")
    LEASE_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    ARTIFACT_FIELD_NUMBER: _ClassVar[int]
    ENQUEUED_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    APPENDED_FIELD_NUMBER: _ClassVar[int]
    lease: Lease
    step: int
    error: Error
    artifact: Artifact
    enqueued: EnqueueResult
    payload: bytes
    appended: Appended
    def __init__(self, lease: _Optional[_Union[Lease, _Mapping]] = ..., step: _Optional[int] = ..., error: _Optional[_Union[Error, _Mapping]] = ..., artifact: _Optional[_Union[Artifact, _Mapping]] = ..., enqueued: _Optional[_Union[EnqueueResult, _Mapping]] = ..., payload: _Optional[bytes] = ..., appended: _Optional[_Union[Appended, _Mapping]] = ...) -> None: ...

class HandlerEnded(_message.Message):
    __slots__ = ("lease", "how")
    LEASE_FIELD_NUMBER: _ClassVar[int]
    HOW_FIELD_NUMBER: _ClassVar[int]
    lease: Lease
    how: How
    def __init__(self, lease: _Optional[_Union[Lease, _Mapping]] = ..., how: _Optional[_Union[How, str]] = ...) -> None: ...

class WorkerStopped(_message.Message):
    __slots__ = ("error",)
    ERROR_FIELD_NUMBER: _ClassVar[int]
    error: Error
    def __init__(self, error: _Optional[_Union[Error, _Mapping]] = ...) -> None: ...
