import type { Pool } from "pg";
import type { FoundLetter } from "../app/dead-letters/get-dead-letter.ts";
import type { LetterGroups } from "../app/dead-letters/group-dead-letters.ts";
import type { LetterPosition } from "../app/dead-letters/list-dead-letters.ts";
import type { DeadLetterFilter, DeadLetterView } from "../domain/dead-letter.ts";
import type { FailureClass } from "../domain/lease.ts";
import { errorSignature } from "../domain/plan/error-signature.ts";
import {
  groupLetters,
  insertLetters,
  type LetterFilter,
  type LetterRow,
  listLetters,
  readLetter,
} from "./dead-letter.sql.ts";
import { planForTheseParameters } from "./list.sql.ts";
import { recordAction } from "./operator-actions.ts";
import { readAttempts, readJob, readJobs } from "./read.sql.ts";
import { type InterruptionWindow, jobViews } from "./read.ts";
import { inTransaction, type Transaction } from "./transaction.ts";
import { attemptView } from "./view-rows.ts";

/** A job that died just now, and why. */
export interface DiedJob {
  readonly tenant: string;
  readonly jobId: string;
  readonly failureClass: FailureClass;
  readonly message: string;
}

/** Puts jobs among the dead letters, in the transaction in which they died. */
export async function recordDeadLetters(tx: Transaction, died: readonly DiedJob[]): Promise<void> {
  const signed = died.map(({ failureClass, message }) => errorSignature(failureClass, message));
  await tx.run(
    insertLetters,
    died.map((job) => job.tenant),
    died.map((job) => job.jobId),
    signed.map(({ signature }) => signature),
    signed.map(({ pattern }) => pattern),
    died.map((job) => job.failureClass),
  );
}

/** Beyond every letter, for a list from the beginning. */
const NEWEST: LetterPosition = {
  diedUs: Date.UTC(9999, 11, 31) * 1_000,
  jobId: "ffffffff-ffff-ffff-ffff-ffffffffffff",
};

/** Up to `limit` (1,001 at most) letters that match and stand behind one, newest first. */
export const listDeadLettersIn =
  (pool: Pool) =>
  (
    tenant: string,
    filter: DeadLetterFilter,
    before: LetterPosition | undefined,
    limit: number,
  ): Promise<DeadLetterView[]> =>
    inTransaction(pool, [tenant], async (tx) => {
      await tx.run(planForTheseParameters);
      const { diedUs, jobId } = before ?? NEWEST;
      const rows = await tx.run(listLetters, tenant, diedUs, jobId, ...letterFilter(filter));
      return rows.slice(0, limit).map(letterView);
    });

/** How many letters are grouped at most, and how many groups there are at most. */
const MAX_GROUPED = 100_000;
const MAX_GROUPS = 1_000;

/** Groups the newest 100,000 letters that match by their signatures, the largest 1,000 groups. */
export const groupDeadLettersIn =
  (pool: Pool) =>
  (tenant: string, filter: DeadLetterFilter): Promise<LetterGroups> =>
    inTransaction(pool, [tenant], async (tx) => {
      await tx.run(planForTheseParameters);
      const rows = await tx.run(groupLetters, tenant, ...letterFilter(filter));
      return {
        groups: rows.slice(0, MAX_GROUPS).map((row) => ({
          signature: row.signature,
          failureClass: row.failure_class,
          pattern: row.pattern,
          count: row.count,
          jobTypes: row.job_types,
          firstAt: row.first_at,
          lastAt: row.last_at,
          sampleJobId: row.sample_job_id,
        })),
        truncated: rows.length > MAX_GROUPS || (rows[0]?.looked_at ?? 0) > MAX_GROUPED,
      };
    });

/**
 * Reads a letter with its job and the newest 100 attempts, oldest first; with the payload if there
 * is a reader, whose name the history keeps. Undefined if the tenant has no such letter.
 */
export const readDeadLetterIn =
  (pool: Pool, windowMs: InterruptionWindow) =>
  (
    tenant: string,
    jobId: string,
    payloadReader: string | undefined,
  ): Promise<FoundLetter | undefined> =>
    inTransaction(pool, [tenant], async (tx) => {
      const [row] = await tx.run(readLetter, tenant, jobId);
      const rows =
        payloadReader === undefined
          ? await tx.run(readJobs, tenant, [jobId])
          : await tx.run(readJob, tenant, jobId);
      const [job] = await jobViews(tx, tenant, rows, windowMs);
      if (row === undefined || job === undefined) return undefined;
      const attempts = await tx.run(readAttempts, tenant, jobId);
      if (payloadReader !== undefined) {
        const target = { targetKind: "dead_letter", targetName: jobId } as const;
        const said = { actor: payloadReader, reason: "", ticket: "" };
        await recordAction(tx, { tenant, kind: "payload_read", ...target, ...said });
      }
      return { letter: letterView(row), job, attempts: attempts.reverse().map(attemptView) };
    });

const orNull = <T>(values: readonly T[]): T[] | null => (values.length === 0 ? null : [...values]);

/** A filter as the statements take it. */
export const letterFilter = (filter: DeadLetterFilter): LetterFilter => [
  orNull(filter.jobTypes),
  filter.queue ?? null,
  filter.source ?? null,
  orNull<string>(filter.failureClasses),
  filter.signature ?? null,
  filter.runId ?? null,
  filter.diedFrom ?? null,
  filter.diedBefore ?? null,
];

const letterView = (row: LetterRow): DeadLetterView => ({
  jobId: row.job_id,
  jobType: row.job_type,
  queue: row.queue,
  source: row.source,
  runId: row.run_id ?? undefined,
  failure: {
    failureClass: row.failure_class,
    message: row.failure_message ?? "",
    terminal: row.terminal ?? false,
    retryAfterMs: row.retry_after_ms ?? undefined,
  },
  signature: row.signature,
  pattern: row.pattern,
  attempts: row.attempts,
  diedAt: row.died_at,
  diedUs: row.died_us,
});
