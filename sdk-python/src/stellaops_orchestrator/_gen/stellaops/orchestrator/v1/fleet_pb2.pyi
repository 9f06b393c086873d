import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TaskRunner(_message.Message):
    __slots__ = ("worker_id", "host", "labels", "sdk", "server_id", "connect_time", "close_time", "leases", "take_out_ids")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    SDK_FIELD_NUMBER: _ClassVar[int]
    SERVER_ID_FIELD_NUMBER: _ClassVar[int]
    CONNECT_TIME_FIELD_NUMBER: _ClassVar[int]
    CLOSE_TIME_FIELD_NUMBER: _ClassVar[int]
    LEASES_FIELD_NUMBER: _ClassVar[int]
    TAKE_OUT_IDS_FIELD_NUMBER: _ClassVar[int]
    worker_id: str
    host: str
    labels: _containers.ScalarMap[str, str]
    sdk: str
    server_id: str
    connect_time: _timestamp_pb2.Timestamp
    close_time: _timestamp_pb2.Timestamp
    leases: int
    take_out_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, worker_id: _Optional[str] = ..., host: _Optional[str] = ..., labels: _Optional[_Mapping[str, str]] = ..., sdk: _Optional[str] = ..., server_id: _Optional[str] = ..., connect_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., close_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., leases: _Optional[int] = ..., take_out_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class TaskRunnerSelector(_message.Message):
    __slots__ = ("worker_ids", "host", "labels")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    WORKER_IDS_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    worker_ids: _containers.RepeatedScalarFieldContainer[str]
    host: str
    labels: _containers.ScalarMap[str, str]
    def __init__(self, worker_ids: _Optional[_Iterable[str]] = ..., host: _Optional[str] = ..., labels: _Optional[_Mapping[str, str]] = ...) -> None: ...

class ListTaskRunnersRequest(_message.Message):
    __slots__ = ("selector", "page_size", "page_token")
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    selector: TaskRunnerSelector
    page_size: int
    page_token: str
    def __init__(self, selector: _Optional[_Union[TaskRunnerSelector, _Mapping]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListTaskRunnersResponse(_message.Message):
    __slots__ = ("task_runners", "next_page_token")
    TASK_RUNNERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    task_runners: _containers.RepeatedCompositeFieldContainer[TaskRunner]
    next_page_token: str
    def __init__(self, task_runners: _Optional[_Iterable[_Union[TaskRunner, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class TakeOutRequest(_message.Message):
    __slots__ = ("request_id", "selector", "move_leases", "grace", "reason", "ticket")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    MOVE_LEASES_FIELD_NUMBER: _ClassVar[int]
    GRACE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TICKET_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    selector: TaskRunnerSelector
    move_leases: bool
    grace: _duration_pb2.Duration
    reason: str
    ticket: str
    def __init__(self, request_id: _Optional[str] = ..., selector: _Optional[_Union[TaskRunnerSelector, _Mapping]] = ..., move_leases: bool = ..., grace: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., reason: _Optional[str] = ..., ticket: _Optional[str] = ...) -> None: ...

class TakeOut(_message.Message):
    __slots__ = ("take_out_id", "selector", "move_leases", "actor", "reason", "ticket", "create_time")
    TAKE_OUT_ID_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    MOVE_LEASES_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TICKET_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    take_out_id: str
    selector: TaskRunnerSelector
    move_leases: bool
    actor: str
    reason: str
    ticket: str
    create_time: _timestamp_pb2.Timestamp
    def __init__(self, take_out_id: _Optional[str] = ..., selector: _Optional[_Union[TaskRunnerSelector, _Mapping]] = ..., move_leases: bool = ..., actor: _Optional[str] = ..., reason: _Optional[str] = ..., ticket: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class TakeOutResponse(_message.Message):
    __slots__ = ("take_out", "worker_ids", "leases", "already_existed")
    TAKE_OUT_FIELD_NUMBER: _ClassVar[int]
    WORKER_IDS_FIELD_NUMBER: _ClassVar[int]
    LEASES_FIELD_NUMBER: _ClassVar[int]
    ALREADY_EXISTED_FIELD_NUMBER: _ClassVar[int]
    take_out: TakeOut
    worker_ids: _containers.RepeatedScalarFieldContainer[str]
    leases: int
    already_existed: bool
    def __init__(self, take_out: _Optional[_Union[TakeOut, _Mapping]] = ..., worker_ids: _Optional[_Iterable[str]] = ..., leases: _Optional[int] = ..., already_existed: bool = ...) -> None: ...

class PutBackRequest(_message.Message):
    __slots__ = ("take_out_id", "reason", "ticket")
    TAKE_OUT_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TICKET_FIELD_NUMBER: _ClassVar[int]
    take_out_id: str
    reason: str
    ticket: str
    def __init__(self, take_out_id: _Optional[str] = ..., reason: _Optional[str] = ..., ticket: _Optional[str] = ...) -> None: ...

class PutBackResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListTakeOutsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListTakeOutsResponse(_message.Message):
    __slots__ = ("take_outs",)
    TAKE_OUTS_FIELD_NUMBER: _ClassVar[int]
    take_outs: _containers.RepeatedCompositeFieldContainer[TakeOut]
    def __init__(self, take_outs: _Optional[_Iterable[_Union[TakeOut, _Mapping]]] = ...) -> None: ...
