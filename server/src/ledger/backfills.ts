import type { Pool } from "pg";
import type { Audit } from "../app/audit.ts";
import type {
  Backfill,
  BackfillState,
  BackfillWindow,
  BackfillWindowState,
} from "../app/backfills/backfill.ts";
import type { NewBackfill, StoredBackfill } from "../app/backfills/create-backfill.ts";
import { parseDigest } from "../domain/digest.ts";
import {
  type BackfillRow,
  backfillDigest,
  backfillWindows,
  insertBackfill,
  listBackfills,
  moveBackfillState,
  readBackfill,
  seriesForBackfill,
} from "./backfill.sql.ts";
import { readContent, writeContent } from "./backfill-content.ts";
import { presentArtifacts } from "./enqueue.sql.ts";
import { LostRace } from "./errors.ts";
import { asBuffer } from "./job-columns.ts";
import { recordAction } from "./operator-actions.ts";
import { inTransaction, type Transaction } from "./transaction.ts";

/** A row as the rest of the system knows it. */
export const backfillOf = (row: BackfillRow): Backfill => ({
  tenant: row.tenant,
  id: row.id,
  spec: {
    source: row.source,
    scope: row.scope,
    start: row.start_at,
    end: row.end_at,
    job: readContent(row.spec).job,
    maxParallel: row.max_parallel,
    repeatCovered: row.repeat_covered,
  },
  state: row.state,
  actor: row.actor,
  reason: row.reason,
  ticket: row.ticket,
  windows: row.windows,
  covered: row.covered,
  shared: row.shared,
  inProgress: row.in_progress,
  failed: row.failed,
  createdAt: row.created_at,
  finishedAt: row.finished_at ?? undefined,
});

/** Starts a backfill and records who did, in one transaction; `align` fits it to the series. */
export const createBackfillIn =
  (pool: Pool) =>
  (backfill: NewBackfill): Promise<StoredBackfill> =>
    inTransaction(pool, [backfill.tenant], async (tx) => {
      const { tenant, id, spec, audit } = backfill;
      const known = await existing(tx, backfill);
      if (known !== undefined) return known;
      const [series] = await tx.run(seriesForBackfill, tenant, spec.source, spec.scope);
      if (series === undefined) return { kind: "series_not_found" };
      const fit = backfill.fit(series.width_ms);
      if (fit.kind !== "fits") return fit;
      const artifact = spec.job.payloadArtifact;
      if (artifact !== undefined) {
        const present = await tx.run(presentArtifacts, [tenant], [parseDigest(artifact)]);
        if (present.length === 0) return { kind: "payload_artifact_not_found", digest: artifact };
      }
      const inserted = await tx.run(
        insertBackfill,
        ...([tenant, id, spec.source, spec.scope, fit.start, fit.end] as const),
        writeContent(series.width_ms, spec.job),
        asBuffer(backfill.requestDigest),
        ...([spec.maxParallel, spec.repeatCovered] as const),
        ...([audit.actor, audit.reason, audit.ticket, fit.windows] as const),
      );
      if (inserted.length === 0) {
        const raced = await existing(tx, backfill);
        if (raced === undefined) throw new LostRace("the holder of a backfill's id vanished");
        return raced;
      }
      const { source, scope, maxParallel, repeatCovered } = spec;
      const { start, end, windows } = fit;
      const { jobType } = spec.job;
      const detail = { source, scope, start, end, windows, jobType, maxParallel, repeatCovered };
      await record(tx, "backfill_started", tenant, id, audit, detail);
      return { kind: "created" };
    });

async function existing(
  tx: Transaction,
  { tenant, id, requestDigest }: NewBackfill,
): Promise<StoredBackfill | undefined> {
  const [row] = await tx.run(backfillDigest, tenant, id);
  if (row === undefined) return undefined;
  return row.request_digest.equals(requestDigest) ? { kind: "existing" } : { kind: "conflict" };
}

const record = (
  tx: Transaction,
  kind: string,
  tenant: string,
  targetName: string,
  audit: Audit,
  detail?: object,
) => recordAction(tx, { tenant, kind, targetKind: "backfill", targetName, ...audit, detail });

/** One backfill; undefined if the tenant has none of that id. */
export const readBackfillIn =
  (pool: Pool) =>
  (tenant: string, id: string): Promise<Backfill | undefined> =>
    inTransaction(pool, [tenant], async (tx) => {
      const [row] = await tx.run(readBackfill, tenant, id);
      return row && backfillOf(row);
    });

/** Up to `limit` (1,001 at most) backfills before the one of an id, newest first. */
export const listBackfillsIn =
  (pool: Pool) =>
  (tenant: string, source: string, after: string, limit: number): Promise<Backfill[]> =>
    inTransaction(pool, [tenant], async (tx) => {
      const rows = await tx.run(listBackfills, tenant, source, after || null, limit);
      return rows.map(backfillOf);
    });

/** Up to `limit` (1,001 at most) windows of a backfill after one that began at a moment. */
export const listBackfillWindowsIn =
  (pool: Pool) =>
  (
    tenant: string,
    id: string,
    state: BackfillWindowState | undefined,
    after: Date | undefined,
    limit: number,
  ): Promise<BackfillWindow[]> =>
    inTransaction(pool, [tenant], async (tx) => {
      const statement = backfillWindows.get(state ?? "all");
      if (statement === undefined) throw new Error(`no statement for ${state}`);
      const rows = await tx.run(statement, tenant, id, after ?? null, limit);
      return rows.map((row) => ({
        start: row.window_start,
        end: row.window_end,
        state: row.state === "waiting" ? "shared" : row.state,
        jobId: row.job_id ?? undefined,
      }));
    });

const MOVES = {
  pause: { from: ["running"], to: "paused", kind: "backfill_paused" },
  resume: { from: ["paused"], to: "running", kind: "backfill_resumed" },
  cancel: { from: ["running", "paused"], to: "cancelling", kind: "backfill_cancelled" },
} as const;

/** What an operator does to a backfill. */
export type BackfillMove = keyof typeof MOVES;

/** What became of it. */
export type BackfillMoved =
  | { readonly kind: "moved"; readonly backfill: Backfill }
  | { readonly kind: "not_found" }
  | { readonly kind: "finished" };

/** The states in which a repeated call finds what it asked for. */
const THERE: Readonly<Record<BackfillMove, readonly BackfillState[]>> = {
  pause: ["paused"],
  resume: ["running"],
  cancel: ["cancelling", "cancelled"],
};

/** Moves a backfill and records who did; a repeated call changes and records nothing. */
export const moveBackfillIn =
  (pool: Pool) =>
  (move: BackfillMove, tenant: string, id: string, audit: Audit): Promise<BackfillMoved> =>
    inTransaction(pool, [tenant], async (tx) => {
      const { from, to, kind } = MOVES[move];
      const moved = await tx.run(moveBackfillState, tenant, id, [...from], to);
      if (moved.length > 0) await record(tx, kind, tenant, id, audit);
      const [row] = await tx.run(readBackfill, tenant, id);
      if (row === undefined) return { kind: "not_found" };
      const there = moved.length > 0 || THERE[move].includes(row.state);
      return there ? { kind: "moved", backfill: backfillOf(row) } : { kind: "finished" };
    });
