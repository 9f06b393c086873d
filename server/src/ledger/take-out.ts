import type { Pool } from "pg";
import type { Audit } from "../app/audit.ts";
import type { NewTakeOut, StoredTakeOut, TakeOut } from "../app/fleet/take-out.ts";
import type { Outcome } from "../app/flow/outcomes.ts";
import type { RunnerSelector } from "../domain/fleet.ts";
import type { LeaseRef } from "../domain/lease.ts";
import { type Aftermath, aftermathOf } from "./aftermath.ts";
import { type DecideEnding, endInTransaction } from "./end.ts";
import { takeVersion } from "./flow-settings.sql.ts";
import { returnInTransaction } from "./leases.ts";
import type { StopRequest } from "./operate.ts";
import { recordAction } from "./operator-actions.ts";
import {
  endTakeOut,
  type HeldRow,
  insertTakeOut,
  listTakeOuts,
  lockHeld,
  lockMoving,
  movingTakeOuts,
  noteMoved,
  preemptHeld,
  readTakeOut,
  type StoredSelector,
  type TakeOutRow,
  tenantsWithMoves,
} from "./take-out.sql.ts";
import { inTransaction, type Transaction } from "./transaction.ts";

/** A selector out of the ledger. */
export const selectorOf = (stored: StoredSelector): RunnerSelector => ({
  workerIds: stored.workerIds ?? [],
  host: stored.host ?? "",
  labels: stored.labels ?? {},
});

/** The parameters by which statements select task runners. */
export const selectorParams = ({ workerIds, host, labels }: RunnerSelector) =>
  [workerIds.length === 0 ? null : [...workerIds], host, JSON.stringify(labels)] as const;

const takeOutOf = (row: TakeOutRow): TakeOut => ({
  id: row.id,
  selector: selectorOf(row.selector),
  moveLeases: row.move_leases,
  actor: row.actor,
  reason: row.reason,
  ticket: row.ticket,
  createdAt: row.created_at,
});

/** Puts a take-out in force; what claims go by has a new version then. */
export const storeTakeOutIn =
  (pool: Pool) =>
  (wanted: NewTakeOut): Promise<StoredTakeOut> =>
    inTransaction(pool, [wanted.tenant], async (tx) => {
      const { tenant, id, selector, moveLeases, graceMs, actor, reason, ticket } = wanted;
      const digest = Buffer.from(wanted.requestDigest);
      const said = [actor, reason, ticket] as const;
      const named = JSON.stringify(selector);
      const [row] = await tx.run(
        insertTakeOut,
        ...([tenant, id, named, digest, moveLeases, graceMs, ...said] as const),
      );
      if (row === undefined) {
        const [before] = await tx.run(readTakeOut, tenant, id);
        if (!before?.request_digest.equals(digest)) return { kind: "conflict" };
        const inForce = before.ended_at === null;
        return { kind: "existing", takeOut: takeOutOf(before), moved: before.moved, inForce };
      }
      await tx.run(takeVersion, tenant);
      await recordAction(tx, {
        ...{ tenant, kind: "taken_out", targetKind: "take_out", targetName: id },
        ...{ actor, reason, ticket, detail: { selector, moveLeases, graceMs } },
      });
      return { kind: "created", takeOut: takeOutOf(row), moved: 0, inForce: true };
    });

/** Ends a take-out; "ended" also if it had ended before. */
export const putBackIn =
  (pool: Pool) =>
  (tenant: string, id: string, audit: Audit): Promise<"ended" | "not_found"> =>
    inTransaction(pool, [tenant], async (tx) => {
      const ended = await tx.run(endTakeOut, tenant, id);
      if (ended.length === 0) {
        return (await tx.run(readTakeOut, tenant, id)).length > 0 ? "ended" : "not_found";
      }
      await tx.run(takeVersion, tenant);
      const target = { kind: "put_back", targetKind: "take_out", targetName: id } as const;
      await recordAction(tx, { tenant, ...target, ...audit });
      return "ended";
    });

/** The newest 1,000 take-outs in force. */
export const listTakeOutsIn =
  (pool: Pool) =>
  (tenant: string): Promise<TakeOut[]> =>
    inTransaction(pool, [tenant], async (tx) =>
      (await tx.run(listTakeOuts, tenant)).map(takeOutOf),
    );

/** The tenants that have leases to move. */
export const findTenantsWithMoves = (loopsPool: Pool) => (): Promise<string[]> =>
  inTransaction(loopsPool, [], async (tx) =>
    (await tx.run(tenantsWithMoves)).map(({ tenant }) => tenant),
  );

/** The take-outs of a tenant whose leases move. */
export const findMoves =
  (pool: Pool) =>
  (tenant: string): Promise<string[]> =>
    inTransaction(pool, [tenant], async (tx) =>
      (await tx.run(movingTakeOuts, tenant)).map(({ id }) => id),
    );

/** How many leases a take-out has moved, or asked to move. */
export const movedSoFar =
  (pool: Pool) =>
  (tenant: string, id: string): Promise<number> =>
    inTransaction(pool, [tenant], async (tx) => {
      const [row] = await tx.run(readTakeOut, tenant, id);
      return row?.moved ?? 0;
    });

/** A page of leases that was moved, and what the rest of the system should know. */
export interface MoveStep extends Aftermath {
  readonly moved: number;
  /** Go on after this job; undefined: these were all. */
  readonly next: string | undefined;
  readonly stops: readonly StopRequest[];
  readonly graceMs: number;
  readonly outcomes: readonly Outcome[];
}

/** A take-out looks after leases for so long: replicas that did not know yet may hand some out. */
const LOOKED_AFTER_MS = 5_000;

/**
 * Moves up to 500 leases of the task runners that a take-out names, from those of jobs after one:
 * offers go back, running jobs of who is connected are asked to make way, those of others are
 * interrupted. None of it costs the job anything. Undefined: it moves nothing any more. One at a
 * time: who comes second waits, so that it knows what the first one moved.
 */
export const moveLeasesIn =
  (pool: Pool, decide: DecideEnding) =>
  (tenant: string, id: string, afterJob: string): Promise<MoveStep | undefined> =>
    inTransaction(pool, [tenant], async (tx) => {
      const [row] = await tx.run(lockMoving, tenant, id);
      if (row === undefined) return undefined;
      const selector = selectorParams(selectorOf(row.selector));
      const held = await tx.run(lockHeld, tenant, ...selector, afterJob);
      const full = held.length === PAGE;
      const moved = await moveHeld(tx, tenant, held, row, decide);
      await tx.run(noteMoved, tenant, id, held.length, full || row.age_ms < LOOKED_AFTER_MS);
      const next = full ? held.at(-1)?.job_id : undefined;
      return { ...moved, moved: held.length, next, graceMs: row.grace_ms };
    });

/** What the statement that finds leases answers at most. */
const PAGE = 500;

async function moveHeld(
  tx: Transaction,
  tenant: string,
  held: readonly HeldRow[],
  { reason, grace_ms }: TakeOutRow,
  decide: DecideEnding,
) {
  const note = `its task runner was taken out: ${reason}`;
  const leasesOf = (fits: (row: HeldRow) => boolean) =>
    held.filter(fits).map((row) => leaseOf(tenant, row));
  const offered = leasesOf(({ state }) => state === "offered");
  const running = leasesOf(({ state }) => state === "running");
  const gone = leasesOf(({ state, connected }) => state === "running" && !connected);
  const told = leasesOf(({ state, connected }) => state === "running" && connected);
  const back = { leases: offered, actor: "operator", reason: note, onlyOffered: true };
  const returned = offered.length === 0 ? undefined : await returnInTransaction(tx, back);
  const jobIds = running.map(({ jobId }) => jobId);
  if (running.length > 0) await tx.run(preemptHeld, tenant, jobIds, note, grace_ms);
  const ended = gone.length === 0 ? undefined : await endInTransaction(tx, gone.map(cut), decide);
  return {
    stops: told.map(({ jobId, leaseEpoch }) => ({ tenant, jobId, leaseEpoch })),
    outcomes: ended?.outcomes ?? [],
    ...aftermathOf(
      held.length === 0 ? [] : [tenant],
      [...(returned?.lanes ?? []), ...(ended?.lanes ?? [])],
      ended?.scheduled ?? false,
    ),
  };
}

const leaseOf = (tenant: string, row: HeldRow): LeaseRef => ({
  tenant,
  jobId: row.job_id,
  attempt: row.attempt,
  leaseEpoch: row.lease_epoch,
  leaseToken: row.token,
});

// The lease says that it was preempted, which is what decides about the job.
const cut = (lease: LeaseRef) => ({
  lease,
  cause: { kind: "interrupted", failureClass: "lease_expired", message: "taken out" } as const,
  completionId: undefined,
  actor: "operator",
});
