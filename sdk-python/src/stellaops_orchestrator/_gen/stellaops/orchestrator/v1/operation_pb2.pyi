import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from stellaops_orchestrator._gen.stellaops.orchestrator.v1 import dead_letter_pb2 as _dead_letter_pb2
from stellaops_orchestrator._gen.stellaops.orchestrator.v1 import job_pb2 as _job_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class OperationKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OPERATION_KIND_UNSPECIFIED: _ClassVar[OperationKind]
    OPERATION_KIND_RETRY: _ClassVar[OperationKind]
    OPERATION_KIND_CANCEL: _ClassVar[OperationKind]
    OPERATION_KIND_DISCARD: _ClassVar[OperationKind]
    OPERATION_KIND_REPRIORITISE: _ClassVar[OperationKind]
    OPERATION_KIND_MOVE: _ClassVar[OperationKind]
    OPERATION_KIND_EXTEND_DEADLINE: _ClassVar[OperationKind]
    OPERATION_KIND_CANCEL_RUN: _ClassVar[OperationKind]
    OPERATION_KIND_REPLAY_RUN: _ClassVar[OperationKind]

class OperationState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OPERATION_STATE_UNSPECIFIED: _ClassVar[OperationState]
    OPERATION_STATE_RUNNING: _ClassVar[OperationState]
    OPERATION_STATE_DONE: _ClassVar[OperationState]
    OPERATION_STATE_STOPPED: _ClassVar[OperationState]

class OperationOutcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OPERATION_OUTCOME_UNSPECIFIED: _ClassVar[OperationOutcome]
    OPERATION_OUTCOME_APPLIED: _ClassVar[OperationOutcome]
    OPERATION_OUTCOME_UNCHANGED: _ClassVar[OperationOutcome]
    OPERATION_OUTCOME_REFUSED: _ClassVar[OperationOutcome]
OPERATION_KIND_UNSPECIFIED: OperationKind
OPERATION_KIND_RETRY: OperationKind
OPERATION_KIND_CANCEL: OperationKind
OPERATION_KIND_DISCARD: OperationKind
OPERATION_KIND_REPRIORITISE: OperationKind
OPERATION_KIND_MOVE: OperationKind
OPERATION_KIND_EXTEND_DEADLINE: OperationKind
OPERATION_KIND_CANCEL_RUN: OperationKind
OPERATION_KIND_REPLAY_RUN: OperationKind
OPERATION_STATE_UNSPECIFIED: OperationState
OPERATION_STATE_RUNNING: OperationState
OPERATION_STATE_DONE: OperationState
OPERATION_STATE_STOPPED: OperationState
OPERATION_OUTCOME_UNSPECIFIED: OperationOutcome
OPERATION_OUTCOME_APPLIED: OperationOutcome
OPERATION_OUTCOME_UNCHANGED: OperationOutcome
OPERATION_OUTCOME_REFUSED: OperationOutcome

class RetryAction(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CancelAction(_message.Message):
    __slots__ = ("grace",)
    GRACE_FIELD_NUMBER: _ClassVar[int]
    grace: _duration_pb2.Duration
    def __init__(self, grace: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class DiscardAction(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ReprioritiseAction(_message.Message):
    __slots__ = ("priority",)
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    priority: int
    def __init__(self, priority: _Optional[int] = ...) -> None: ...

class MoveAction(_message.Message):
    __slots__ = ("queue",)
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    queue: str
    def __init__(self, queue: _Optional[str] = ...) -> None: ...

class ExtendDeadlineAction(_message.Message):
    __slots__ = ("deadline",)
    DEADLINE_FIELD_NUMBER: _ClassVar[int]
    deadline: _duration_pb2.Duration
    def __init__(self, deadline: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class StartOperationRequest(_message.Message):
    __slots__ = ("request_id", "jobs", "matching", "dead_letters", "retry", "cancel", "discard", "reprioritise", "move", "extend_deadline", "max_jobs_per_second", "dry_run", "reason", "ticket")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    MATCHING_FIELD_NUMBER: _ClassVar[int]
    DEAD_LETTERS_FIELD_NUMBER: _ClassVar[int]
    RETRY_FIELD_NUMBER: _ClassVar[int]
    CANCEL_FIELD_NUMBER: _ClassVar[int]
    DISCARD_FIELD_NUMBER: _ClassVar[int]
    REPRIORITISE_FIELD_NUMBER: _ClassVar[int]
    MOVE_FIELD_NUMBER: _ClassVar[int]
    EXTEND_DEADLINE_FIELD_NUMBER: _ClassVar[int]
    MAX_JOBS_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TICKET_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    jobs: _job_pb2.JobIds
    matching: _job_pb2.JobFilter
    dead_letters: _dead_letter_pb2.DeadLetterFilter
    retry: RetryAction
    cancel: CancelAction
    discard: DiscardAction
    reprioritise: ReprioritiseAction
    move: MoveAction
    extend_deadline: ExtendDeadlineAction
    max_jobs_per_second: float
    dry_run: bool
    reason: str
    ticket: str
    def __init__(self, request_id: _Optional[str] = ..., jobs: _Optional[_Union[_job_pb2.JobIds, _Mapping]] = ..., matching: _Optional[_Union[_job_pb2.JobFilter, _Mapping]] = ..., dead_letters: _Optional[_Union[_dead_letter_pb2.DeadLetterFilter, _Mapping]] = ..., retry: _Optional[_Union[RetryAction, _Mapping]] = ..., cancel: _Optional[_Union[CancelAction, _Mapping]] = ..., discard: _Optional[_Union[DiscardAction, _Mapping]] = ..., reprioritise: _Optional[_Union[ReprioritiseAction, _Mapping]] = ..., move: _Optional[_Union[MoveAction, _Mapping]] = ..., extend_deadline: _Optional[_Union[ExtendDeadlineAction, _Mapping]] = ..., max_jobs_per_second: _Optional[float] = ..., dry_run: bool = ..., reason: _Optional[str] = ..., ticket: _Optional[str] = ...) -> None: ...

class StartOperationResponse(_message.Message):
    __slots__ = ("operation", "matching", "sample_job_ids", "already_existed")
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    MATCHING_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_JOB_IDS_FIELD_NUMBER: _ClassVar[int]
    ALREADY_EXISTED_FIELD_NUMBER: _ClassVar[int]
    operation: Operation
    matching: int
    sample_job_ids: _containers.RepeatedScalarFieldContainer[str]
    already_existed: bool
    def __init__(self, operation: _Optional[_Union[Operation, _Mapping]] = ..., matching: _Optional[int] = ..., sample_job_ids: _Optional[_Iterable[str]] = ..., already_existed: bool = ...) -> None: ...

class Operation(_message.Message):
    __slots__ = ("operation_id", "tenant", "kind", "state", "actor", "reason", "ticket", "matching", "applied", "unchanged", "refused", "create_time", "finish_time", "run_id")
    OPERATION_ID_FIELD_NUMBER: _ClassVar[int]
    TENANT_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TICKET_FIELD_NUMBER: _ClassVar[int]
    MATCHING_FIELD_NUMBER: _ClassVar[int]
    APPLIED_FIELD_NUMBER: _ClassVar[int]
    UNCHANGED_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    FINISH_TIME_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    operation_id: str
    tenant: str
    kind: OperationKind
    state: OperationState
    actor: str
    reason: str
    ticket: str
    matching: int
    applied: int
    unchanged: int
    refused: int
    create_time: _timestamp_pb2.Timestamp
    finish_time: _timestamp_pb2.Timestamp
    run_id: str
    def __init__(self, operation_id: _Optional[str] = ..., tenant: _Optional[str] = ..., kind: _Optional[_Union[OperationKind, str]] = ..., state: _Optional[_Union[OperationState, str]] = ..., actor: _Optional[str] = ..., reason: _Optional[str] = ..., ticket: _Optional[str] = ..., matching: _Optional[int] = ..., applied: _Optional[int] = ..., unchanged: _Optional[int] = ..., refused: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., finish_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., run_id: _Optional[str] = ...) -> None: ...

class GetOperationRequest(_message.Message):
    __slots__ = ("operation_id",)
    OPERATION_ID_FIELD_NUMBER: _ClassVar[int]
    operation_id: str
    def __init__(self, operation_id: _Optional[str] = ...) -> None: ...

class GetOperationResponse(_message.Message):
    __slots__ = ("operation",)
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    operation: Operation
    def __init__(self, operation: _Optional[_Union[Operation, _Mapping]] = ...) -> None: ...

class ListOperationsRequest(_message.Message):
    __slots__ = ("running_only", "page_size", "page_token")
    RUNNING_ONLY_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    running_only: bool
    page_size: int
    page_token: str
    def __init__(self, running_only: bool = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListOperationsResponse(_message.Message):
    __slots__ = ("operations", "next_page_token")
    OPERATIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    operations: _containers.RepeatedCompositeFieldContainer[Operation]
    next_page_token: str
    def __init__(self, operations: _Optional[_Iterable[_Union[Operation, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class OperationResult(_message.Message):
    __slots__ = ("job_id", "outcome", "reason", "state")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    outcome: OperationOutcome
    reason: str
    state: _job_pb2.JobState
    def __init__(self, job_id: _Optional[str] = ..., outcome: _Optional[_Union[OperationOutcome, str]] = ..., reason: _Optional[str] = ..., state: _Optional[_Union[_job_pb2.JobState, str]] = ...) -> None: ...

class ListOperationResultsRequest(_message.Message):
    __slots__ = ("operation_id", "outcome", "page_size", "page_token")
    OPERATION_ID_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    operation_id: str
    outcome: OperationOutcome
    page_size: int
    page_token: str
    def __init__(self, operation_id: _Optional[str] = ..., outcome: _Optional[_Union[OperationOutcome, str]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListOperationResultsResponse(_message.Message):
    __slots__ = ("results", "next_page_token")
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[OperationResult]
    next_page_token: str
    def __init__(self, results: _Optional[_Iterable[_Union[OperationResult, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class StopOperationRequest(_message.Message):
    __slots__ = ("operation_id", "reason", "ticket")
    OPERATION_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TICKET_FIELD_NUMBER: _ClassVar[int]
    operation_id: str
    reason: str
    ticket: str
    def __init__(self, operation_id: _Optional[str] = ..., reason: _Optional[str] = ..., ticket: _Optional[str] = ...) -> None: ...

class StopOperationResponse(_message.Message):
    __slots__ = ("operation",)
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    operation: Operation
    def __init__(self, operation: _Optional[_Union[Operation, _Mapping]] = ...) -> None: ...
