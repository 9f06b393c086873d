import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.rpc import status_pb2 as _status_pb2
from stellaops_orchestrator._gen.stellaops.orchestrator.v1 import artifact_pb2 as _artifact_pb2
from stellaops_orchestrator._gen.stellaops.orchestrator.v1 import failure_pb2 as _failure_pb2
from stellaops_orchestrator._gen.stellaops.orchestrator.v1 import job_pb2 as _job_pb2
from stellaops_orchestrator._gen.stellaops.orchestrator.v1 import lease_policy_pb2 as _lease_policy_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class LeaseVerdict(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LEASE_VERDICT_UNSPECIFIED: _ClassVar[LeaseVerdict]
    LEASE_VERDICT_RENEWED: _ClassVar[LeaseVerdict]
    LEASE_VERDICT_SUPERSEDED: _ClassVar[LeaseVerdict]
    LEASE_VERDICT_CANCELLED: _ClassVar[LeaseVerdict]
    LEASE_VERDICT_UNKNOWN: _ClassVar[LeaseVerdict]

class CancelReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CANCEL_REASON_UNSPECIFIED: _ClassVar[CancelReason]
    CANCEL_REASON_USER: _ClassVar[CancelReason]
    CANCEL_REASON_DEADLINE: _ClassVar[CancelReason]
    CANCEL_REASON_SUPERSEDED: _ClassVar[CancelReason]
    CANCEL_REASON_PREEMPTED: _ClassVar[CancelReason]
    CANCEL_REASON_DRAIN: _ClassVar[CancelReason]

class GoawayReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    GOAWAY_REASON_UNSPECIFIED: _ClassVar[GoawayReason]
    GOAWAY_REASON_SHUTDOWN: _ClassVar[GoawayReason]
    GOAWAY_REASON_MAX_AGE: _ClassVar[GoawayReason]
    GOAWAY_REASON_SUPERSEDED: _ClassVar[GoawayReason]

class WriteVerdict(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    WRITE_VERDICT_UNSPECIFIED: _ClassVar[WriteVerdict]
    WRITE_VERDICT_APPLIED: _ClassVar[WriteVerdict]
    WRITE_VERDICT_ALREADY_APPLIED: _ClassVar[WriteVerdict]
    WRITE_VERDICT_STALE_LEASE: _ClassVar[WriteVerdict]
    WRITE_VERDICT_REJECTED: _ClassVar[WriteVerdict]

class WriteKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    WRITE_KIND_UNSPECIFIED: _ClassVar[WriteKind]
    WRITE_KIND_ACCEPT: _ClassVar[WriteKind]
    WRITE_KIND_PROGRESS: _ClassVar[WriteKind]
    WRITE_KIND_COMPLETE: _ClassVar[WriteKind]
    WRITE_KIND_FAIL: _ClassVar[WriteKind]
    WRITE_KIND_RELEASE: _ClassVar[WriteKind]

class ReleaseReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RELEASE_REASON_UNSPECIFIED: _ClassVar[ReleaseReason]
    RELEASE_REASON_UNSTARTED: _ClassVar[ReleaseReason]
    RELEASE_REASON_DRAINED: _ClassVar[ReleaseReason]
LEASE_VERDICT_UNSPECIFIED: LeaseVerdict
LEASE_VERDICT_RENEWED: LeaseVerdict
LEASE_VERDICT_SUPERSEDED: LeaseVerdict
LEASE_VERDICT_CANCELLED: LeaseVerdict
LEASE_VERDICT_UNKNOWN: LeaseVerdict
CANCEL_REASON_UNSPECIFIED: CancelReason
CANCEL_REASON_USER: CancelReason
CANCEL_REASON_DEADLINE: CancelReason
CANCEL_REASON_SUPERSEDED: CancelReason
CANCEL_REASON_PREEMPTED: CancelReason
CANCEL_REASON_DRAIN: CancelReason
GOAWAY_REASON_UNSPECIFIED: GoawayReason
GOAWAY_REASON_SHUTDOWN: GoawayReason
GOAWAY_REASON_MAX_AGE: GoawayReason
GOAWAY_REASON_SUPERSEDED: GoawayReason
WRITE_VERDICT_UNSPECIFIED: WriteVerdict
WRITE_VERDICT_APPLIED: WriteVerdict
WRITE_VERDICT_ALREADY_APPLIED: WriteVerdict
WRITE_VERDICT_STALE_LEASE: WriteVerdict
WRITE_VERDICT_REJECTED: WriteVerdict
WRITE_KIND_UNSPECIFIED: WriteKind
WRITE_KIND_ACCEPT: WriteKind
WRITE_KIND_PROGRESS: WriteKind
WRITE_KIND_COMPLETE: WriteKind
WRITE_KIND_FAIL: WriteKind
WRITE_KIND_RELEASE: WriteKind
RELEASE_REASON_UNSPECIFIED: ReleaseReason
RELEASE_REASON_UNSTARTED: ReleaseReason
RELEASE_REASON_DRAINED: ReleaseReason

class LeaseRef(_message.Message):
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

class WorkerFrame(_message.Message):
    __slots__ = ("hello", "credit", "accept", "heartbeat", "progress", "complete", "fail", "release", "throttle", "drain", "ping", "pong")
    HELLO_FIELD_NUMBER: _ClassVar[int]
    CREDIT_FIELD_NUMBER: _ClassVar[int]
    ACCEPT_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    COMPLETE_FIELD_NUMBER: _ClassVar[int]
    FAIL_FIELD_NUMBER: _ClassVar[int]
    RELEASE_FIELD_NUMBER: _ClassVar[int]
    THROTTLE_FIELD_NUMBER: _ClassVar[int]
    DRAIN_FIELD_NUMBER: _ClassVar[int]
    PING_FIELD_NUMBER: _ClassVar[int]
    PONG_FIELD_NUMBER: _ClassVar[int]
    hello: Hello
    credit: Credit
    accept: Accept
    heartbeat: Heartbeat
    progress: ReportProgressRequest
    complete: CompleteAttemptsRequest
    fail: FailAttemptsRequest
    release: ReleaseLeasesRequest
    throttle: Throttle
    drain: Drain
    ping: Ping
    pong: Pong
    def __init__(self, hello: _Optional[_Union[Hello, _Mapping]] = ..., credit: _Optional[_Union[Credit, _Mapping]] = ..., accept: _Optional[_Union[Accept, _Mapping]] = ..., heartbeat: _Optional[_Union[Heartbeat, _Mapping]] = ..., progress: _Optional[_Union[ReportProgressRequest, _Mapping]] = ..., complete: _Optional[_Union[CompleteAttemptsRequest, _Mapping]] = ..., fail: _Optional[_Union[FailAttemptsRequest, _Mapping]] = ..., release: _Optional[_Union[ReleaseLeasesRequest, _Mapping]] = ..., throttle: _Optional[_Union[Throttle, _Mapping]] = ..., drain: _Optional[_Union[Drain, _Mapping]] = ..., ping: _Optional[_Union[Ping, _Mapping]] = ..., pong: _Optional[_Union[Pong, _Mapping]] = ...) -> None: ...

class ServerFrame(_message.Message):
    __slots__ = ("welcome", "offers", "verdicts", "cancels", "goaway", "results", "hint", "drain_ack", "ping", "pong")
    WELCOME_FIELD_NUMBER: _ClassVar[int]
    OFFERS_FIELD_NUMBER: _ClassVar[int]
    VERDICTS_FIELD_NUMBER: _ClassVar[int]
    CANCELS_FIELD_NUMBER: _ClassVar[int]
    GOAWAY_FIELD_NUMBER: _ClassVar[int]
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    HINT_FIELD_NUMBER: _ClassVar[int]
    DRAIN_ACK_FIELD_NUMBER: _ClassVar[int]
    PING_FIELD_NUMBER: _ClassVar[int]
    PONG_FIELD_NUMBER: _ClassVar[int]
    welcome: Welcome
    offers: Offers
    verdicts: Verdicts
    cancels: Cancels
    goaway: Goaway
    results: Results
    hint: Hint
    drain_ack: DrainAck
    ping: Ping
    pong: Pong
    def __init__(self, welcome: _Optional[_Union[Welcome, _Mapping]] = ..., offers: _Optional[_Union[Offers, _Mapping]] = ..., verdicts: _Optional[_Union[Verdicts, _Mapping]] = ..., cancels: _Optional[_Union[Cancels, _Mapping]] = ..., goaway: _Optional[_Union[Goaway, _Mapping]] = ..., results: _Optional[_Union[Results, _Mapping]] = ..., hint: _Optional[_Union[Hint, _Mapping]] = ..., drain_ack: _Optional[_Union[DrainAck, _Mapping]] = ..., ping: _Optional[_Union[Ping, _Mapping]] = ..., pong: _Optional[_Union[Pong, _Mapping]] = ...) -> None: ...

class Pool(_message.Message):
    __slots__ = ("name", "job_types", "queues", "slots")
    NAME_FIELD_NUMBER: _ClassVar[int]
    JOB_TYPES_FIELD_NUMBER: _ClassVar[int]
    QUEUES_FIELD_NUMBER: _ClassVar[int]
    SLOTS_FIELD_NUMBER: _ClassVar[int]
    name: str
    job_types: _containers.RepeatedScalarFieldContainer[str]
    queues: _containers.RepeatedScalarFieldContainer[str]
    slots: int
    def __init__(self, name: _Optional[str] = ..., job_types: _Optional[_Iterable[str]] = ..., queues: _Optional[_Iterable[str]] = ..., slots: _Optional[int] = ...) -> None: ...

class Hello(_message.Message):
    __slots__ = ("worker_id", "instance_id", "pools", "held_leases", "max_payload_bytes", "sdk", "labels", "lease_at_once", "host")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    POOLS_FIELD_NUMBER: _ClassVar[int]
    HELD_LEASES_FIELD_NUMBER: _ClassVar[int]
    MAX_PAYLOAD_BYTES_FIELD_NUMBER: _ClassVar[int]
    SDK_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    LEASE_AT_ONCE_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    worker_id: str
    instance_id: str
    pools: _containers.RepeatedCompositeFieldContainer[Pool]
    held_leases: _containers.RepeatedCompositeFieldContainer[LeaseRef]
    max_payload_bytes: int
    sdk: str
    labels: _containers.ScalarMap[str, str]
    lease_at_once: bool
    host: str
    def __init__(self, worker_id: _Optional[str] = ..., instance_id: _Optional[str] = ..., pools: _Optional[_Iterable[_Union[Pool, _Mapping]]] = ..., held_leases: _Optional[_Iterable[_Union[LeaseRef, _Mapping]]] = ..., max_payload_bytes: _Optional[int] = ..., sdk: _Optional[str] = ..., labels: _Optional[_Mapping[str, str]] = ..., lease_at_once: bool = ..., host: _Optional[str] = ...) -> None: ...

class Welcome(_message.Message):
    __slots__ = ("session_id", "server_id", "lease_policy")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    SERVER_ID_FIELD_NUMBER: _ClassVar[int]
    LEASE_POLICY_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    server_id: str
    lease_policy: _lease_policy_pb2.LeasePolicy
    def __init__(self, session_id: _Optional[str] = ..., server_id: _Optional[str] = ..., lease_policy: _Optional[_Union[_lease_policy_pb2.LeasePolicy, _Mapping]] = ...) -> None: ...

class Credit(_message.Message):
    __slots__ = ("pools",)
    POOLS_FIELD_NUMBER: _ClassVar[int]
    pools: _containers.RepeatedCompositeFieldContainer[PoolCredit]
    def __init__(self, pools: _Optional[_Iterable[_Union[PoolCredit, _Mapping]]] = ...) -> None: ...

class PoolCredit(_message.Message):
    __slots__ = ("pool", "slots")
    POOL_FIELD_NUMBER: _ClassVar[int]
    SLOTS_FIELD_NUMBER: _ClassVar[int]
    pool: str
    slots: int
    def __init__(self, pool: _Optional[str] = ..., slots: _Optional[int] = ...) -> None: ...

class Offers(_message.Message):
    __slots__ = ("offers", "active")
    OFFERS_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    offers: _containers.RepeatedCompositeFieldContainer[Offer]
    active: bool
    def __init__(self, offers: _Optional[_Iterable[_Union[Offer, _Mapping]]] = ..., active: bool = ...) -> None: ...

class Offer(_message.Message):
    __slots__ = ("lease", "pool", "spec", "lease_ttl", "attempt_deadline", "checkpoint", "run_id", "name", "create_time")
    LEASE_FIELD_NUMBER: _ClassVar[int]
    POOL_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    LEASE_TTL_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_DEADLINE_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    lease: LeaseRef
    pool: str
    spec: _job_pb2.JobSpec
    lease_ttl: _duration_pb2.Duration
    attempt_deadline: _duration_pb2.Duration
    checkpoint: bytes
    run_id: str
    name: str
    create_time: _timestamp_pb2.Timestamp
    def __init__(self, lease: _Optional[_Union[LeaseRef, _Mapping]] = ..., pool: _Optional[str] = ..., spec: _Optional[_Union[_job_pb2.JobSpec, _Mapping]] = ..., lease_ttl: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., attempt_deadline: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., checkpoint: _Optional[bytes] = ..., run_id: _Optional[str] = ..., name: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Accept(_message.Message):
    __slots__ = ("leases",)
    LEASES_FIELD_NUMBER: _ClassVar[int]
    leases: _containers.RepeatedCompositeFieldContainer[LeaseRef]
    def __init__(self, leases: _Optional[_Iterable[_Union[LeaseRef, _Mapping]]] = ...) -> None: ...

class Heartbeat(_message.Message):
    __slots__ = ("leases",)
    LEASES_FIELD_NUMBER: _ClassVar[int]
    leases: _containers.RepeatedCompositeFieldContainer[LeaseRef]
    def __init__(self, leases: _Optional[_Iterable[_Union[LeaseRef, _Mapping]]] = ...) -> None: ...

class Verdict(_message.Message):
    __slots__ = ("job_id", "lease_epoch", "verdict", "attempt_time_left")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    LEASE_EPOCH_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_TIME_LEFT_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    lease_epoch: int
    verdict: LeaseVerdict
    attempt_time_left: _duration_pb2.Duration
    def __init__(self, job_id: _Optional[str] = ..., lease_epoch: _Optional[int] = ..., verdict: _Optional[_Union[LeaseVerdict, str]] = ..., attempt_time_left: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class Verdicts(_message.Message):
    __slots__ = ("verdicts",)
    VERDICTS_FIELD_NUMBER: _ClassVar[int]
    verdicts: _containers.RepeatedCompositeFieldContainer[Verdict]
    def __init__(self, verdicts: _Optional[_Iterable[_Union[Verdict, _Mapping]]] = ...) -> None: ...

class Cancels(_message.Message):
    __slots__ = ("cancels",)
    CANCELS_FIELD_NUMBER: _ClassVar[int]
    cancels: _containers.RepeatedCompositeFieldContainer[Cancel]
    def __init__(self, cancels: _Optional[_Iterable[_Union[Cancel, _Mapping]]] = ...) -> None: ...

class Cancel(_message.Message):
    __slots__ = ("job_id", "lease_epoch", "reason", "grace")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    LEASE_EPOCH_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    GRACE_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    lease_epoch: int
    reason: CancelReason
    grace: _duration_pb2.Duration
    def __init__(self, job_id: _Optional[str] = ..., lease_epoch: _Optional[int] = ..., reason: _Optional[_Union[CancelReason, str]] = ..., grace: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class Goaway(_message.Message):
    __slots__ = ("reason", "finish_by", "reconnect_window")
    REASON_FIELD_NUMBER: _ClassVar[int]
    FINISH_BY_FIELD_NUMBER: _ClassVar[int]
    RECONNECT_WINDOW_FIELD_NUMBER: _ClassVar[int]
    reason: GoawayReason
    finish_by: _duration_pb2.Duration
    reconnect_window: _duration_pb2.Duration
    def __init__(self, reason: _Optional[_Union[GoawayReason, str]] = ..., finish_by: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., reconnect_window: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class Ping(_message.Message):
    __slots__ = ("nonce",)
    NONCE_FIELD_NUMBER: _ClassVar[int]
    nonce: int
    def __init__(self, nonce: _Optional[int] = ...) -> None: ...

class Pong(_message.Message):
    __slots__ = ("nonce",)
    NONCE_FIELD_NUMBER: _ClassVar[int]
    nonce: int
    def __init__(self, nonce: _Optional[int] = ...) -> None: ...

class Drain(_message.Message):
    __slots__ = ("reason",)
    REASON_FIELD_NUMBER: _ClassVar[int]
    reason: str
    def __init__(self, reason: _Optional[str] = ...) -> None: ...

class DrainAck(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Throttle(_message.Message):
    __slots__ = ("resource_key", "retry_after", "remaining")
    RESOURCE_KEY_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_FIELD_NUMBER: _ClassVar[int]
    REMAINING_FIELD_NUMBER: _ClassVar[int]
    resource_key: str
    retry_after: _duration_pb2.Duration
    remaining: int
    def __init__(self, resource_key: _Optional[str] = ..., retry_after: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., remaining: _Optional[int] = ...) -> None: ...

class Hint(_message.Message):
    __slots__ = ("ready_jobs", "blocked_by", "more_workers_help")
    READY_JOBS_FIELD_NUMBER: _ClassVar[int]
    BLOCKED_BY_FIELD_NUMBER: _ClassVar[int]
    MORE_WORKERS_HELP_FIELD_NUMBER: _ClassVar[int]
    ready_jobs: int
    blocked_by: _containers.RepeatedCompositeFieldContainer[_job_pb2.BlockedBy]
    more_workers_help: bool
    def __init__(self, ready_jobs: _Optional[int] = ..., blocked_by: _Optional[_Iterable[_Union[_job_pb2.BlockedBy, _Mapping]]] = ..., more_workers_help: bool = ...) -> None: ...

class WriteResult(_message.Message):
    __slots__ = ("kind", "job_id", "lease_epoch", "completion_id", "verdict", "state", "error")
    KIND_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    LEASE_EPOCH_FIELD_NUMBER: _ClassVar[int]
    COMPLETION_ID_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    kind: WriteKind
    job_id: str
    lease_epoch: int
    completion_id: str
    verdict: WriteVerdict
    state: _job_pb2.JobState
    error: _status_pb2.Status
    def __init__(self, kind: _Optional[_Union[WriteKind, str]] = ..., job_id: _Optional[str] = ..., lease_epoch: _Optional[int] = ..., completion_id: _Optional[str] = ..., verdict: _Optional[_Union[WriteVerdict, str]] = ..., state: _Optional[_Union[_job_pb2.JobState, str]] = ..., error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...

class Results(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[WriteResult]
    def __init__(self, results: _Optional[_Iterable[_Union[WriteResult, _Mapping]]] = ...) -> None: ...

class Completion(_message.Message):
    __slots__ = ("lease", "completion_id", "result", "artifacts")
    LEASE_FIELD_NUMBER: _ClassVar[int]
    COMPLETION_ID_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    ARTIFACTS_FIELD_NUMBER: _ClassVar[int]
    lease: LeaseRef
    completion_id: str
    result: bytes
    artifacts: _containers.RepeatedCompositeFieldContainer[_artifact_pb2.ArtifactBinding]
    def __init__(self, lease: _Optional[_Union[LeaseRef, _Mapping]] = ..., completion_id: _Optional[str] = ..., result: _Optional[bytes] = ..., artifacts: _Optional[_Iterable[_Union[_artifact_pb2.ArtifactBinding, _Mapping]]] = ...) -> None: ...

class FailureReport(_message.Message):
    __slots__ = ("lease", "completion_id", "failure")
    LEASE_FIELD_NUMBER: _ClassVar[int]
    COMPLETION_ID_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    lease: LeaseRef
    completion_id: str
    failure: _failure_pb2.Failure
    def __init__(self, lease: _Optional[_Union[LeaseRef, _Mapping]] = ..., completion_id: _Optional[str] = ..., failure: _Optional[_Union[_failure_pb2.Failure, _Mapping]] = ...) -> None: ...

class Release(_message.Message):
    __slots__ = ("lease", "reason")
    LEASE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    lease: LeaseRef
    reason: ReleaseReason
    def __init__(self, lease: _Optional[_Union[LeaseRef, _Mapping]] = ..., reason: _Optional[_Union[ReleaseReason, str]] = ...) -> None: ...

class ProgressReport(_message.Message):
    __slots__ = ("lease", "progress")
    LEASE_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    lease: LeaseRef
    progress: _job_pb2.Progress
    def __init__(self, lease: _Optional[_Union[LeaseRef, _Mapping]] = ..., progress: _Optional[_Union[_job_pb2.Progress, _Mapping]] = ...) -> None: ...

class ClaimJobsRequest(_message.Message):
    __slots__ = ("claim_request_id", "worker_id", "job_types", "queues", "max_jobs", "wait", "max_payload_bytes")
    CLAIM_REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    JOB_TYPES_FIELD_NUMBER: _ClassVar[int]
    QUEUES_FIELD_NUMBER: _ClassVar[int]
    MAX_JOBS_FIELD_NUMBER: _ClassVar[int]
    WAIT_FIELD_NUMBER: _ClassVar[int]
    MAX_PAYLOAD_BYTES_FIELD_NUMBER: _ClassVar[int]
    claim_request_id: str
    worker_id: str
    job_types: _containers.RepeatedScalarFieldContainer[str]
    queues: _containers.RepeatedScalarFieldContainer[str]
    max_jobs: int
    wait: _duration_pb2.Duration
    max_payload_bytes: int
    def __init__(self, claim_request_id: _Optional[str] = ..., worker_id: _Optional[str] = ..., job_types: _Optional[_Iterable[str]] = ..., queues: _Optional[_Iterable[str]] = ..., max_jobs: _Optional[int] = ..., wait: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., max_payload_bytes: _Optional[int] = ...) -> None: ...

class ClaimJobsResponse(_message.Message):
    __slots__ = ("jobs",)
    JOBS_FIELD_NUMBER: _ClassVar[int]
    jobs: _containers.RepeatedCompositeFieldContainer[Offer]
    def __init__(self, jobs: _Optional[_Iterable[_Union[Offer, _Mapping]]] = ...) -> None: ...

class RenewLeasesRequest(_message.Message):
    __slots__ = ("leases",)
    LEASES_FIELD_NUMBER: _ClassVar[int]
    leases: _containers.RepeatedCompositeFieldContainer[LeaseRef]
    def __init__(self, leases: _Optional[_Iterable[_Union[LeaseRef, _Mapping]]] = ...) -> None: ...

class RenewLeasesResponse(_message.Message):
    __slots__ = ("verdicts",)
    VERDICTS_FIELD_NUMBER: _ClassVar[int]
    verdicts: _containers.RepeatedCompositeFieldContainer[Verdict]
    def __init__(self, verdicts: _Optional[_Iterable[_Union[Verdict, _Mapping]]] = ...) -> None: ...

class ReportProgressRequest(_message.Message):
    __slots__ = ("reports",)
    REPORTS_FIELD_NUMBER: _ClassVar[int]
    reports: _containers.RepeatedCompositeFieldContainer[ProgressReport]
    def __init__(self, reports: _Optional[_Iterable[_Union[ProgressReport, _Mapping]]] = ...) -> None: ...

class ReportProgressResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[WriteResult]
    def __init__(self, results: _Optional[_Iterable[_Union[WriteResult, _Mapping]]] = ...) -> None: ...

class CompleteAttemptsRequest(_message.Message):
    __slots__ = ("completions",)
    COMPLETIONS_FIELD_NUMBER: _ClassVar[int]
    completions: _containers.RepeatedCompositeFieldContainer[Completion]
    def __init__(self, completions: _Optional[_Iterable[_Union[Completion, _Mapping]]] = ...) -> None: ...

class CompleteAttemptsResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[WriteResult]
    def __init__(self, results: _Optional[_Iterable[_Union[WriteResult, _Mapping]]] = ...) -> None: ...

class FailAttemptsRequest(_message.Message):
    __slots__ = ("failures",)
    FAILURES_FIELD_NUMBER: _ClassVar[int]
    failures: _containers.RepeatedCompositeFieldContainer[FailureReport]
    def __init__(self, failures: _Optional[_Iterable[_Union[FailureReport, _Mapping]]] = ...) -> None: ...

class FailAttemptsResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[WriteResult]
    def __init__(self, results: _Optional[_Iterable[_Union[WriteResult, _Mapping]]] = ...) -> None: ...

class ReleaseLeasesRequest(_message.Message):
    __slots__ = ("releases",)
    RELEASES_FIELD_NUMBER: _ClassVar[int]
    releases: _containers.RepeatedCompositeFieldContainer[Release]
    def __init__(self, releases: _Optional[_Iterable[_Union[Release, _Mapping]]] = ...) -> None: ...

class ReleaseLeasesResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[WriteResult]
    def __init__(self, results: _Optional[_Iterable[_Union[WriteResult, _Mapping]]] = ...) -> None: ...

class CheckLeaseRequest(_message.Message):
    __slots__ = ("lease",)
    LEASE_FIELD_NUMBER: _ClassVar[int]
    lease: LeaseRef
    def __init__(self, lease: _Optional[_Union[LeaseRef, _Mapping]] = ...) -> None: ...

class CheckLeaseResponse(_message.Message):
    __slots__ = ("current", "newest_lease_epoch", "expires_in")
    CURRENT_FIELD_NUMBER: _ClassVar[int]
    NEWEST_LEASE_EPOCH_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_IN_FIELD_NUMBER: _ClassVar[int]
    current: bool
    newest_lease_epoch: int
    expires_in: _duration_pb2.Duration
    def __init__(self, current: bool = ..., newest_lease_epoch: _Optional[int] = ..., expires_in: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class GetLeasePolicyRequest(_message.Message):
    __slots__ = ("job_type",)
    JOB_TYPE_FIELD_NUMBER: _ClassVar[int]
    job_type: str
    def __init__(self, job_type: _Optional[str] = ...) -> None: ...

class GetLeasePolicyResponse(_message.Message):
    __slots__ = ("lease_policy",)
    LEASE_POLICY_FIELD_NUMBER: _ClassVar[int]
    lease_policy: _lease_policy_pb2.LeasePolicy
    def __init__(self, lease_policy: _Optional[_Union[_lease_policy_pb2.LeasePolicy, _Mapping]] = ...) -> None: ...
