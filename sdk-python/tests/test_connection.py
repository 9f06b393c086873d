import asyncio

import grpc
import pytest

from stellaops_orchestrator.client.connection import Connection, resolve_endpoint
from stellaops_orchestrator.client.rpcs import SESSION


async def test_a_closed_session_connection_does_not_go_on_trying():
    """gRPC tries for as long as anything refers to a call: here, ``call`` does."""
    opened: asyncio.Queue[None] = asyncio.Queue()

    async def reset(_, writer):
        opened.put_nowait(None)
        writer.transport.abort()

    async with await asyncio.start_server(reset, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        endpoint = resolve_endpoint(f"http://127.0.0.1:{port}", "default", None, None)
        connection = Connection(endpoint, reconnects=False)
        call = connection.bidi(SESSION)
        with pytest.raises(grpc.aio.AioRpcError):
            await call.read()
        await connection.close()
        await opened.get()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(opened.get(), 0.8)


@pytest.mark.parametrize(
    ("url", "target", "is_secure"),
    [
        ("http://127.0.0.1:7400", "127.0.0.1:7400", False),
        ("https://orch.example/", "orch.example:443", True),
        ("http://[::1]:9", "[::1]:9", False),
    ],
)
def test_addresses(url, target, is_secure):
    endpoint = resolve_endpoint(url, "t", {"Authorization": "Bearer x"}, None)
    assert (endpoint.target, endpoint.is_secure) == (target, is_secure)
    assert dict(endpoint.metadata) == {"authorization": "Bearer x", "orch-tenant": "t"}
    assert "Bearer" not in repr(endpoint)
