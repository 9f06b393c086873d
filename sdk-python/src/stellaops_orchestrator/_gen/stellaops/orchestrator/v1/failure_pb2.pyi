import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class FailureClass(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FAILURE_CLASS_UNSPECIFIED: _ClassVar[FailureClass]
    FAILURE_CLASS_USER: _ClassVar[FailureClass]
    FAILURE_CLASS_HTTP_429: _ClassVar[FailureClass]
    FAILURE_CLASS_HTTP_5XX: _ClassVar[FailureClass]
    FAILURE_CLASS_SCHEMA_MISMATCH: _ClassVar[FailureClass]
    FAILURE_CLASS_PARSE_ERROR: _ClassVar[FailureClass]
    FAILURE_CLASS_TIMEOUT: _ClassVar[FailureClass]
    FAILURE_CLASS_LEASE_EXPIRED: _ClassVar[FailureClass]
    FAILURE_CLASS_DRAINED: _ClassVar[FailureClass]
    FAILURE_CLASS_CANCELLED: _ClassVar[FailureClass]
    FAILURE_CLASS_INCAPABLE: _ClassVar[FailureClass]
    FAILURE_CLASS_PANIC: _ClassVar[FailureClass]
    FAILURE_CLASS_NETWORK: _ClassVar[FailureClass]
    FAILURE_CLASS_OVERSIZE: _ClassVar[FailureClass]
FAILURE_CLASS_UNSPECIFIED: FailureClass
FAILURE_CLASS_USER: FailureClass
FAILURE_CLASS_HTTP_429: FailureClass
FAILURE_CLASS_HTTP_5XX: FailureClass
FAILURE_CLASS_SCHEMA_MISMATCH: FailureClass
FAILURE_CLASS_PARSE_ERROR: FailureClass
FAILURE_CLASS_TIMEOUT: FailureClass
FAILURE_CLASS_LEASE_EXPIRED: FailureClass
FAILURE_CLASS_DRAINED: FailureClass
FAILURE_CLASS_CANCELLED: FailureClass
FAILURE_CLASS_INCAPABLE: FailureClass
FAILURE_CLASS_PANIC: FailureClass
FAILURE_CLASS_NETWORK: FailureClass
FAILURE_CLASS_OVERSIZE: FailureClass

class Failure(_message.Message):
    __slots__ = ("failure_class", "message", "terminal", "retry_after")
    FAILURE_CLASS_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    TERMINAL_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_FIELD_NUMBER: _ClassVar[int]
    failure_class: FailureClass
    message: str
    terminal: bool
    retry_after: _duration_pb2.Duration
    def __init__(self, failure_class: _Optional[_Union[FailureClass, str]] = ..., message: _Optional[str] = ..., terminal: bool = ..., retry_after: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...
