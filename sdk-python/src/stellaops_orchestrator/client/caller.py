"""How a client and its groups of calls reach the server."""

from dataclasses import dataclass

from stellaops_orchestrator.client.connection import Connection
from stellaops_orchestrator.client.rpcs import Req, Res, Rpc
from stellaops_orchestrator.contract.time import Duration, seconds
from stellaops_orchestrator.retry import with_retries
from stellaops_orchestrator.trace_context import TraceHook


@dataclass(frozen=True, slots=True)
class Caller:
    """Makes the calls of one client."""

    connection: Connection
    timeout: float
    """Seconds for a call with all its repetitions, unless the call says otherwise."""
    trace_context: TraceHook | None
    """The trace context of who enqueues."""

    async def call(self, rpc: Rpc[Req, Res], request: Req, timeout: Duration | None = None) -> Res:
        """Makes a call until it answers, fails for good, or its time is over."""
        total = self.timeout if timeout is None else seconds(timeout)
        return await with_retries(lambda left: self.connection.unary(rpc, request, left), total)
