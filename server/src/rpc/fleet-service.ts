import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import type { Audit } from "../app/audit.ts";
import type { listTaskRunners, TaskRunnerView } from "../app/fleet/list-task-runners.ts";
import type { TakeOut, takeOut } from "../app/fleet/take-out.ts";
import type { RunnerSelector } from "../domain/fleet.ts";
import {
  type FleetService,
  type TakeOut as TakeOutMessage,
  TakeOutSchema,
  type TaskRunner,
  TaskRunnerSchema,
  type TaskRunnerSelector,
} from "../gen/stellaops/orchestrator/v1/fleet_pb.ts";
import { newId } from "../lib/ids.ts";
import { auditOf } from "./audit.ts";
import { msIfSet } from "./durations.ts";
import { alreadyExists, notFound } from "./errors.ts";
import { tenantOf } from "./interceptors/tenant.ts";
import { pageTokenInvalid } from "./page-tokens.ts";

/** The use cases behind the service. */
export interface FleetPorts {
  readonly listTaskRunners: ReturnType<typeof listTaskRunners>;
  readonly takeOut: ReturnType<typeof takeOut>;
  readonly putBack: (tenant: string, id: string, audit: Audit) => Promise<"ended" | "not_found">;
  readonly listTakeOuts: (tenant: string) => Promise<readonly TakeOut[]>;
}

/** FleetService: translates, and leaves the work to the use cases. */
export const fleetService = (ports: FleetPorts): ServiceImpl<typeof FleetService> => ({
  async listTaskRunners(request, context) {
    const selector = request.selector && selectorOf(request.selector);
    const result = await ports.listTaskRunners(tenantOf(context), selector, request);
    if (result.kind !== "page") throw pageTokenInvalid();
    const { items, nextPageToken } = result;
    return { taskRunners: items.map(taskRunnerMessage), nextPageToken };
  },

  async takeOut(request, context) {
    if (request.selector === undefined) {
      throw new Error("validation let a request without a selector through");
    }
    const result = await ports.takeOut({
      tenant: tenantOf(context),
      id: request.requestId.toLowerCase() || newId(),
      selector: selectorOf(request.selector),
      moveLeases: request.moveLeases,
      graceMs: msIfSet(request.grace),
      ...auditOf(request, context),
    });
    if (result.kind === "conflict") {
      throw alreadyExists("REQUEST_ID_CONFLICT", { requestId: request.requestId });
    }
    const { leases, alreadyExisted } = result;
    const workerIds = [...result.workerIds];
    return { takeOut: takeOutMessage(result.takeOut), workerIds, leases, alreadyExisted };
  },

  async putBack(request, context) {
    const { takeOutId } = request;
    const id = takeOutId.toLowerCase();
    const result = await ports.putBack(tenantOf(context), id, auditOf(request, context));
    if (result === "not_found") throw notFound("TAKE_OUT_NOT_FOUND", { takeOutId });
    return {};
  },

  async listTakeOuts(_request, context) {
    return { takeOuts: (await ports.listTakeOuts(tenantOf(context))).map(takeOutMessage) };
  },
});

const selectorOf = ({ workerIds, host, labels }: TaskRunnerSelector): RunnerSelector => ({
  workerIds: [...workerIds],
  host,
  labels: { ...labels },
});

const selectorMessage = ({ workerIds, host, labels }: RunnerSelector) => ({
  workerIds: [...workerIds],
  host,
  labels: { ...labels },
});

const takeOutMessage = (one: TakeOut): TakeOutMessage =>
  create(TakeOutSchema, {
    takeOutId: one.id,
    selector: selectorMessage(one.selector),
    moveLeases: one.moveLeases,
    actor: one.actor,
    reason: one.reason,
    ticket: one.ticket,
    createTime: timestampFromDate(one.createdAt),
  });

const taskRunnerMessage = (runner: TaskRunnerView): TaskRunner =>
  create(TaskRunnerSchema, {
    workerId: runner.workerId,
    host: runner.host,
    labels: { ...runner.labels },
    sdk: runner.sdk,
    serverId: runner.serverId ?? "",
    connectTime: timestampFromDate(runner.connectedAt),
    ...(runner.closedAt && { closeTime: timestampFromDate(runner.closedAt) }),
    leases: runner.leases,
    takeOutIds: [...runner.takeOutIds],
  });
