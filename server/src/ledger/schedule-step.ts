import {
  type FiringOutcome,
  refusalText,
  type TargetRefusal,
} from "../app/schedules/stored-schedule.ts";
import { dueFirings } from "../domain/plan/due-firings.ts";
import {
  catchUpOf,
  decideOverlap,
  GRACE_MS,
  MAX_QUEUED,
  nextFireTime,
  type Schedule,
  seedOf,
  timingOf,
  waitsItsTurn,
} from "../domain/plan/schedule.ts";
import { readSchedule } from "../domain/plan/schedule-content.ts";
import { countFirings, nextFiring, previousFiring } from "../domain/plan/schedule-timing.ts";
import { type Aftermath, aftermathOf } from "./aftermath.ts";
import {
  BY_CLOCK,
  type FiringRow,
  queuedFirings,
  settleFiring,
  skipQueuedFirings,
} from "./firing.sql.ts";
import { type FiringNote, FiringNotes, noNote } from "./firing-notes.ts";
import type { StopRequest } from "./operate.ts";
import { type ScheduleRow, settleSchedule, unfinished } from "./schedule.sql.ts";
import { cancelMade } from "./schedule-cancel.ts";
import { type Made, TargetMaker, type TargetOptions } from "./schedule-target.ts";
import type { Transaction } from "./transaction.ts";

/** What a step needs. */
export interface StepOptions extends TargetOptions {
  /** How long a job that is cancelled gets to stop, in milliseconds. */
  readonly graceMs: number;
}

/** What a step did, and what the rest of the system should know. */
export interface StepDone extends Aftermath {
  readonly stops: readonly StopRequest[];
  /** Whether there is an operation to work on. */
  readonly operation: boolean;
  /** Jobs that are new. */
  readonly jobs: number;
  /** How many firings came to this; a missed one counts for all that it stands for. */
  readonly outcomes: ReadonlyMap<FiringOutcome, number>;
}

/** Carries a refusal out of the transaction of a triggered firing: nothing was written. */
export class TriggerRefused extends Error {
  readonly refusal: TargetRefusal;

  constructor(refusal: TargetRefusal) {
    super(refusal.kind);
    this.refusal = refusal;
  }
}

/** How many firings one transaction decides about at most, and how many runs it makes. */
const MAX_FIRINGS = 100;
const MAX_RUNS = 1;

/** How often firings that wait for their turn are looked at without a notice, in milliseconds. */
const LOOK_AGAIN_MS = 5_000;

/**
 * A schedule that is locked, on its way to what comes next. All that is decided is written by
 * {@link save}, in the same transaction as what the firings make.
 */
export class ScheduleStep {
  readonly #tx: Transaction;
  readonly #row: ScheduleRow;
  readonly #options: StepOptions;
  readonly #maker: TargetMaker;
  readonly #notes = new FiringNotes();
  readonly #aftermaths: Aftermath[] = [];
  readonly #stops: StopRequest[] = [];
  #schedule: Schedule;
  #settled: Date;
  #lastNominal: Date | undefined;
  #last: { readonly jobId: string | undefined; readonly runId: string | undefined };
  #busy: boolean | undefined;
  #queued: number;
  #retryAt: Date | undefined;
  #makesLeft: number;
  /** Whether there is more to do at once. */
  #cut = false;
  #jobs = 0;
  #operation = false;

  /** @param places see {@link TargetMaker}. */
  constructor(
    tx: Transaction,
    row: ScheduleRow,
    options: StepOptions,
    places: ((committed: boolean) => void)[],
  ) {
    this.#tx = tx;
    this.#row = row;
    this.#options = options;
    this.#maker = new TargetMaker(tx, options, places);
    this.#schedule = readSchedule(row.content);
    this.#settled = row.settled_upto;
    this.#lastNominal = row.last_nominal ?? undefined;
    this.#last = { jobId: row.last_job_id ?? undefined, runId: row.last_run_id ?? undefined };
    this.#queued = row.queued;
    this.#retryAt = row.retry_at ?? undefined;
    this.#makesLeft = this.#schedule.target.kind === "job" ? MAX_FIRINGS : MAX_RUNS;
  }

  /** Whether there is more to do at once, in another transaction. */
  get isCut(): boolean {
    return this.#cut;
  }

  /** What came of the step so far. */
  get done(): StepDone {
    const lanes = this.#aftermaths.flatMap((after) => after.lanes);
    const scheduled = this.#aftermaths.some((after) => after.scheduled);
    const cascading = this.#aftermaths.some((after) => after.cascading);
    const changed = this.#aftermaths.flatMap((after) => after.changed);
    return {
      ...aftermathOf(changed, lanes, scheduled, cascading),
      stops: this.#stops,
      operation: this.#operation,
      jobs: this.#jobs,
      outcomes: this.#notes.outcomes,
    };
  }

  /** Makes firings that wait, if it is their turn and there is a place: oldest first. */
  async fireQueued(): Promise<void> {
    const { tenant, name, now, pause } = this.#row;
    if (this.#queued === 0 || (this.#retryAt !== undefined && this.#retryAt > now)) return;
    this.#retryAt = undefined;
    for (const firing of await this.#tx.run(queuedFirings, tenant, name)) {
      // A pause holds what the clock made, not what somebody asked for in spite of it.
      if (pause !== null && firing.request_id === BY_CLOCK) continue;
      if (waitsItsTurn(this.#schedule.overlap) && (await this.#isBusy())) return;
      if (this.#makesLeft === 0) {
        this.#cut = true;
        return;
      }
      const made = await this.#make(firing.nominal_at);
      if (made.kind === "later") {
        this.#retryAt = this.#inMs(made.retryAfterMs);
        return;
      }
      const note = noteOf(made);
      const { outcome, job_id, run_id, error } = note;
      const key = [tenant, name, firing.nominal_at, firing.request_id] as const;
      const settled = await this.#tx.run(settleFiring, ...key, outcome, job_id, run_id, error);
      if (settled.length !== 1) throw new Error("a firing that waited vanished");
      this.#notes.count(outcome, 1);
      this.#queued -= 1;
    }
  }

  /** Decides about the firings whose time has come by a moment, {@link MAX_FIRINGS} at most. */
  async fireDue(asOf: Date): Promise<void> {
    const { tenant, name } = this.#row;
    const timing = timingOf(this.#schedule);
    const due = dueFirings({
      timing,
      lastNominal: this.#settled,
      now: asOf,
      catchUp: catchUpOf(this.#schedule),
      seed: seedOf(tenant, name),
      graceMs: GRACE_MS,
    });
    if (due.missed > 0) {
      const [first] = due.fire;
      this.#noteMissed(due.missed);
      this.#settle(first && previousFiring(timing, new Date(first.getTime() - 1)));
    }
    for (const nominal of due.fire) {
      if (this.#makesLeft === 0 || this.#notes.length >= MAX_FIRINGS) {
        this.#cut = true;
        return;
      }
      await this.#fire(nominal);
      this.#settle(nominal);
    }
    this.#settle(due.settled);
    if (due.missed > 0 || due.fire.length > 0) this.#saw(due.settled);
  }

  /** Settles what came by a moment; what was left of it by {@link fireDue} is missed. */
  passOver(asOf: Date): void {
    const left = this.#cut ? countFirings(timingOf(this.#schedule), this.#settled, asOf) : 0;
    if (left > 0) this.#noteMissed(left);
    this.#settle(asOf);
    this.#cut = false;
  }

  /**
   * Fires now because somebody asked for it. Throws {@link TriggerRefused} if what it should make
   * is refused.
   */
  async trigger(requestId: string): Promise<void> {
    const { now } = this.#row;
    const decision = await this.#decide();
    if (decision === "skip" || decision === "queue") {
      this.#wait(decision, now, requestId);
      return;
    }
    if (decision === "replace") await this.#replace();
    const made = await this.#make(now);
    if (made.kind !== "created") throw new TriggerRefused(made.refusal);
    this.#note(now, requestId, noteOf(made));
  }

  /** From here on the schedule says something else. */
  become(schedule: Schedule): void {
    this.#schedule = schedule;
  }

  /** Writes the firings and how far the schedule came; answers the firings. */
  async save(isPaused: boolean): Promise<FiringRow[]> {
    const { tenant, name } = this.#row;
    const written = await this.#notes.write(this.#tx, tenant, name);
    const { jobId = null, runId = null } = this.#last;
    await this.#tx.run(
      settleSchedule,
      ...([tenant, name, this.#settled, await this.#nextAt(isPaused)] as const),
      ...([this.#lastNominal ?? null, jobId, runId, this.#queued, this.#retryAt ?? null] as const),
    );
    return written;
  }

  async #nextAt(isPaused: boolean): Promise<Date | null> {
    const { tenant, name, now } = this.#row;
    if (this.#cut) return now;
    const moments: Date[] = [];
    if (!isPaused) {
      const next = nextFireTime(this.#schedule, seedOf(tenant, name), this.#settled);
      if (next !== undefined) moments.push(next);
    }
    if (this.#queued > 0 && (!isPaused || (await this.#hasManual()))) {
      moments.push(this.#retryAt ?? this.#inMs(LOOK_AGAIN_MS));
    }
    const [first] = moments.sort((a, b) => a.getTime() - b.getTime());
    return first ?? null;
  }

  async #hasManual(): Promise<boolean> {
    const waiting = await this.#tx.run(queuedFirings, this.#row.tenant, this.#row.name);
    return waiting.some((firing) => firing.request_id !== BY_CLOCK);
  }

  async #fire(nominal: Date): Promise<void> {
    const decision = await this.#decide();
    if (decision === "skip" || decision === "queue") {
      this.#wait(decision, nominal, BY_CLOCK);
      return;
    }
    if (decision === "replace") await this.#replace();
    const made = await this.#make(nominal);
    if (made.kind !== "later") {
      this.#note(nominal, BY_CLOCK, noteOf(made));
      return;
    }
    this.#retryAt = this.#inMs(made.retryAfterMs);
    this.#wait(this.#queued < MAX_QUEUED ? "queue" : "skip", nominal, BY_CLOCK);
  }

  async #decide() {
    const { overlap } = this.#schedule;
    const isBusy = overlap !== "allow" && (await this.#isBusy());
    return decideOverlap(overlap, this.#queued, isBusy);
  }

  /** Skips what waits and cancels what was made last. */
  async #replace(): Promise<void> {
    const { tenant, name } = this.#row;
    if (this.#queued > 0) {
      const skipped = await this.#tx.run(skipQueuedFirings, tenant, name);
      this.#notes.count("skipped", skipped.length);
      this.#notes.skipQueued();
      this.#queued = 0;
      this.#retryAt = undefined;
    }
    if (!(await this.#isBusy())) return;
    const reason = `schedule ${name}: the next one is due`;
    const { graceMs } = this.#options;
    const cancelled = await cancelMade(this.#tx, tenant, this.#last, { reason, graceMs });
    this.#aftermaths.push(cancelled);
    this.#stops.push(...cancelled.stops);
    this.#operation ||= cancelled.operation;
  }

  #wait(decision: "skip" | "queue", nominal: Date, requestId: string): void {
    if (decision === "queue") this.#queued += 1;
    const outcome = decision === "queue" ? "queued" : "skipped";
    this.#note(nominal, requestId, { ...noNote, outcome });
  }

  async #make(nominal: Date): Promise<Made> {
    const { tenant, name } = this.#row;
    this.#makesLeft -= 1;
    const made = await this.#maker.make(tenant, name, this.#schedule, nominal);
    if (made.kind === "created") {
      this.#last = { jobId: made.jobId, runId: made.runId };
      this.#busy = true;
      this.#jobs += made.jobs;
      this.#aftermaths.push(made.aftermath);
    }
    return made;
  }

  async #isBusy(): Promise<boolean> {
    if (this.#busy === undefined) {
      const { jobId = null, runId = null } = this.#last;
      const [row] = await this.#tx.run(unfinished, this.#row.tenant, jobId, runId);
      this.#busy = row?.busy ?? false;
    }
    return this.#busy;
  }

  #noteMissed(count: number): void {
    const nominal = nextFiring(timingOf(this.#schedule), this.#settled);
    if (nominal === undefined) throw new Error("firings are missed that do not exist");
    this.#note(nominal, BY_CLOCK, { ...noNote, outcome: "missed", missed_count: count });
  }

  #note(nominal: Date, requestId: string, note: FiringNote): void {
    this.#notes.add(nominal, requestId, note);
    this.#saw(nominal);
  }

  #saw(nominal: Date): void {
    if (this.#lastNominal === undefined || nominal > this.#lastNominal) this.#lastNominal = nominal;
  }

  #settle(upto: Date | undefined): void {
    if (upto !== undefined && upto > this.#settled) this.#settled = upto;
  }

  #inMs(delayMs: number): Date {
    return new Date(this.#row.now.getTime() + Math.ceil(delayMs));
  }
}

/** What the list of firings says about something that was made, or refused for good. */
function noteOf(made: Exclude<Made, { kind: "later" }>): FiringNote {
  if (made.kind === "refused") {
    return { ...noNote, outcome: "failed", error: refusalText(made.refusal) };
  }
  const { jobId = null, runId = null } = made;
  return { ...noNote, outcome: "created", job_id: jobId, run_id: runId };
}
