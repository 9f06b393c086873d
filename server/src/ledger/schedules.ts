import type { Pool } from "pg";
import type { Audit } from "../app/audit.ts";
import type { CreateScheduleResult } from "../app/schedules/change-schedule.ts";
import type { FiringPosition } from "../app/schedules/list-schedules.ts";
import type { Firing, StoredSchedule } from "../app/schedules/stored-schedule.ts";
import {
  neverFires,
  nextFireTime,
  type Schedule,
  seedOf,
  type WindowGrid,
} from "../domain/plan/schedule.ts";
import { readSchedule, scheduleDigest, writeSchedule } from "../domain/plan/schedule-content.ts";
import { BY_CLOCK, type FiringRow, listFirings } from "./firing.sql.ts";
import { asBuffer } from "./job-columns.ts";
import { type OperatorAction, recordAction } from "./operator-actions.ts";
import {
  deleteSchedule,
  insertSchedule,
  ledgerNow,
  listSchedules,
  lockSchedule,
  type ScheduleRow,
  selectSchedule,
} from "./schedule.sql.ts";
import type { StepDone } from "./schedule-step.ts";
import { checkTarget, readGrid } from "./schedule-target.ts";
import { inTransaction, type Transaction } from "./transaction.ts";

/** A schedule as callers see it. */
export function storedSchedule(row: ScheduleRow): StoredSchedule {
  const { name, content, pause } = row;
  return {
    name,
    content,
    version: row.version,
    pause: pause ?? undefined,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    nextFireAt: pause === null ? nextOf(row) : undefined,
    lastNominal: row.last_nominal ?? undefined,
  };
}

/** What the ledger knows is not searched again: a firing that is rare takes 40 ms to find. */
function nextOf({ tenant, name, content, settled_upto, queued, next_at, now }: ScheduleRow) {
  if (queued === 0 && (next_at === null || next_at > now)) return next_at ?? undefined;
  return nextFireTime(readSchedule(content), seedOf(tenant, name), settled_upto);
}

/** A firing as callers see it. */
export const firingOf = (row: FiringRow): Firing => ({
  schedule: row.schedule,
  nominalAt: row.nominal_at,
  firedAt: row.fired_at,
  outcome: row.outcome,
  jobId: row.job_id ?? undefined,
  runId: row.run_id ?? undefined,
  missedCount: row.missed_count,
  error: row.error ?? undefined,
  requestId: row.request_id === BY_CLOCK ? undefined : row.request_id,
});

/** Records what somebody did to a schedule. */
export const recordSchedule = (
  tx: Transaction,
  tenant: string,
  name: string,
  kind: OperatorAction["kind"],
  audit: Audit,
  detail: object = {},
): Promise<void> =>
  recordAction(tx, { tenant, kind, targetKind: "schedule", targetName: name, ...audit, detail });

/** Finds a schedule. */
export const findScheduleIn =
  (pool: Pool) =>
  (tenant: string, name: string): Promise<StoredSchedule | undefined> =>
    inTransaction(pool, [tenant], async (tx) => {
      const [row] = await tx.run(selectSchedule, tenant, name);
      return row && storedSchedule(row);
    });

/** Up to `limit` (1,001 at most) schedules after a name, by name. */
export const listSchedulesIn =
  (pool: Pool) =>
  (tenant: string, after: string, limit: number): Promise<StoredSchedule[]> =>
    inTransaction(pool, [tenant], async (tx) => {
      const rows = await tx.run(listSchedules, tenant, after);
      return rows.slice(0, limit).map(storedSchedule);
    });

const LAST_REQUEST = "ffffffff-ffff-ffff-ffff-ffffffffffff";

/** Up to `limit` (1,001 at most) firings after a position; undefined: there is no such schedule. */
export const listFiringsIn =
  (pool: Pool) =>
  (
    tenant: string,
    name: string,
    after: FiringPosition | undefined,
    limit: number,
  ): Promise<Firing[] | undefined> =>
    inTransaction(pool, [tenant], async (tx) => {
      const [schedule] = await tx.run(selectSchedule, tenant, name);
      if (schedule === undefined) return undefined;
      const requestId = after === undefined ? LAST_REQUEST : (after.requestId ?? BY_CLOCK);
      const before = [after?.nominalAt ?? null, requestId] as const;
      const rows = await tx.run(listFirings, tenant, name, ...before, schedule.created_at);
      return rows.slice(0, limit).map(firingOf);
    });

/** How the windows of a source and scope lie; undefined: nobody declared them. */
export const findGridIn =
  (pool: Pool) =>
  (tenant: string, source: string, scope: string): Promise<WindowGrid | undefined> =>
    inTransaction(pool, [tenant], (tx) => readGrid(tx, tenant, source, scope));

/** The ledger's clock. */
export const ledgerNowIn = (pool: Pool) => (): Promise<Date> => inTransaction(pool, [], clock);

async function clock(tx: Transaction): Promise<Date> {
  const [row] = await tx.run(ledgerNow);
  if (row === undefined) throw new Error("the ledger has no clock");
  return row.now;
}

/** Makes a schedule; its firings count from now on. */
export const createScheduleIn =
  (pool: Pool) =>
  (tenant: string, name: string, schedule: Schedule, audit: Audit): Promise<CreateScheduleResult> =>
    inTransaction(pool, [tenant], async (tx) => {
      const digest = asBuffer(scheduleDigest(schedule));
      const [existing] = await tx.run(selectSchedule, tenant, name);
      if (existing !== undefined) return existingOr(existing, digest);
      const refusal = await checkTarget(tx, tenant, schedule);
      if (refusal !== undefined) return { kind: "refused", refusal };
      const now = await clock(tx);
      const nextAt = nextFireTime(schedule, seedOf(tenant, name), now);
      if (nextAt === undefined) return { kind: "faults", faults: [neverFires(schedule, now)] };
      const content = writeSchedule(schedule);
      const said = [JSON.stringify(content), digest, nextAt] as const;
      const [row] = await tx.run(insertSchedule, tenant, name, ...said);
      if (row === undefined) {
        // Somebody came first; that statement waited for them, and this one sees what they made.
        const [winner] = await tx.run(selectSchedule, tenant, name);
        return winner === undefined ? { kind: "exists" } : existingOr(winner, digest);
      }
      await recordSchedule(tx, tenant, name, "schedule_created", audit, { after: content });
      return { kind: "created", schedule: storedSchedule(row) };
    });

const existingOr = (row: ScheduleRow, digest: Buffer): CreateScheduleResult =>
  row.content_digest.equals(digest)
    ? { kind: "existing", schedule: storedSchedule(row) }
    : { kind: "exists" };

/** What a change of a schedule did besides: firings whose time had come before it. */
export interface Changed<Result> {
  readonly result: Result;
  readonly done: StepDone | undefined;
}

/** The schedule as it is now. */
export async function stored(
  tx: Transaction,
  { tenant, name }: Pick<ScheduleRow, "tenant" | "name">,
): Promise<StoredSchedule> {
  const [row] = await tx.run(selectSchedule, tenant, name);
  if (row === undefined) throw new Error("a locked schedule vanished");
  return storedSchedule(row);
}

/** Removes a schedule with what waits; answers whether it was there. */
export const deleteScheduleIn =
  (pool: Pool) =>
  (tenant: string, name: string, audit: Audit): Promise<boolean> =>
    inTransaction(pool, [tenant], async (tx) => {
      const [row] = await tx.run(lockSchedule, tenant, name);
      if (row === undefined) return false;
      await tx.run(deleteSchedule, tenant, name);
      await recordSchedule(tx, tenant, name, "schedule_deleted", audit, { before: row.content });
      return true;
    });
