"""A server over a real wire whose unary calls are functions of a test."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
from google.protobuf.any_pb2 import Any as Detail
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status

from stellaops_orchestrator import Orchestrator
from stellaops_orchestrator.client import rpcs

RPCS = {rpc.method: rpc for rpc in vars(rpcs).values() if isinstance(rpc, rpcs.Rpc)}


class RefusalError(Exception):
    """Raise it in a call to answer with an error."""

    def __init__(self, code: grpc.StatusCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Calls:
    """What came in, and what answers it: a function per method."""

    def __init__(self, answers: dict[str, Callable[[Any], Any]]) -> None:
        self.answers = answers
        self.requests: dict[str, list[Any]] = {name: [] for name in answers}
        self.url = ""

    def away_once(self, method: str) -> None:
        """The method's first call comes to nothing: the SDK must repeat it."""
        answer = self.answers[method]

        def first(_: Any) -> Any:
            self.answers[method] = answer
            raise RefusalError(grpc.StatusCode.UNAVAILABLE, "AWAY")

        self.answers[method] = first

    def handler(self, method: str) -> Any:
        async def answer(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
            self.requests[method].append(request)
            try:
                return self.answers[method](request)
            except RefusalError as refusal:
                detail = Detail()
                detail.Pack(ErrorInfo(reason=refusal.reason, domain="orchestrator.stellaops"))
                status = Status(code=refusal.code.value[0], message="no", details=[detail])
                pair = ("grpc-status-details-bin", status.SerializeToString())
                context.set_trailing_metadata((pair,))
                await context.abort(refusal.code, "no")

        rpc = RPCS[method]
        return grpc.unary_unary_rpc_method_handler(
            answer,
            request_deserializer=rpc.request.FromString,
            response_serializer=rpc.response.SerializeToString,
        )


@asynccontextmanager
async def scripted_calls(
    **answers: Callable[[Any], Any],
) -> AsyncIterator[tuple[Orchestrator, Calls]]:
    """A client and the server that it calls."""
    calls = Calls(answers)
    services: dict[str, dict[str, Any]] = {}
    for method in answers:
        name = f"stellaops.orchestrator.v1.{RPCS[method].service}"
        services.setdefault(name, {})[method] = calls.handler(method)
    server = grpc.aio.server()
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler(name, found) for name, found in services.items()]
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    calls.url = f"http://127.0.0.1:{port}"
    try:
        async with Orchestrator(calls.url, timeout=10) as orch:
            yield orch, calls
    finally:
        await server.stop(None)
