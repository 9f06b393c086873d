import { type Client, Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { FleetService } from "../../server/src/gen/stellaops/orchestrator/v1/fleet_pb.ts";
import { OperationService } from "../../server/src/gen/stellaops/orchestrator/v1/operation_pb.ts";
import { ScheduleService } from "../../server/src/gen/stellaops/orchestrator/v1/schedule_pb.ts";

/** What an operator calls that the SDK has no part for. */
export interface OperatorClients {
  readonly schedules: Client<typeof ScheduleService>;
  readonly operations: Client<typeof OperationService>;
  readonly fleet: Client<typeof FleetService>;
}

/** Clients of whatever is at the address; the first call connects. */
export function operatorClientsOf(baseUrl: string): OperatorClients {
  const sessionManager = new Http2SessionManager(baseUrl);
  const transport = createGrpcTransport({ baseUrl, sessionManager });
  return {
    schedules: createClient(ScheduleService, transport),
    operations: createClient(OperationService, transport),
    fleet: createClient(FleetService, transport),
  };
}

/** Who calls, and how long one try may take. */
export const as = (tenant: string) => ({
  headers: { "orch-tenant": tenant, "orch-actor": "chaos" },
  timeoutMs: 15_000,
});

const PATIENCE_MS = 60_000;
const AGAIN_MS = 200;
// With these somebody tries again: the first answer may have been lost.
const PASSING = new Set([
  Code.Unavailable,
  Code.DeadlineExceeded,
  Code.Aborted,
  Code.Internal,
  Code.Unknown,
  Code.Canceled,
  Code.ResourceExhausted,
]);

/** Calls until there is an answer that time will not change; every call here is safe to repeat. */
export async function insist<T>(call: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      const isPassing = error instanceof ConnectError && PASSING.has(error.code);
      if (!isPassing || performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }
}
