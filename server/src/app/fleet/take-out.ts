import { contentHash } from "../../domain/digest.ts";
import type { RunnerSelector } from "../../domain/fleet.ts";
import type { Audit } from "../audit.ts";

/** Task runners that are taken out. */
export interface TakeOut extends Audit {
  readonly id: string;
  readonly selector: RunnerSelector;
  readonly moveLeases: boolean;
  readonly createdAt: Date;
}

/** A take-out as it is asked for. */
export interface TakeOutRequest extends Audit {
  readonly tenant: string;
  readonly id: string;
  readonly selector: RunnerSelector;
  readonly moveLeases: boolean;
  /** How long handlers may take to stop, in milliseconds; undefined: the policy's drain grace. */
  readonly graceMs: number | undefined;
}

/** A take-out on its way into the ledger. */
export interface NewTakeOut extends TakeOutRequest {
  readonly graceMs: number;
  /** SHA-256 of what "the same request" means. */
  readonly requestDigest: Uint8Array;
}

/** What storing a take-out answers: "conflict" if its id was used for something else. */
export type StoredTakeOut =
  | {
      readonly kind: "created" | "existing";
      readonly takeOut: TakeOut;
      /** Leases that were asked to move so far, or moved. */
      readonly moved: number;
      /** Whether it has not been put back. */
      readonly inForce: boolean;
    }
  | { readonly kind: "conflict" };

/** What {@link takeOut} needs. */
export interface TakeOutPorts {
  readonly store: (takeOut: NewTakeOut) => Promise<StoredTakeOut>;
  /** The ids of task runners that a selector names now, up to 1,000. */
  readonly selected: (tenant: string, selector: RunnerSelector) => Promise<readonly string[]>;
  /** Moves what leases there are now; answers how many moved so far, whoever moved them. */
  readonly move: (tenant: string, takeOutId: string) => Promise<number>;
  /** Tells all replicas that the tenant's take-outs changed. */
  readonly announce: (tenant: string) => void;
  readonly drainGraceMs: number;
}

/** What taking out answers. */
export type TakeOutResult =
  | {
      readonly kind: "taken_out";
      readonly takeOut: TakeOut;
      readonly workerIds: readonly string[];
      readonly leases: number;
      readonly alreadyExisted: boolean;
    }
  | { readonly kind: "conflict" };

/**
 * Takes task runners out. It is in force before their leases move, so what is handed out while
 * replicas learn of it is moved by the loop that looks after it for a while.
 */
export const takeOut =
  (ports: TakeOutPorts) =>
  async (request: TakeOutRequest): Promise<TakeOutResult> => {
    const graceMs = request.graceMs ?? ports.drainGraceMs;
    const stored = await ports.store({ ...request, graceMs, requestDigest: digestOf(request) });
    if (stored.kind === "conflict") return stored;
    const { tenant, selector } = request;
    ports.announce(tenant);
    const workerIds = stored.inForce ? await ports.selected(tenant, selector) : [];
    const created = stored.kind === "created";
    const leases =
      created && request.moveLeases ? await ports.move(tenant, stored.takeOut.id) : stored.moved;
    return {
      kind: "taken_out",
      takeOut: stored.takeOut,
      workerIds,
      leases,
      alreadyExisted: !created,
    };
  };

const digestOf = ({ selector, moveLeases, graceMs, reason, ticket }: TakeOutRequest): Uint8Array =>
  contentHash({
    selector: { ...selector, workerIds: [...selector.workerIds].sort() },
    moveLeases,
    graceMs: graceMs ?? null,
    reason,
    ticket,
  });
