"""Where the server is, and one HTTP/2 connection to it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import grpc

from stellaops_orchestrator.client.rpcs import Req, Res, Rpc
from stellaops_orchestrator.contract.lease_policy import CONTRACT_POLICY
from stellaops_orchestrator.errors import FailedPreconditionError, InvalidArgumentError

DEFAULT_URL = "http://127.0.0.1:7400"
"""Where a server listens that was told nothing else."""

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to connect and as whom."""

    target: str
    is_secure: bool
    metadata: tuple[tuple[str, str], ...] = field(repr=False)
    credentials: grpc.ChannelCredentials | None = field(default=None, repr=False)


def resolve_endpoint(
    url: str | None,
    tenant: str,
    headers: Mapping[str, str] | None,
    credentials: grpc.ChannelCredentials | None,
) -> Endpoint:
    """Fills in the defaults: ``ORCH_URL`` of the environment, else loopback port 7400.

    Raises:
        InvalidArgumentError: URL_INVALID, for what is not an http or https address.
    """
    address = url or os.environ.get("ORCH_URL") or DEFAULT_URL
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if host is None or parts.scheme not in _PORTS:
        message = f"{address!r} is not an http or https address"
        raise InvalidArgumentError(message, reason="URL_INVALID", metadata={"url": address})
    name = f"[{host}]" if ":" in host else host
    pairs = {key.lower(): value for key, value in (headers or {}).items()}
    return Endpoint(
        target=f"{name}:{port or _PORTS[parts.scheme]}",
        is_secure=parts.scheme == "https",
        metadata=(*pairs.items(), ("orch-tenant", tenant)),
        credentials=credentials,
    )


# Longer than any session: see Connection.
_NEVER_MS = 24 * 3600 * 1000


def _options(*, reconnects: bool) -> list[tuple[str, int]]:
    reconnect_ms = round(CONTRACT_POLICY.reconnect_min.total_seconds() * 1000)
    reconnect_ms = reconnect_ms if reconnects else _NEVER_MS
    renew_ms = round(CONTRACT_POLICY.renew_interval.total_seconds() * 1000)
    return [
        # A page of jobs with results is larger than any request; still bounded.
        ("grpc.max_receive_message_length", 4 * CONTRACT_POLICY.max_message_bytes),
        # A pool shared with other channels would share their backoff, too.
        ("grpc.use_local_subchannel_pool", 1),
        # The SDK's own jittered backoff decides when to try again; gRPC's stays out of its way.
        ("grpc.initial_reconnect_backoff_ms", reconnect_ms),
        ("grpc.max_reconnect_backoff_ms", 8 * reconnect_ms),
        # gRPC's retries know nothing of RetryInfo, or of what is safe to repeat.
        ("grpc.enable_retries", 0),
        # A watch on a half-open connection must end some time.
        ("grpc.keepalive_time_ms", renew_ms),
        ("grpc.keepalive_timeout_ms", renew_ms),
    ]


def client_closed() -> FailedPreconditionError:
    """The error of a call that comes after close()."""
    return FailedPreconditionError("the client is closed", reason="CLIENT_CLOSED")


class Connection:
    """One HTTP/2 connection, opened by the first call, in that call's event loop.

    Args:
        endpoint: Where to connect.
        reconnects: Whether a connection that broke is opened again by the next call. gRPC goes on
            trying for as long as anything refers to a call, so one that is made anew each time
            must not.
    """

    def __init__(self, endpoint: Endpoint, *, reconnects: bool = True) -> None:
        self._endpoint = endpoint
        self._reconnects = reconnects
        self._channel: grpc.aio.Channel | None = None
        self._is_closed = False

    def _open(self) -> grpc.aio.Channel:
        if self._is_closed:
            raise client_closed()
        if self._channel is None:
            target, options = self._endpoint.target, _options(reconnects=self._reconnects)
            if self._endpoint.is_secure:
                credentials = self._endpoint.credentials or grpc.ssl_channel_credentials()
                self._channel = grpc.aio.secure_channel(target, credentials, options=options)
            else:
                self._channel = grpc.aio.insecure_channel(target, options=options)
        return self._channel

    async def unary(self, rpc: Rpc[Req, Res], request: Req, timeout: float) -> Res:
        """Makes one call; ``timeout`` in seconds. Raises AioRpcError."""
        callable_ = self._open().unary_unary(
            rpc.path,
            request_serializer=rpc.encode,
            response_deserializer=rpc.decode,
        )
        return await callable_(request, timeout=timeout, metadata=self._endpoint.metadata)

    def server_stream(self, rpc: Rpc[Req, Res], request: Req) -> grpc.aio.UnaryStreamCall[Req, Res]:
        """Opens a stream of responses; cancel it when you are done with it."""
        callable_ = self._open().unary_stream(
            rpc.path,
            request_serializer=rpc.encode,
            response_deserializer=rpc.decode,
        )
        return callable_(request, metadata=self._endpoint.metadata)

    def client_stream(self, rpc: Rpc[Req, Res]) -> grpc.aio.StreamUnaryCall[Req, Res]:
        """Opens a stream of requests, to be written to."""
        callable_ = self._open().stream_unary(
            rpc.path,
            request_serializer=rpc.encode,
            response_deserializer=rpc.decode,
        )
        return callable_(metadata=self._endpoint.metadata)

    def bidi(self, rpc: Rpc[Req, Res]) -> grpc.aio.StreamStreamCall[Req, Res]:
        """Opens a stream both ways, to be written to and read from."""
        callable_ = self._open().stream_stream(
            rpc.path,
            request_serializer=rpc.encode,
            response_deserializer=rpc.decode,
        )
        return callable_(metadata=self._endpoint.metadata)

    async def close(self) -> None:
        """Ends the connection and everything on it, at once."""
        self._is_closed = True
        channel, self._channel = self._channel, None
        if channel is not None:
            await channel.close(None)
