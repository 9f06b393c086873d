import datetime

from google.protobuf import descriptor_pb2 as _descriptor_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor
LEASE_POLICY_FIELD_NUMBER: _ClassVar[int]
lease_policy: _descriptor.FieldDescriptor

class LeasePolicy(_message.Message):
    __slots__ = ("offer_accept_deadline", "lease_ttl", "renew_interval", "expiry_sweep", "attempt_deadline", "drain_grace", "unary_poll_default", "unary_poll_max", "stream_max_age", "goaway_notice", "reconnect_min", "reconnect_max", "retry", "max_interruptions", "interruption_window", "artifact_chunk_bytes", "max_message_bytes", "max_payload_bytes", "idempotency_retention")
    OFFER_ACCEPT_DEADLINE_FIELD_NUMBER: _ClassVar[int]
    LEASE_TTL_FIELD_NUMBER: _ClassVar[int]
    RENEW_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    EXPIRY_SWEEP_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_DEADLINE_FIELD_NUMBER: _ClassVar[int]
    DRAIN_GRACE_FIELD_NUMBER: _ClassVar[int]
    UNARY_POLL_DEFAULT_FIELD_NUMBER: _ClassVar[int]
    UNARY_POLL_MAX_FIELD_NUMBER: _ClassVar[int]
    STREAM_MAX_AGE_FIELD_NUMBER: _ClassVar[int]
    GOAWAY_NOTICE_FIELD_NUMBER: _ClassVar[int]
    RECONNECT_MIN_FIELD_NUMBER: _ClassVar[int]
    RECONNECT_MAX_FIELD_NUMBER: _ClassVar[int]
    RETRY_FIELD_NUMBER: _ClassVar[int]
    MAX_INTERRUPTIONS_FIELD_NUMBER: _ClassVar[int]
    INTERRUPTION_WINDOW_FIELD_NUMBER: _ClassVar[int]
    ARTIFACT_CHUNK_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_MESSAGE_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_PAYLOAD_BYTES_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_RETENTION_FIELD_NUMBER: _ClassVar[int]
    offer_accept_deadline: _duration_pb2.Duration
    lease_ttl: _duration_pb2.Duration
    renew_interval: _duration_pb2.Duration
    expiry_sweep: _duration_pb2.Duration
    attempt_deadline: _duration_pb2.Duration
    drain_grace: _duration_pb2.Duration
    unary_poll_default: _duration_pb2.Duration
    unary_poll_max: _duration_pb2.Duration
    stream_max_age: _duration_pb2.Duration
    goaway_notice: _duration_pb2.Duration
    reconnect_min: _duration_pb2.Duration
    reconnect_max: _duration_pb2.Duration
    retry: RetryPolicy
    max_interruptions: int
    interruption_window: _duration_pb2.Duration
    artifact_chunk_bytes: int
    max_message_bytes: int
    max_payload_bytes: int
    idempotency_retention: _duration_pb2.Duration
    def __init__(self, offer_accept_deadline: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., lease_ttl: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., renew_interval: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., expiry_sweep: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., attempt_deadline: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., drain_grace: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., unary_poll_default: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., unary_poll_max: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., stream_max_age: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., goaway_notice: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., reconnect_min: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., reconnect_max: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., retry: _Optional[_Union[RetryPolicy, _Mapping]] = ..., max_interruptions: _Optional[int] = ..., interruption_window: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., artifact_chunk_bytes: _Optional[int] = ..., max_message_bytes: _Optional[int] = ..., max_payload_bytes: _Optional[int] = ..., idempotency_retention: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class RetryPolicy(_message.Message):
    __slots__ = ("max_attempts", "initial_backoff", "multiplier", "max_backoff", "max_elapsed")
    MAX_ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    INITIAL_BACKOFF_FIELD_NUMBER: _ClassVar[int]
    MULTIPLIER_FIELD_NUMBER: _ClassVar[int]
    MAX_BACKOFF_FIELD_NUMBER: _ClassVar[int]
    MAX_ELAPSED_FIELD_NUMBER: _ClassVar[int]
    max_attempts: int
    initial_backoff: _duration_pb2.Duration
    multiplier: float
    max_backoff: _duration_pb2.Duration
    max_elapsed: _duration_pb2.Duration
    def __init__(self, max_attempts: _Optional[int] = ..., initial_backoff: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., multiplier: _Optional[float] = ..., max_backoff: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., max_elapsed: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...
