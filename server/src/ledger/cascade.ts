import type { Pool } from "pg";
import { edgeEffect, type JobEnd } from "../domain/graph.ts";
import { type Aftermath, aftermathOf, mergeLanes } from "./aftermath.ts";
import {
  countDown,
  countUntold,
  countUp,
  deleteCascades,
  endDependants,
  insertCascade,
  lockDead,
  lockDependants,
  lockParents,
  moveCascades,
  takeCascades,
  tenantsWithCascades,
  type UnblockedRow,
  untoldEdges,
} from "./cascade.sql.ts";
import { inTransaction, type Transaction } from "./transaction.ts";

/** A job of a run that ended, as those see it that depend on it. */
export interface EndedJob {
  readonly tenant: string;
  readonly jobId: string;
  readonly outcome: JobEnd;
}

/** What the end of jobs let go. */
export interface LetGo {
  readonly moved: readonly UnblockedRow[];
  readonly scheduled: boolean;
  /** Whether more is to be told, by the loop. */
  readonly cascading: boolean;
}

/** Nothing. */
export const NOTHING_LET_GO: LetGo = { moved: [], scheduled: false, cascading: false };

/** Edges along which one transaction tells. */
const MAX_EDGES = 1_000;

/** How deep one transaction follows jobs that end because others did. */
const MAX_LEVELS = 32;

/** An ended job and up to which of its dependants, by id, all have been told. */
interface Teller extends EndedJob {
  readonly toldUpto: string | null;
}

/**
 * Tells those that depend on jobs what the jobs' end means for them, in the same transaction, after
 * the statements that ended the jobs. What is more than a thousand edges is noted for the loop.
 */
export async function tellDependants(tx: Transaction, ended: readonly EndedJob[]): Promise<LetGo> {
  // The others' rows were written when they ended, and are locked by that.
  const succeeded = ended.filter((job) => job.outcome === "succeeded");
  if (succeeded.length > 0) await tx.run(lockParents, ...columns(succeeded));
  const telling = new Telling(tx);
  const left = await telling.tell(ended.map((job) => ({ ...job, toldUpto: null })));
  await noteRest(tx, left);
  return telling.letGo(left.length > 0);
}

/** What telling came to within one transaction. */
class Telling {
  readonly #tx: Transaction;
  readonly #moved: UnblockedRow[] = [];
  #edgesLeft = MAX_EDGES;

  constructor(tx: Transaction) {
    this.#tx = tx;
  }

  letGo(cascading: boolean): LetGo {
    const scheduled = this.#moved.some((row) => row.seq === null);
    return { moved: this.#moved, scheduled, cascading };
  }

  /** Tells what fits, jobs that end by it included; answers those that are left. */
  async tell(tellers: readonly Teller[]): Promise<Teller[]> {
    const left: Teller[] = [];
    let open = tellers;
    for (let level = 0; open.length > 0; level++) {
      if (level === MAX_LEVELS || this.#edgesLeft === 0) return [...left, ...open];
      const next = await this.#tellOnce(open, left);
      open = next;
    }
    return left;
  }

  async #tellOnce(tellers: readonly Teller[], left: Teller[]): Promise<Teller[]> {
    const edges = await this.#untold(tellers, left);
    this.#edgesLeft -= edges.length;
    const met = new Map<string, { tenant: string; jobId: string; count: number }>();
    const doomed = new Map<string, { tenant: string; jobId: string; skipped: boolean }>();
    for (const { position, to_job: jobId, condition, on_failure: onFailure } of edges) {
      const { tenant, outcome } = tellers[position - 1] as Teller;
      const key = `${tenant}\0${jobId}`;
      const effect = edgeEffect({ condition, onFailure }, outcome);
      if (effect === "met") {
        met.set(key, { tenant, jobId, count: (met.get(key)?.count ?? 0) + 1 });
      } else if (effect !== "none") {
        // Of several that end a job at once, one that failed tells more.
        const skipped = effect === "skip" && (doomed.get(key)?.skipped ?? true);
        doomed.set(key, { tenant, jobId, skipped });
      }
    }
    for (const key of doomed.keys()) met.delete(key);
    const both = [...met.values(), ...doomed.values()];
    if (met.size > 0 && doomed.size > 0) await this.#tx.run(lockDependants, ...columns(both));
    if (met.size > 0) {
      const counts = [...met.values()];
      const counted = counts.map(({ count }) => count);
      this.#moved.push(...(await this.#tx.run(countDown, ...columns(counts), counted)));
    }
    if (doomed.size === 0) return [];
    const ending = [...doomed.values()];
    const skips = ending.map(({ skipped }) => skipped);
    const ended = await this.#tx.run(endDependants, ...columns(ending), skips);
    return ended.map((row) => ({
      tenant: row.tenant,
      jobId: row.job_id,
      outcome: row.skipped ? "skipped" : "failed",
      toldUpto: null,
    }));
  }

  /** The edges that fit; adds to `left` the jobs that have more. */
  async #untold(tellers: readonly Teller[], left: Teller[]) {
    const budget = this.#edgesLeft;
    const all = tellers.map(() => budget + 1);
    const edges = await this.#tx.run(untoldEdges, ...tellerColumns(tellers), all);
    if (edges.length <= budget) return edges;
    const counts = await this.#tx.run(countUntold, ...tellerColumns(tellers), all);
    const countOf = new Map(counts.map((row) => [row.position, row.count]));
    let rest = budget;
    const takes = tellers.map((_, index) => {
      const take = Math.min(rest, countOf.get(index + 1) ?? 0);
      rest -= take;
      return take;
    });
    const some = await this.#tx.run(untoldEdges, ...tellerColumns(tellers), takes);
    tellers.forEach((teller, index) => {
      if ((takes[index] ?? 0) >= (countOf.get(index + 1) ?? 0)) return;
      const told = some.filter((edge) => edge.position === index + 1).map((edge) => edge.to_job);
      // Ids are written in lower case, so that texts sort as the ledger sorts ids.
      left.push({ ...teller, toldUpto: told.sort().at(-1) ?? teller.toldUpto });
    });
    return some;
  }
}

const columns = (jobs: readonly { readonly tenant: string; readonly jobId: string }[]) =>
  [jobs.map((job) => job.tenant), jobs.map((job) => job.jobId)] as const;

const tellerColumns = (tellers: readonly Teller[]) =>
  [...columns(tellers), tellers.map((teller) => teller.toldUpto)] as const;

async function noteRest(tx: Transaction, left: readonly Teller[]): Promise<void> {
  if (left.length === 0) return;
  const outcomes = left.map((teller) => teller.outcome);
  const told = left.map((teller) => teller.toldUpto);
  await tx.run(insertCascade, ...columns(left), outcomes, told);
}

/** The tenants that have something left to tell, some of them if they are many. */
export const findTenantsWithCascades = (loopsPool: Pool) => async (): Promise<string[]> =>
  (await inTransaction(loopsPool, [], (tx) => tx.run(tenantsWithCascades))).map(
    (row) => row.tenant,
  );

/** What one step of the loop came to. */
export interface CascadeStep extends Aftermath {
  /** How many ended jobs it worked on; 0: there was nothing that nobody else works on. */
  readonly taken: number;
}

/** Tells along up to a thousand edges that were left, in one transaction. */
export const cascadeIn =
  (pool: Pool) =>
  (tenants: readonly string[]): Promise<CascadeStep> =>
    inTransaction(pool, tenants, async (tx) => {
      const rows = await tx.run(takeCascades);
      if (rows.length === 0) return { taken: 0, ...aftermathOf([], []) };
      const tellers = rows.map(
        (row): Teller => ({
          tenant: row.tenant,
          jobId: row.job_id,
          outcome: row.outcome,
          toldUpto: row.told_upto,
        }),
      );
      const telling = new Telling(tx);
      const left = await telling.tell(tellers);
      await settleRows(tx, tellers, left);
      const { moved, scheduled, cascading } = telling.letGo(left.length > 0);
      const changed = tellers.map((teller) => teller.tenant);
      return {
        taken: rows.length,
        ...aftermathOf(changed, mergeLanes(moved), scheduled, cascading),
      };
    });

async function settleRows(tx: Transaction, taken: readonly Teller[], left: readonly Teller[]) {
  const keyOf = ({ tenant, jobId }: Teller) => `${tenant}\0${jobId}`;
  const before = new Set(taken.map(keyOf));
  const remaining = new Set(left.map(keyOf));
  const done = taken.filter((teller) => !remaining.has(keyOf(teller)));
  if (done.length > 0) await tx.run(deleteCascades, ...columns(done));
  const moved = left.filter((teller) => teller.toldUpto !== null && before.has(keyOf(teller)));
  if (moved.length > 0) {
    const upto = moved.map((teller) => teller.toldUpto as string);
    await tx.run(moveCascades, ...columns(moved), upto);
  }
  await noteRest(
    tx,
    left.filter((teller) => !before.has(keyOf(teller))),
  );
}

/**
 * Takes back what the death of jobs told those that depend on them and still wait: called where
 * dead jobs are made ready again, before they are. The jobs are locked afterwards.
 *
 * All of it is one transaction, in statements of a thousand dependants each: in between a
 * dependant could start by an end that no longer holds.
 */
export async function takeBack(
  tx: Transaction,
  tenant: string,
  jobIds: readonly string[],
): Promise<void> {
  const dead = (await tx.run(lockDead, tenant, [...jobIds])).map((row) => row.job_id);
  if (dead.length === 0) return;
  const pending = await tx.run(
    deleteCascades,
    dead.map(() => tenant),
    dead,
  );
  const toldUpto = new Map(pending.map((row) => [row.job_id, row.told_upto]));
  // Of a job that is still being told about nobody has heard beyond that; of others all have.
  const heard = dead.filter((jobId) => toldUpto.get(jobId) !== null);
  if (heard.length === 0) return;
  const upto = heard.map((jobId) => toldUpto.get(jobId) ?? null);
  let after: string | null = null;
  do {
    const [page]: { last: string | null }[] = await tx.run(countUp, tenant, heard, upto, after);
    after = page?.last ?? null;
  } while (after !== null);
}
