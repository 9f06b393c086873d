import type { Pool } from "pg";
import type { Audit } from "../app/audit.ts";
import type { ScheduleDecision, UpdateScheduleResult } from "../app/schedules/change-schedule.ts";
import type { StoredSchedule } from "../app/schedules/stored-schedule.ts";
import type { TriggerResult } from "../app/schedules/trigger-schedule.ts";
import { changesTiming, neverFires, nextFireTime, seedOf } from "../domain/plan/schedule.ts";
import { readSchedule, scheduleDigest, writeSchedule } from "../domain/plan/schedule-content.ts";
import { triggeredFiring } from "./firing.sql.ts";
import { asBuffer } from "./job-columns.ts";
import {
  dueSchedules,
  lockDueSchedule,
  lockSchedule,
  nextScheduleDue,
  putOffSchedule,
  type ScheduleRow,
  tenantsWithDueSchedules,
  tenantsWithQueuedFirings,
  wakeSchedules,
  writeSchedule as writeContent,
  writeSchedulePause,
} from "./schedule.sql.ts";
import { ScheduleStep, type StepDone, type StepOptions, TriggerRefused } from "./schedule-step.ts";
import { checkTarget } from "./schedule-target.ts";
import { type Changed, firingOf, recordSchedule, stored, storedSchedule } from "./schedules.ts";
import { inTransaction, type Transaction } from "./transaction.ts";

/**
 * Runs work that may make jobs, and gives the places in queues back that it took and did not need.
 * `work` gets what begins a step, and may be run more than once.
 */
export async function withSteps<T>(
  options: StepOptions,
  work: (begin: BeginStep) => Promise<T>,
): Promise<T> {
  let places: ((committed: boolean) => void)[] = [];
  const giveBack = (committed: boolean) => {
    for (const settle of places) settle(committed);
    places = [];
  };
  const begin: BeginStep = (tx, row) => {
    // A transaction that lost a race begins anew.
    giveBack(false);
    return new ScheduleStep(tx, row, options, places);
  };
  try {
    const result = await work(begin);
    giveBack(true);
    return result;
  } catch (error) {
    giveBack(false);
    throw error;
  }
}

/** Begins a step on a locked schedule; see {@link ScheduleStep}. */
export type BeginStep = (tx: Transaction, row: ScheduleRow) => ScheduleStep;

/** Names a schedule. */
export interface ScheduleRef {
  readonly tenant: string;
  readonly name: string;
}

/** Up to 100 schedules of these tenants that are due, the longest overdue first. */
export const findDueSchedules =
  (pool: Pool) =>
  (tenants: readonly string[]): Promise<ScheduleRef[]> =>
    inTransaction(pool, tenants, (tx) => tx.run(dueSchedules));

/**
 * Does what is due of a schedule, 100 firings or one run at most, in one transaction; undefined if
 * nothing is, or another replica is at it.
 */
export const fireScheduleIn =
  (pool: Pool, options: StepOptions) =>
  ({ tenant, name }: ScheduleRef): Promise<StepDone | undefined> =>
    withSteps(options, (begin) =>
      inTransaction(pool, [tenant], async (tx) => {
        const [row] = await tx.run(lockDueSchedule, tenant, name);
        if (row === undefined) return undefined;
        const step = begin(tx, row);
        await step.fireQueued();
        await step.fireDue(asOf(row));
        await step.save(row.pause !== null);
        return step.done;
      }),
    );

/** What came before a pause is still made; what falls into it is not. */
const asOf = ({ now, pause }: ScheduleRow): Date => (pause === null ? now : new Date(pause.since));

/** Makes a schedule wait that could not be worked on, so that others have their turn. */
export const putOffScheduleIn =
  (pool: Pool) =>
  ({ tenant, name }: ScheduleRef, delayMs: number): Promise<void> =>
    inTransaction(pool, [tenant], async (tx) => {
      await tx.run(putOffSchedule, tenant, name, delayMs);
    });

/** Makes schedules due whose firings wait for what has finished by now; answers how many. */
export const wakeSchedulesIn =
  (pool: Pool) =>
  (tenants: readonly string[]): Promise<number> =>
    inTransaction(pool, tenants, async (tx) => (await tx.run(wakeSchedules, [...tenants])).length);

/** What the loop learns as orch_loops. */
export const scheduleLooks = (loopsPool: Pool) => {
  const asLoops = <T>(work: (tx: Transaction) => Promise<T>) => inTransaction(loopsPool, [], work);
  return {
    /** The tenants that have due schedules. */
    tenantsDue: () =>
      asLoops(async (tx) => (await tx.run(tenantsWithDueSchedules)).map((row) => row.tenant)),
    /** The tenants that have firings which wait. */
    tenantsWaiting: () =>
      asLoops(async (tx) => (await tx.run(tenantsWithQueuedFirings)).map((row) => row.tenant)),
    /** How long until the next schedule is due, in milliseconds; undefined: none is. */
    nextDueMs: () =>
      asLoops(async (tx) => {
        const [row] = await tx.run(nextScheduleDue);
        return row?.due_in_ms === null || row === undefined ? undefined : row.due_in_ms;
      }),
  };
};

/** Fires a schedule because somebody asks for it; a repeated request is answered what it was. */
export const triggerScheduleIn =
  (pool: Pool, options: StepOptions) =>
  async (
    tenant: string,
    name: string,
    requestId: string,
    audit: Audit,
  ): Promise<Changed<TriggerResult>> => {
    try {
      return await withSteps(options, (begin) =>
        inTransaction(pool, [tenant], async (tx) => {
          const [row] = await tx.run(lockSchedule, tenant, name);
          if (row === undefined) return { result: { kind: "not_found" }, done: undefined };
          const asked = [tenant, name, requestId, row.created_at] as const;
          const [known] = await tx.run(triggeredFiring, ...asked);
          if (known !== undefined) {
            return { result: { kind: "fired", firing: firingOf(known) }, done: undefined };
          }
          const step = begin(tx, row);
          await step.trigger(requestId);
          const [firing] = await step.save(row.pause !== null);
          if (firing === undefined) throw new Error("a firing was not noted");
          const { outcome, nominal_at: nominal } = firing;
          const detail = { requestId, nominal, outcome };
          await recordSchedule(tx, tenant, name, "schedule_triggered", audit, detail);
          return { result: { kind: "fired", firing: firingOf(firing) }, done: step.done };
        }),
      );
    } catch (error) {
      if (!(error instanceof TriggerRefused)) throw error;
      return { result: { kind: "refused", refusal: error.refusal }, done: undefined };
    }
  };

/**
 * Decides about a schedule and writes it in one transaction. With a new timing, what came by now is
 * fired by the old one first, and the new one counts from now on.
 */
export const updateScheduleIn =
  (pool: Pool, options: StepOptions, tell: TellStep) =>
  (
    tenant: string,
    name: string,
    audit: Audit,
    decide: (before: StoredSchedule) => ScheduleDecision,
  ): Promise<Changed<UpdateScheduleResult>> =>
    afterWhatWasDue(pool, options, tell, tenant, async (tx, begin, isLast) => {
      const [row] = await tx.run(lockSchedule, tenant, name);
      const unchanged = (result: UpdateScheduleResult) => ({ result, done: undefined });
      if (row === undefined) return unchanged({ kind: "not_found" });
      const decision = decide(storedSchedule(row));
      if (decision.kind !== "write") return unchanged(decision);
      const { schedule } = decision;
      const refusal = await checkTarget(tx, tenant, schedule);
      if (refusal !== undefined) return unchanged({ kind: "refused", refusal });
      const step = begin(tx, row);
      if (changesTiming(readSchedule(row.content), schedule)) {
        if (nextFireTime(schedule, seedOf(tenant, name), row.now) === undefined) {
          return unchanged({ kind: "faults", faults: [neverFires(schedule, row.now)] });
        }
        await step.fireDue(asOf(row));
        if (step.isCut && !isLast) return moreIsDue(step, row);
        step.passOver(row.now);
      }
      step.become(schedule);
      const content = writeSchedule(schedule);
      const digest = asBuffer(scheduleDigest(schedule));
      await tx.run(writeContent, tenant, name, JSON.stringify(content), digest);
      await step.save(row.pause !== null);
      const detail = { before: row.content, after: content };
      await recordSchedule(tx, tenant, name, "schedule_updated", audit, detail);
      return { result: { kind: "updated", schedule: await stored(tx, row) }, done: step.done };
    });

/** How many steps a change waits for at most; what is left of what was due then is missed. */
const MAX_STEPS = 100;

/** Told what a step did that came before a change. */
export type TellStep = (done: StepDone) => void;

/** There is more that was due before the change. */
interface MoreIsDue {
  readonly more: StepDone;
}

async function moreIsDue(step: ScheduleStep, row: ScheduleRow): Promise<MoreIsDue> {
  await step.save(row.pause !== null);
  return { more: step.done };
}

/**
 * Changes a schedule once all that was due before is settled: a step in each transaction, as the
 * loop does it, and the change in the last one.
 */
async function afterWhatWasDue<Result>(
  pool: Pool,
  options: StepOptions,
  tell: TellStep,
  tenant: string,
  change: (
    tx: Transaction,
    begin: BeginStep,
    isLast: boolean,
  ) => Promise<Changed<Result> | MoreIsDue>,
): Promise<Changed<Result>> {
  for (let steps = 1; ; steps++) {
    const answer = await withSteps(options, (begin) =>
      inTransaction(pool, [tenant], (tx) => change(tx, begin, steps === MAX_STEPS)),
    );
    if (!("more" in answer)) return answer;
    tell(answer.more);
  }
}

/** Pauses a schedule, after what was due by now; undefined if there is none. */
export const pauseScheduleIn =
  (pool: Pool, options: StepOptions) =>
  (tenant: string, name: string, audit: Audit): Promise<Changed<StoredSchedule | undefined>> =>
    withSteps(options, (begin) =>
      inTransaction(pool, [tenant], async (tx) => {
        const [row] = await tx.run(lockSchedule, tenant, name);
        if (row === undefined) return { result: undefined, done: undefined };
        const step = begin(tx, row);
        if (row.pause === null) await step.fireDue(row.now);
        const since = row.pause?.since ?? row.now.toISOString();
        const pause = { reason: audit.reason, actor: audit.actor, since };
        await tx.run(writeSchedulePause, tenant, name, JSON.stringify(pause));
        await step.save(true);
        await recordSchedule(tx, tenant, name, "schedule_paused", audit);
        return { result: await stored(tx, row), done: step.done };
      }),
    );

/**
 * Ends the pause of a schedule, if there is one, once what was due before it is settled; undefined
 * if there is no such schedule.
 */
export const resumeScheduleIn =
  (pool: Pool, options: StepOptions, tell: TellStep) =>
  (tenant: string, name: string, audit: Audit): Promise<Changed<StoredSchedule | undefined>> =>
    afterWhatWasDue(pool, options, tell, tenant, async (tx, begin, isLast) => {
      const [row] = await tx.run(lockSchedule, tenant, name);
      if (row === undefined) return { result: undefined, done: undefined };
      if (row.pause === null) return { result: await stored(tx, row), done: undefined };
      const step = begin(tx, row);
      await step.fireDue(asOf(row));
      if (step.isCut && !isLast) return moreIsDue(step, row);
      step.passOver(row.now);
      await tx.run(writeSchedulePause, tenant, name, null);
      await step.save(false);
      await recordSchedule(tx, tenant, name, "schedule_resumed", audit);
      return { result: await stored(tx, row), done: step.done };
    });
