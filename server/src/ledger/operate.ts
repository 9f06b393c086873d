import type { Pool } from "pg";
import type { Audit } from "../app/audit.ts";
import type { CancelOutcome, RetryOutcome } from "../app/jobs/operate-jobs.ts";
import { isTerminal } from "../domain/job-machine.ts";
import { type Aftermath, aftermathOf, type Moved, mergeLanes } from "./aftermath.ts";
import { type LetGo, NOTHING_LET_GO, takeBack, tellDependants } from "./cascade.ts";
import { deleteLetters, lockLetters } from "./dead-letter.sql.ts";
import {
  askToStop,
  cancelBlocked,
  cancelOffered,
  cancelReady,
  cancelScheduled,
  jobStates,
  type RetriedRow,
  retryDead,
  retryScheduled,
  type StandingRow,
} from "./operate.sql.ts";
import { recordAction } from "./operator-actions.ts";
import { inTransaction, type Transaction } from "./transaction.ts";

/** An attempt that its worker must be asked to stop. */
export interface StopRequest {
  readonly tenant: string;
  readonly jobId: string;
  readonly leaseEpoch: number;
}

/** What cancelling answers, and what the rest of the system should know. */
export interface CancelAnswer extends Aftermath {
  readonly results: readonly CancelOutcome[];
  readonly stops: readonly StopRequest[];
}

/**
 * Jobs move while we look for them: from ready to leased, from leased to scheduled. One that was
 * on the move in a round is found in the next; more rounds than this it never takes, because each
 * move needs a commit of its own.
 */
export const MAX_ROUNDS = 5;

/**
 * Cancels jobs of one tenant in one transaction; a result per job, in order. What an operator asks
 * for is in the history; what follows from something that is there already needs no `audit`.
 */
export const cancelJobsIn =
  (pool: Pool) =>
  (
    tenant: string,
    jobIds: readonly string[],
    reason: string,
    graceMs: number,
    audit?: Audit,
  ): Promise<CancelAnswer> =>
    inTransaction(pool, [tenant], async (tx) => {
      const answer = await cancelInTransaction(tx, tenant, jobIds, reason, graceMs);
      if (audit) await noteJobs(tx, tenant, "jobs_cancelled", answer.results, audit);
      return answer;
    });

/** The same, as a part of a larger transaction. */
export async function cancelInTransaction(
  tx: Transaction,
  tenant: string,
  jobIds: readonly string[],
  reason: string,
  graceMs: number,
): Promise<CancelAnswer> {
  const cancelled = new Set<string>();
  const stops = new Map<string, StopRequest>();
  const moved: Moved[] = [];
  let scheduled = false;
  let cascading = false;
  let left = sortedIds(jobIds);
  let standings = new Map<string, StandingRow>();
  for (let round = 0; round < MAX_ROUNDS && left.length > 0; round++) {
    const letGo = await cancelWaiting(tx, tenant, left, reason, cancelled);
    moved.push(...letGo.moved);
    scheduled ||= letGo.scheduled;
    cascading ||= letGo.cascading;
    left = left.filter((id) => !cancelled.has(id));
    for (const row of await tx.run(askToStop, tenant, left, reason, graceMs)) {
      stops.set(row.job_id, { tenant, jobId: row.job_id, leaseEpoch: row.lease_epoch });
    }
    left = left.filter((id) => !stops.has(id));
    standings = await standingsOf(tx, tenant, left);
    if ([...standings.values()].every((row) => isTerminal(row.state))) break;
  }
  const results = jobIds.map((jobId): CancelOutcome => {
    if (cancelled.has(jobId)) return { jobId, kind: "cancelled", state: "cancelled" };
    if (stops.has(jobId)) return { jobId, kind: "requested", state: "running" };
    const state = standings.get(jobId)?.state;
    return { jobId, kind: state === undefined ? "not_found" : "already_finished", state };
  });
  const after = aftermathOf([tenant], mergeLanes(moved), scheduled, cascading);
  return { results, stops: [...stops.values()], ...after };
}

/** Cancels those of the jobs that nobody has begun, and adds them to `cancelled`. */
async function cancelWaiting(
  tx: Transaction,
  tenant: string,
  jobIds: readonly string[],
  reason: string,
  cancelled: Set<string>,
): Promise<LetGo> {
  const linked: string[] = [];
  for (const statement of [cancelReady, cancelOffered, cancelScheduled, cancelBlocked]) {
    const left = jobIds.filter((id) => !cancelled.has(id));
    if (left.length === 0) break;
    for (const row of await tx.run(statement, tenant, left, reason)) {
      cancelled.add(row.job_id);
      if (row.linked) linked.push(row.job_id);
    }
  }
  if (linked.length === 0) return NOTHING_LET_GO;
  return await tellDependants(
    tx,
    linked.map((jobId) => ({ tenant, jobId, outcome: "failed" })),
  );
}

/** Without repetitions, in the order in which everybody locks. */
export const sortedIds = (jobIds: readonly string[]): string[] => [...new Set(jobIds)].sort();

/** Where jobs stand; those that the tenant does not have are left out. */
export async function standingsOf(
  tx: Transaction,
  tenant: string,
  jobIds: string[],
): Promise<Map<string, StandingRow>> {
  if (jobIds.length === 0) return new Map();
  const rows = await tx.run(jobStates, tenant, jobIds);
  return new Map(rows.map((row) => [row.job_id, row]));
}

/** What retrying answers, and what the rest of the system should know. */
export interface RetryAnswer extends Aftermath {
  readonly results: readonly RetryOutcome[];
}

/** Makes dead and scheduled jobs of one tenant ready; a result per job, in order. */
export const retryJobsIn =
  (pool: Pool) =>
  (tenant: string, jobIds: readonly string[], audit: Audit): Promise<RetryAnswer> =>
    inTransaction(pool, [tenant], async (tx) => {
      const answer = await retryInTransaction(tx, tenant, jobIds, audit.reason);
      await noteJobs(tx, tenant, "jobs_retried", answer.results, audit);
      return answer;
    });

/** The same, as a part of a larger transaction. */
export async function retryInTransaction(
  tx: Transaction,
  tenant: string,
  jobIds: readonly string[],
  reason: string,
): Promise<RetryAnswer> {
  const ids = sortedIds(jobIds);
  const retried = await retryLetters(tx, tenant, ids, reason);
  const ready = new Set(retried.map((row) => row.job_id));
  const others = ids.filter((id) => !ready.has(id));
  if (others.length > 0) {
    const rows = await tx.run(retryScheduled, tenant, others, reason);
    for (const row of rows) ready.add(row.job_id);
    retried.push(...rows);
  }
  const left = ids.filter((id) => !ready.has(id));
  const standings = await standingsOf(tx, tenant, left);
  const results = jobIds.map((jobId): RetryOutcome => {
    if (ready.has(jobId)) return { jobId, kind: "ready", state: "ready" };
    const standing = standings.get(jobId);
    if (standing === undefined) return { jobId, kind: "not_found", state: undefined };
    const { state } = standing;
    // Dead and yet not retried: its letter is gone, because somebody gave it up.
    if (state === "dead") return { jobId, kind: "discarded", state };
    return { jobId, kind: isTerminal(state) ? "not_retryable" : "already_active", state };
  });
  return { results, ...aftermathOf([tenant], mergeLanes(retried)) };
}

/** Ids that the history keeps of one call: enough to see what it was about. */
const NOTED_IDS = 50;

/** Notes what an operator did to jobs, unless nothing changed. */
async function noteJobs(
  tx: Transaction,
  tenant: string,
  kind: "jobs_cancelled" | "jobs_retried",
  results: readonly (CancelOutcome | RetryOutcome)[],
  audit: Audit,
): Promise<void> {
  const outcomes = new Map(results.map((result) => [result.jobId, result.kind]));
  const counts: Record<string, number> = {};
  for (const outcome of outcomes.values()) counts[outcome] = (counts[outcome] ?? 0) + 1;
  const changed = [...outcomes].flatMap(([id, outcome]) => (CHANGED.has(outcome) ? [id] : []));
  const [only = "", ...others] = changed;
  if (only === "") return;
  const target = { targetKind: "job", targetName: others.length === 0 ? only : "" } as const;
  const detail = { counts, jobIds: changed.slice(0, NOTED_IDS) };
  await recordAction(tx, { tenant, kind, ...target, ...audit, detail });
}

const CHANGED: ReadonlySet<string> = new Set(["cancelled", "requested", "ready"]);

async function retryLetters(
  tx: Transaction,
  tenant: string,
  jobIds: string[],
  reason: string,
): Promise<RetriedRow[]> {
  const letters = await tx.run(lockLetters, tenant, jobIds);
  if (letters.length === 0) return [];
  const dead = letters.map((row) => row.job_id);
  await takeBack(tx, tenant, dead);
  const retried = await tx.run(retryDead, tenant, dead, reason);
  await tx.run(deleteLetters, tenant, dead);
  return retried;
}
