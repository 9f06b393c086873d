import { randomUUID } from "node:crypto";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { as, insist, type OperatorClients } from "./operator-clients.ts";
import type { OperatorOperation, PlannedBulk } from "./plan-operator.ts";
import type { Producing } from "./producing.ts";

const WHY = { reason: "chaos" } as const;

type Start = Parameters<OperatorClients["operations"]["startOperation"]>[0];
type Request = Pick<Start, "target" | "action">;

function requestOf(bulk: PlannedBulk): Request {
  switch (bulk.action) {
    case "retry": {
      const { jobType, source = "" } = bulk;
      const jobTypes = jobType === undefined ? [] : [jobType];
      return {
        target: { case: "deadLetters", value: { jobTypes, source } },
        action: { case: "retry", value: {} },
      };
    }
    case "discard":
      return {
        target: { case: "deadLetters", value: { jobTypes: [bulk.jobType] } },
        action: { case: "discard", value: {} },
      };
    case "reprioritise":
      return {
        target: { case: "matching", value: { jobTypes: [bulk.jobType] } },
        action: { case: "reprioritise", value: { priority: bulk.priority } },
      };
    case "extend deadline":
      return {
        target: { case: "matching", value: { jobTypes: [bulk.jobType] } },
        action: { case: "extendDeadline", value: { deadline: durationFromMs(600_000) } },
      };
    case "cancel":
      return {
        target: { case: "matching", value: { labels: { herd: bulk.herd } } },
        action: { case: "cancel", value: { grace: durationFromMs(1_000) } },
      };
  }
}

/** Starts bulk operations, takes task runners out and puts them back. */
export class OperatorProducer {
  readonly #producing: Producing;
  readonly #takenOut = new Map<string, string>();

  constructor(producing: Producing) {
    this.#producing = producing;
  }

  async perform(
    tenant: string,
    operation: Exclude<OperatorOperation, { kind: "cull" }>,
  ): Promise<void> {
    if (operation.kind === "bulk") await this.bulk(tenant, operation.bulk, operation.perSecond);
    else await this.#takeOut(tenant, operation);
  }

  async bulk(tenant: string, bulk: PlannedBulk, perSecond: number): Promise<void> {
    const { operations } = this.#producing.operator;
    const requestId = randomUUID();
    const request = { ...requestOf(bulk), requestId, maxJobsPerSecond: perSecond, ...WHY };
    await insist(() => operations.startOperation(request, as(tenant)));
    this.#producing.grant(tenant, "operation", requestId);
  }

  /** Puts everybody back. */
  async settle(): Promise<void> {
    await Promise.all([...this.#takenOut].map(([id, tenant]) => this.#putBack(tenant, id)));
  }

  async #takeOut(
    tenant: string,
    { draw, move, forMs }: Extract<OperatorOperation, { kind: "take out" }>,
  ): Promise<void> {
    const { fleet } = this.#producing.operator;
    const { taskRunners } = await insist(() => fleet.listTaskRunners({}, as(tenant)));
    const there = taskRunners.filter(({ serverId }) => serverId !== "");
    const one = there[Math.floor(draw * there.length)];
    if (one === undefined) return;
    const requestId = randomUUID();
    const request = {
      ...{ requestId, moveLeases: move, ...WHY },
      selector: { workerIds: [one.workerId] },
      grace: durationFromMs(500),
    };
    this.#takenOut.set(requestId, tenant);
    await insist(() => fleet.takeOut(request, as(tenant)));
    await this.#producing.rest(forMs);
    await this.#putBack(tenant, requestId);
  }

  async #putBack(tenant: string, takeOutId: string): Promise<void> {
    const { fleet } = this.#producing.operator;
    await insist(() => fleet.putBack({ takeOutId, ...WHY }, as(tenant)));
    this.#takenOut.delete(takeOutId);
  }
}
