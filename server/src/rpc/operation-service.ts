import type { ServiceImpl } from "@connectrpc/connect";
import type { listOperationResults, listOperations } from "../app/operations/list-operations.ts";
import type { OperationStop, OperationView, StopResult } from "../app/operations/operation-view.ts";
import type { dryRunOperation, startOperation } from "../app/operations/start-operation.ts";
import type { OperationService } from "../gen/stellaops/orchestrator/v1/operation_pb.ts";
import { auditOf } from "./audit.ts";
import { alreadyExists, failedPrecondition, invalidArgument, notFound } from "./errors.ts";
import { tenantOf } from "./interceptors/tenant.ts";
import { operationMessage, outcomeOf, resultMessage } from "./operation-message.ts";
import { readOperationRequest } from "./operation-request.ts";
import { pageTokenInvalid } from "./page-tokens.ts";

/** The use cases behind the service. */
export interface OperationPorts {
  readonly start: ReturnType<typeof startOperation>;
  readonly dryRun: ReturnType<typeof dryRunOperation>;
  readonly find: (tenant: string, id: string) => Promise<OperationView | undefined>;
  readonly list: ReturnType<typeof listOperations>;
  readonly results: ReturnType<typeof listOperationResults>;
  readonly stop: (stop: OperationStop) => Promise<StopResult>;
}

/** OperationService: translates, and leaves the work to the use cases. */
export const operationService = (ports: OperationPorts): ServiceImpl<typeof OperationService> => ({
  async startOperation(request, context) {
    const tenant = tenantOf(context);
    const wanted = readOperationRequest(request, context);
    if (request.dryRun) {
      const result = await ports.dryRun(tenant, wanted);
      if (result.kind === "run_not_found") throw runNotFound(result.runId);
      return { matching: BigInt(result.matching), sampleJobIds: [...result.sampleJobIds] };
    }
    const result = await ports.start(tenant, wanted);
    switch (result.kind) {
      case "run_not_found":
        throw runNotFound(result.runId);
      case "request_id_conflict":
        throw alreadyExists("REQUEST_ID_CONFLICT", { requestId: wanted.requestId });
      case "reason_required": {
        const description = "discarding needs a reason";
        throw invalidArgument("REASON_REQUIRED", [{ field: "reason", description }]);
      }
      default: {
        const operation = operationMessage(result.operation);
        return { operation, alreadyExisted: result.kind === "existing" };
      }
    }
  },

  async getOperation(request, context) {
    const id = request.operationId.toLowerCase();
    const found = await ports.find(tenantOf(context), id);
    if (found === undefined) throw operationNotFound(id);
    return { operation: operationMessage(found) };
  },

  async listOperations(request, context) {
    const result = await ports.list(tenantOf(context), request.runningOnly, request);
    if (result.kind !== "page") throw pageTokenInvalid();
    const { items, nextPageToken } = result;
    return { operations: items.map(operationMessage), nextPageToken };
  },

  async listOperationResults(request, context) {
    const id = request.operationId.toLowerCase();
    const outcome = outcomeOf(request.outcome);
    const result = await ports.results(tenantOf(context), id, outcome, request);
    if (result === undefined) throw operationNotFound(id);
    if (result.kind !== "page") throw pageTokenInvalid();
    return { results: result.items.map(resultMessage), nextPageToken: result.nextPageToken };
  },

  async stopOperation(request, context) {
    const id = request.operationId.toLowerCase();
    const said = auditOf(request, context);
    const stopped = await ports.stop({ tenant: tenantOf(context), id, ...said });
    if (stopped.kind === "not_found") throw operationNotFound(id);
    if (stopped.kind === "not_stoppable") {
      const { runId } = stopped;
      throw failedPrecondition("OPERATION_NOT_STOPPABLE", { operationId: id, runId });
    }
    return { operation: operationMessage(stopped.operation) };
  },
});

const runNotFound = (runId: string) => notFound("RUN_NOT_FOUND", { runId });

const operationNotFound = (operationId: string) => notFound("OPERATION_NOT_FOUND", { operationId });
