import { contentHash } from "../../domain/digest.ts";
import type { JobAction, JobOperation, OperationTarget } from "../../domain/operation.ts";
import type { Audit } from "../audit.ts";
import type { OperationView } from "./operation-view.ts";

/** An operation that somebody asks for. */
export interface OperationRequest extends Audit, JobOperation {
  /** Undefined: the server chooses. */
  readonly requestId: string | undefined;
}

/** An operation on its way into the ledger. */
export interface NewJobOperation extends Audit {
  readonly tenant: string;
  readonly id: string;
  readonly operation: JobOperation;
  readonly requestDigest: Uint8Array;
  readonly matching: number;
  /** What the history says about it. */
  readonly detail: object;
}

/** How many jobs a target has now, up to a million, and some of them. */
export interface TargetCount {
  readonly matching: number;
  readonly sampleJobIds: readonly string[];
}

/** What became of a request to start an operation. */
export type StartResult =
  | { readonly kind: "started" | "existing"; readonly operation: OperationView }
  | { readonly kind: "request_id_conflict" }
  | { readonly kind: "reason_required" }
  | { readonly kind: "run_not_found"; readonly runId: string };

/** What became of a dry run. */
export type DryRunResult =
  | ({ readonly kind: "counted" } & TargetCount)
  | { readonly kind: "run_not_found"; readonly runId: string };

/** What starting operations needs. */
export interface StartOperationPorts {
  readonly find: (
    tenant: string,
    id: string,
  ) => Promise<{ readonly view: OperationView; readonly requestDigest: Uint8Array } | undefined>;
  readonly runExists: (tenant: string, runId: string) => Promise<boolean>;
  readonly count: (
    tenant: string,
    target: OperationTarget,
    action: JobAction["kind"],
  ) => Promise<TargetCount>;
  readonly create: (
    operation: NewJobOperation,
  ) => Promise<
    | { readonly kind: "created" | "existing"; readonly view: OperationView }
    | { readonly kind: "conflict" }
  >;
  readonly newId: () => string;
  /** Told of a new operation: there is something to do. */
  readonly onStarted: () => void;
}

/** Starts an operation; the loop does the rest. */
export const startOperation =
  (ports: StartOperationPorts) =>
  async (tenant: string, request: OperationRequest): Promise<StartResult> => {
    const { target, action, actor, reason, ticket } = request;
    if (action.kind === "discard" && reason.trim() === "") return { kind: "reason_required" };
    const requestDigest = digestOf(request);
    const id = request.requestId ?? ports.newId();
    if (request.requestId !== undefined) {
      const found = await ports.find(tenant, id);
      if (found !== undefined) {
        if (!Buffer.from(requestDigest).equals(found.requestDigest)) {
          return { kind: "request_id_conflict" };
        }
        return { kind: "existing", operation: found.view };
      }
    }
    const missing = await missingRun(ports, tenant, target);
    if (missing !== undefined) return missing;
    const { matching } = await ports.count(tenant, target, action.kind);
    const operation = { target, action, maxPerSecond: request.maxPerSecond };
    const said = { actor, reason, ticket };
    const detail = detailOf(operation);
    const created = await ports.create({
      ...{ tenant, id, operation, requestDigest, matching, detail, ...said },
    });
    if (created.kind === "conflict") return { kind: "request_id_conflict" };
    if (created.kind === "created") ports.onStarted();
    const kind = created.kind === "created" ? "started" : "existing";
    return { kind, operation: created.view };
  };

/** Counts what an operation would look at, and changes nothing. */
export const dryRunOperation =
  (ports: Pick<StartOperationPorts, "runExists" | "count">) =>
  async (tenant: string, { target, action }: OperationRequest): Promise<DryRunResult> => {
    const missing = await missingRun(ports, tenant, target);
    if (missing !== undefined) return missing;
    return { kind: "counted", ...(await ports.count(tenant, target, action.kind)) };
  };

async function missingRun(
  ports: Pick<StartOperationPorts, "runExists">,
  tenant: string,
  target: OperationTarget,
) {
  const runId = target.kind === "jobs" ? undefined : target.filter.runId;
  if (runId === undefined || (await ports.runExists(tenant, runId))) return undefined;
  return { kind: "run_not_found", runId } as const;
}

/** What "the same request" means: all that was said, except by whom. */
const digestOf = ({ target, action, maxPerSecond, reason, ticket }: OperationRequest): Buffer =>
  contentHash({ target, action, maxPerSecond, reason, ticket });

/** The jobs themselves are in the operation's results. */
function detailOf({ target, action, maxPerSecond }: JobOperation): object {
  const about =
    target.kind === "jobs" ? { kind: target.kind, count: target.jobIds.length } : target;
  return { target: about, action, maxPerSecond };
}
