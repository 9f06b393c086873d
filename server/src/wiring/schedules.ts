import { LedgerUnavailable } from "../app/ledger-unavailable.ts";
import { announce } from "../app/notices.ts";
import { createSchedule, updateSchedule } from "../app/schedules/change-schedule.ts";
import { listFirings, listSchedules } from "../app/schedules/list-schedules.ts";
import { previewSchedule } from "../app/schedules/preview-schedule.ts";
import {
  findDueSchedules,
  fireScheduleIn,
  pauseScheduleIn,
  putOffScheduleIn,
  resumeScheduleIn,
  scheduleLooks,
  triggerScheduleIn,
  updateScheduleIn,
  wakeSchedulesIn,
} from "../ledger/schedule-firing.ts";
import type { StepDone, StepOptions } from "../ledger/schedule-step.ts";
import {
  type Changed,
  createScheduleIn,
  deleteScheduleIn,
  findGridIn,
  findScheduleIn,
  ledgerNowIn,
  listFiringsIn,
  listSchedulesIn,
} from "../ledger/schedules.ts";
import { newId } from "../lib/ids.ts";
import { type InTurn, inTurn } from "../lib/in-turn.ts";
import { type Scheduler, scheduler } from "../loops/scheduler.ts";
import { scheduleService } from "../rpc/schedule-service.ts";
import type { Feature, FeatureOptions } from "./features.ts";

/** What firing schedules is made of. */
export type SchedulesOptions = Pick<
  FeatureOptions,
  "pool" | "loopsPool" | "board" | "policies" | "limits" | "metrics" | "logger"
>;

/** How long a change of a schedule waits for others, in milliseconds; callers try again. */
const MAX_WAIT_MS = 5_000;

/** Builds ScheduleService and the loop that fires schedules. */
export function wireSchedules(options: SchedulesOptions): Feature {
  const { pool, board, policies, limits, metrics } = options;
  const { maxPayloadBytes, drainGraceMs: graceMs, idempotencyRetentionMs } = policies.base;
  const step: StepOptions = {
    retentionMs: idempotencyRetentionMs,
    payloadQuota: limits.payloadQuota,
    maxPayloadBytes,
    admit: limits.admit,
    graceMs,
  };
  const tell = (done: StepDone) => {
    announce(board, done);
    for (const stop of done.stops)
      board.publish({ kind: "stop", ...stop, reason: "user", graceMs });
    if (done.operation) board.publish({ kind: "operation" });
    if (done.jobs > 0) metrics.enqueued(done.jobs);
    metrics.fired(done.outcomes);
  };
  // A step may look into the ledger on a second connection while it holds one; if many did so at
  // once they could wait for each other.
  const tooLate = () =>
    new LedgerUnavailable(undefined, undefined, "other changes of schedules take long");
  const turn = inTurn({ maxWaitMs: MAX_WAIT_MS, tooLate });
  const loop = wireScheduler(options, step, tell, turn);
  const changed = async <Result>(change: () => Promise<Changed<Result>>): Promise<Result> => {
    const { result, done } = await turn(change);
    if (done !== undefined) tell(done);
    loop.wake();
    return result;
  };
  const [create, update] = [createScheduleIn(pool), updateScheduleIn(pool, step, tell)];
  const [pause, resume] = [pauseScheduleIn(pool, step), resumeScheduleIn(pool, step, tell)];
  const trigger = triggerScheduleIn(pool, step);
  const find = findScheduleIn(pool);
  const schedule = scheduleService({
    create: createSchedule({
      create: (...what) =>
        changed(async () => ({ result: await create(...what), done: undefined })),
      maxPayloadBytes,
    }),
    update: updateSchedule({
      update: (...what) => changed(() => update(...what)),
      maxPayloadBytes,
    }),
    find,
    list: listSchedules({ list: listSchedulesIn(pool) }),
    remove: deleteScheduleIn(pool),
    pause: (...what) => changed(() => pause(...what)),
    resume: (...what) => changed(() => resume(...what)),
    trigger: (tenant, name, requestId, audit) =>
      changed(() => trigger(tenant, name, requestId ?? newId(), audit)),
    preview: previewSchedule({
      find,
      grid: findGridIn(pool),
      now: ledgerNowIn(pool),
      maxPayloadBytes,
    }),
    firings: listFirings({ list: listFiringsIn(pool) }),
  });
  return { schedule, loops: [loop] };
}

function wireScheduler(
  { pool, loopsPool, board, logger }: SchedulesOptions,
  step: StepOptions,
  tell: (done: StepDone) => void,
  turn: InTurn,
): Scheduler {
  const fire = fireScheduleIn(pool, step);
  const loop = scheduler({
    ...scheduleLooks(loopsPool),
    due: findDueSchedules(pool),
    fire: async (schedule) => {
      const done = await turn(() => fire(schedule));
      if (done !== undefined) tell(done);
      return done !== undefined;
    },
    putOff: putOffScheduleIn(pool),
    wakeWaiting: wakeSchedulesIn(pool),
    onError: (name, err) => logger.warn({ loop: name, err }, "a tick failed"),
  });
  board.subscribe((notice) => {
    if (notice.kind === "changed") loop.changed(notice.tenants);
  });
  return loop;
}
