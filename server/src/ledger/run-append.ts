import type { Pool } from "pg";
import type { AppendConflict, AppendedBatch, NewBatch } from "../app/runs/append-jobs.ts";
import { type EdgeEffect, edgeEffect, type JobEnd } from "../domain/graph.ts";
import { type Aftermath, aftermathOf, mergeLanes } from "./aftermath.ts";
import { endDependants } from "./cascade.sql.ts";
import { tellDependants } from "./cascade.ts";
import { fenceColumns } from "./fences.ts";
import type { PayloadQuota } from "./flow-usage.ts";
import { activeAmong } from "./lease.sql.ts";
import { growRun, lockRun } from "./run.sql.ts";
import {
  awaitMore,
  closeRun,
  type FanOutJoin,
  fanOutJoins,
  jobsByName,
  lockForEdges,
  runHeritage,
  type StandingJob,
  standings,
} from "./run-append.sql.ts";
import { findFanOutCycle } from "./run-cycles.ts";
import { type NewEdgeRow, type NewRunJobRow, RunRefused, writeRunJobs } from "./run-jobs.ts";
import { inTransaction, type Transaction } from "./transaction.ts";

/** As many as a batch may have that its producer describes. */
const MAX_EDGES = 20_000;

/** What appending answers, and what the rest of the system should know. */
export interface AppendAnswer extends Aftermath {
  readonly appended: AppendedBatch;
  /** Jobs that are new. */
  readonly created: number;
}

/** Carries a conflict out of a transaction, which rolls it back: nothing was written. */
class AppendRefused extends Error {
  readonly conflict: AppendConflict;

  constructor(conflict: AppendConflict) {
    super(conflict.kind);
    this.conflict = conflict;
  }
}

/** What jobs inherit from a run. */
export const runHeritageIn = (pool: Pool) => (tenant: string, runId: string) =>
  inTransaction(pool, [tenant], async (tx) => {
    const [row] = await tx.run(runHeritage, tenant, runId);
    return row && { project: row.project, correlationId: row.correlation_id };
  });

/** Which of the names jobs of a run have. */
export const knownNamesIn =
  (pool: Pool) =>
  (tenant: string, runId: string, names: readonly string[]): Promise<ReadonlySet<string>> =>
    inTransaction(pool, [tenant], async (tx) => {
      const rows = await tx.run(jobsByName, tenant, runId, [...names]);
      return new Set(rows.map((row) => row.name));
    });

/** What a batch is answered of which all is there already; undefined if it is not. */
export const findAppendedIn =
  (pool: Pool) =>
  async (batch: NewBatch): Promise<AppendedBatch | undefined> => {
    try {
      return await inTransaction(pool, [batch.tenant], async (tx) => {
        const there = await namesOf(tx, batch);
        return batch.jobs.every(({ name }) => there.has(name)) ? allThere(batch, there) : undefined;
      });
    } catch (error) {
      if (error instanceof AppendRefused) return error.conflict;
      throw error;
    }
  };

/** Closes an open run; false if the tenant has no such run. */
export const closeRunIn =
  (pool: Pool) =>
  (tenant: string, runId: string): Promise<boolean> =>
    inTransaction(pool, [tenant], async (tx) => {
      return (await tx.run(closeRun, tenant, runId)).length > 0;
    });

/** Adds jobs to a live run in one transaction: all of them or none. */
export const appendJobsIn =
  (pool: Pool, retentionMs: number, payloadQuota: PayloadQuota = () => undefined) =>
  async (batch: NewBatch): Promise<AppendAnswer> => {
    try {
      return await inTransaction(pool, [batch.tenant], (tx) =>
        append(tx, batch, { retentionMs, payloadQuota }),
      );
    } catch (error) {
      const refused = error instanceof AppendRefused || error instanceof RunRefused;
      if (!refused) throw error;
      return { appended: error.conflict, created: 0, ...aftermathOf([], []) };
    }
  };

type Options = Parameters<typeof writeRunJobs>[2];

async function append(tx: Transaction, batch: NewBatch, options: Options): Promise<AppendAnswer> {
  const { tenant, runId } = batch;
  const [run] = await tx.run(lockRun, tenant, runId);
  if (run === undefined) throw new AppendRefused({ kind: "run_not_found" });
  const there = await namesOf(tx, batch);
  const fresh = [...batch.jobs.entries()].filter(([, { name }]) => !there.has(name));
  const appended = allThere(batch, there);
  if (fresh.length === 0) {
    if (batch.close) await tx.run(growRun, tenant, runId, 0, true);
    return { appended, created: 0, ...aftermathOf([tenant], []) };
  }
  if (run.cancelled) throw new AppendRefused({ kind: "run_cancelled" });
  if (!run.open && batch.fanOut === undefined) throw new AppendRefused({ kind: "run_closed" });
  const joins = await fanOutJoinsOf(tx, batch, fresh.length);
  const parents = await lockParentsOf(tx, batch, there, joins);
  const plan = new AppendPlan(batch, there, parents);
  for (const [index] of fresh) plan.add(index, joins);
  const { jobs, edges, doomed } = plan;
  const found = await findFanOutCycle(tx, { tenant, jobs, edges, joins, parents });
  if (found !== undefined) throw new AppendRefused(found);
  if (joins.length > 0) {
    const ids = joins.map((join) => join.job_id);
    await tx.run(awaitMore, tenant, ids, fresh.length);
  }
  const target = { tenant, runId, jobCount: run.job_count };
  const wrote = await writeRunJobs(tx, { ...target, jobs, edges }, options);
  await tx.run(growRun, tenant, runId, fresh.length, batch.close);
  const letGo = await endDoomed(tx, tenant, doomed);
  return {
    appended,
    created: fresh.length,
    ...aftermathOf(
      [tenant],
      mergeLanes([...wrote.moved, ...letGo.moved]),
      wrote.scheduled || letGo.scheduled,
      letGo.cascading,
    ),
  };
}

/** The jobs of the run that the batch names, by name. */
async function namesOf(tx: Transaction, batch: NewBatch) {
  const names = batch.jobs.flatMap(({ name, dependsOn }) => [
    name,
    ...dependsOn.map((d) => d.name),
  ]);
  const rows = await tx.run(jobsByName, batch.tenant, batch.runId, [...new Set(names)]);
  return new Map(rows.map((row) => [row.name, row]));
}

type Names = Awaited<ReturnType<typeof namesOf>>;

/** The answer; throws for a job that is there with other content. */
function allThere(batch: NewBatch, there: Names): AppendedBatch & { kind: "appended" } {
  let existing = 0;
  const jobIds = batch.jobs.map(({ job, name }, index) => {
    const known = there.get(name);
    if (known === undefined) return job.jobId;
    existing += 1;
    if (!known.content_digest.equals(job.contentDigest)) {
      const path = `jobs[${index}].name`;
      throw new AppendRefused({ kind: "job_name_conflict", path, jobId: known.job_id });
    }
    return known.job_id;
  });
  return { kind: "appended", jobIds, existing };
}

/**
 * The jobs that wait for what the handler appends. The run is locked, so nobody adds to them; that
 * the handler's lease is good is looked at when its job is locked, too.
 */
async function fanOutJoinsOf(tx: Transaction, { tenant, fanOut }: NewBatch, added: number) {
  if (fanOut === undefined) return [];
  const joins = await tx.run(fanOutJoins, tenant, fanOut.jobId);
  const edges = joins.length * added;
  if (edges > MAX_EDGES) {
    throw new AppendRefused({ kind: "too_many_edges", edges, maxEdges: MAX_EDGES });
  }
  return joins;
}

/** Locks what the new jobs depend on and what waits for them, and reads where they stand. */
async function lockParentsOf(
  tx: Transaction,
  batch: NewBatch,
  there: Names,
  joins: readonly FanOutJoin[],
): Promise<ReadonlyMap<string, StandingJob>> {
  const { tenant, runId, fanOut } = batch;
  const named = batch.jobs.flatMap(({ name, dependsOn }) =>
    there.has(name) ? [] : dependsOn.map((d) => there.get(d.name)?.job_id),
  );
  const ids = new Set([fanOut?.jobId, ...named].filter((id) => id !== undefined));
  const waiting = joins.map((join) => join.job_id).filter((id) => !ids.has(id));
  // Parents before those that wait for them, as the end of a job locks them.
  if (ids.size > 0) await tx.run(lockForEdges, tenant, [...ids]);
  if (waiting.length > 0) await tx.run(lockForEdges, tenant, waiting);
  const rows = await tx.run(standings, tenant, runId, [...ids, ...waiting]);
  const parents = new Map(rows.map((row) => [row.job_id, row]));
  if (fanOut === undefined) return parents;
  const active = await tx.run(activeAmong, ...fenceColumns([fanOut]));
  const { jobId } = fanOut;
  if (active.length === 0) throw new AppendRefused({ kind: "stale_lease", jobId });
  if (!parents.has(jobId)) throw new AppendRefused({ kind: "job_not_in_run", jobId });
  return parents;
}

const endOf = ({ state, skipped }: StandingJob): JobEnd | undefined => {
  if (state === "succeeded") return "succeeded";
  if (state !== "dead" && state !== "cancelled") return undefined;
  return skipped ? "skipped" : "failed";
};

/** What is to be written for a batch: its new jobs, their edges, and which of them end at once. */
class AppendPlan {
  readonly #batch: NewBatch;
  readonly #there: Names;
  readonly #parents: ReadonlyMap<string, StandingJob>;
  readonly #ids: ReadonlyMap<string, string>;
  readonly jobs: NewRunJobRow[] = [];
  readonly edges: NewEdgeRow[] = [];
  readonly doomed: { readonly jobId: string; readonly skipped: boolean }[] = [];

  constructor(batch: NewBatch, there: Names, parents: ReadonlyMap<string, StandingJob>) {
    this.#batch = batch;
    this.#there = there;
    this.#parents = parents;
    this.#ids = new Map(batch.jobs.map(({ name, job }) => [name, job.jobId]));
  }

  add(index: number, joins: readonly FanOutJoin[]): void {
    const { job, name, dependsOn } = this.#batch.jobs[index] as NewBatch["jobs"][number];
    const effects: EdgeEffect[] = [];
    for (const { name: parent, ...policy } of dependsOn) {
      const from = this.#there.get(parent)?.job_id ?? this.#ids.get(parent);
      // It was there before the transaction, and jobs of a run that lives stay.
      if (from === undefined) throw new Error("a job that others are to depend on vanished");
      const standing = this.#parents.get(from);
      const end = standing && endOf(standing);
      const effect = end === undefined ? "none" : edgeEffect(policy, end);
      effects.push(effect);
      this.edges.push({ ...policy, from, to: job.jobId, settled: effect !== "none" });
    }
    const unmet = effects.filter((effect) => effect !== "met").length;
    this.jobs.push({ job, name, unmet, index });
    const ends = effects.filter((effect) => effect === "cancel" || effect === "skip");
    if (ends.length > 0) {
      this.doomed.push({ jobId: job.jobId, skipped: !ends.includes("cancel") });
    }
    for (const join of joins) {
      const policy = { condition: join.condition, onFailure: join.on_failure };
      this.edges.push({ ...policy, from: job.jobId, to: join.job_id, includeFanOut: true });
    }
  }
}

/** Ends jobs that were blocked for a moment by something that can no longer be. */
async function endDoomed(
  tx: Transaction,
  tenant: string,
  doomed: readonly { readonly jobId: string; readonly skipped: boolean }[],
) {
  if (doomed.length > 0) {
    const ids = doomed.map(({ jobId }) => jobId);
    const skips = doomed.map(({ skipped }) => skipped);
    await tx.run(
      endDependants,
      ids.map(() => tenant),
      ids,
      skips,
    );
  }
  return tellDependants(
    tx,
    doomed.map(({ jobId, skipped }) => {
      return { tenant, jobId, outcome: skipped ? "skipped" : "failed" };
    }),
  );
}
