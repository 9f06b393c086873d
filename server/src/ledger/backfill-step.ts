import type { Pool } from "pg";
import type { BackfillStepped } from "../app/backfills/work-backfills.ts";
import { isTerminal } from "../domain/job-machine.ts";
import type { JobSpec } from "../domain/job-spec.ts";
import { settleWindow, walkWindows } from "../domain/plan/backfill-steps.ts";
import { alignDown, dueUntil } from "../domain/plan/windows.ts";
import { type Aftermath, aftermathOf } from "./aftermath.ts";
import { seriesOfBackfill } from "./backfill.sql.ts";
import { WindowChanges, type WindowMs } from "./backfill-changes.ts";
import { readContent } from "./backfill-content.ts";
import { BackfillJobs, type BackfillJobsOptions } from "./backfill-jobs.ts";
import {
  candidates,
  failedWindows,
  type LockedBackfill,
  lockBackfill,
  moveBackfill,
  type OpenWindowRow,
  openWindows,
  recheckFailed,
  takeTurn,
  tenantsWithBackfills,
  unfinishedBackfills,
} from "./backfill-step.sql.ts";
import { inTransaction, type Transaction } from "./transaction.ts";
import { coveredRuns } from "./window-series.sql.ts";

/** Windows that may wait for jobs of somebody else at once: each is looked at in every step. */
const MAX_WAITING = 1_000;

/** Runs of covered windows that are read at once; see coveredRuns. */
const MAX_RUNS = 1_000;

/** Failed windows that are looked at again in one step; see recheckFailed. */
const MAX_RECHECKED = 1_000;

/** The tenants that have unfinished backfills; as orch_loops. */
export const findTenantsWithBackfills = (loopsPool: Pool) => async (): Promise<string[]> =>
  (await inTransaction(loopsPool, [], (tx) => tx.run(tenantsWithBackfills))).map(
    (row) => row.tenant,
  );

/** Up to 1,000 unfinished backfills of a tenant. */
export const findUnfinishedBackfills =
  (pool: Pool) =>
  (tenant: string): Promise<string[]> =>
    inTransaction(pool, [tenant], async (tx) =>
      (await tx.run(unfinishedBackfills, tenant)).map((row) => row.id),
    );

/**
 * Does the next bounded part of a backfill in one transaction: settles windows whose jobs ended,
 * and makes jobs for the next ones. What a replica that dies did not commit, another does again.
 * Undefined: it is finished, or another replica is at it.
 */
export const stepBackfillIn =
  (pool: Pool, options: BackfillJobsOptions) =>
  async (tenant: string, id: string): Promise<BackfillStepped | undefined> => {
    // The work is run again when the transaction loses a race: each run makes jobs of its own.
    let jobs = new BackfillJobs(options);
    let committed = false;
    try {
      const stepped = await inTransaction(pool, [tenant], async (tx) => {
        jobs.settle(false);
        jobs = new BackfillJobs(options);
        const [backfill] = await tx.run(lockBackfill, tenant, id);
        if (backfill === undefined) return undefined;
        return new Step({ tx, jobs, tenant, id, backfill }).run();
      });
      committed = true;
      return stepped;
    } finally {
      jobs.settle(committed);
    }
  };

interface StepParts {
  readonly tx: Transaction;
  readonly jobs: BackfillJobs;
  readonly tenant: string;
  readonly id: string;
  readonly backfill: LockedBackfill;
}

const windowOf = (row: OpenWindowRow): WindowMs => ({
  startMs: row.window_start.getTime(),
  endMs: row.window_end.getTime(),
});

/** One step of one backfill that is locked. */
class Step {
  readonly #parts: StepParts;
  readonly #series: readonly [tenant: string, source: string, scope: string];
  #changes = new WindowChanges([]);
  #aftermath: Aftermath = aftermathOf([], []);
  #created = 0;
  #again = false;

  constructor(parts: StepParts) {
    this.#parts = parts;
    this.#series = [parts.tenant, parts.backfill.source, parts.backfill.scope];
  }

  async run(): Promise<BackfillStepped> {
    const { tx, tenant, id, backfill } = this.#parts;
    const open = await tx.run(openWindows, tenant, id, backfill.source, backfill.scope);
    this.#changes = new WindowChanges(open);
    const retry = this.#settle(open);
    const decidedUpto =
      backfill.state === "running" ? await this.#decide(retry) : backfill.decided_upto;
    await this.#changes.write(tx, tenant, id);
    await this.#finish(decidedUpto);
    const asked = backfill.state === "cancelling";
    return {
      ...this.#aftermath,
      created: this.#created,
      again: this.#again,
      toCancel: asked ? open.filter(canBeCancelled).map((row) => row.job_id as string) : [],
    };
  }

  /** Settles open windows; answers those that need a job of the backfill's own. */
  #settle(open: readonly OpenWindowRow[]): OpenWindowRow[] {
    const { state, repeat_covered: repeat } = this.#parts.backfill;
    const retry: OpenWindowRow[] = [];
    for (const row of open) {
      const verdict = settleWindow({ ...row, jobState: row.job_state ?? undefined }, repeat);
      const needed = verdict === "open" ? row.state === "in_progress" : verdict !== "retry";
      if (state === "cancelling" && !needed) this.#changes.drop(row.window_start.getTime());
      else if (verdict === "retry") {
        // Its job ended, so that it is not in progress, even if there is no place for another.
        if (row.state === "in_progress") this.#changes.put(windowOf(row), "waiting", row.job_id);
        retry.push(row);
      } else if (verdict !== "open") this.#changes.put(windowOf(row), verdict, row.job_id);
    }
    return retry;
  }

  /** Makes jobs for windows that nobody is to cover; answers up to where it decided. */
  async #decide(retry: readonly OpenWindowRow[]): Promise<Date> {
    const { tx, backfill } = this.#parts;
    const { decided_upto: from, end_at: end } = backfill;
    const room = backfill.max_parallel - this.#changes.open("in_progress");
    if (room <= 0 || (retry.length === 0 && from >= end)) return from;
    await tx.run(takeTurn, ...this.#series);
    const { widthMs, job } = readContent(backfill.spec);
    const [series] = await tx.run(seriesOfBackfill, ...this.#series);
    if (series === undefined) throw new Error("a series vanished; they are not deleted");
    // As of when it was started: it does what its preview said, however long it takes.
    const due = alignDown(dueUntil(backfill.created_at, series.lateness_ms), widthMs);
    const again = retry.slice(0, room);
    for (const row of again.filter((one) => one.window_end > due)) {
      this.#changes.drop(row.window_start.getTime());
    }
    const tried = again.filter((row) => row.window_end <= due).map(windowOf);
    const waiting = this.#changes.open("waiting") - tried.length;
    const max = Math.min(room - tried.length, MAX_WAITING - waiting);
    const walked = await this.#walk(widthMs, due, max);
    const walkedTo = walked.starts.map((startMs) => ({ startMs, endMs: startMs + widthMs }));
    await this.#place(job, [...tried, ...walkedTo]);
    return walked.upto;
  }

  /** The next windows of the range that are due and not covered. */
  async #walk(widthMs: number, due: Date, max: number) {
    const { tx, backfill } = this.#parts;
    const { end_at: end, decided_upto: from } = backfill;
    const until = due < end ? due : end;
    // What is not due is left out.
    if (from >= until) return { starts: [], upto: end };
    if (max <= 0) return { starts: [], upto: from };
    const runs = backfill.repeat_covered
      ? []
      : await tx.run(coveredRuns, ...this.#series, widthMs, from, until);
    // More runs than were read: what lies behind the last one is not known yet.
    const known = runs.length === MAX_RUNS ? runs.at(-1)?.end_ms : undefined;
    const walked = walkWindows({
      fromMs: from.getTime(),
      untilMs: Math.min(known ?? Number.POSITIVE_INFINITY, until.getTime()),
      widthMs,
      covered: runs.map((run) => ({ startMs: run.start_ms, endMs: run.end_ms })),
      max,
    });
    this.#changes.share(walked.skipped);
    const atEnd = walked.uptoMs >= until.getTime();
    this.#again = !atEnd && walked.starts.length < max;
    return { starts: walked.starts, upto: atEnd ? end : new Date(walked.uptoMs) };
  }

  /** Gives windows a job of their own, or finds one of somebody else. */
  async #place(job: JobSpec, windows: readonly WindowMs[]): Promise<void> {
    if (windows.length === 0) return;
    const { tx, tenant, jobs, backfill } = this.#parts;
    const starts = windows.map(({ startMs }) => new Date(startMs));
    const ends = windows.map(({ endMs }) => new Date(endMs));
    const free: WindowMs[] = [];
    for (const row of await tx.run(candidates, ...this.#series, starts, ends)) {
      const window = windows[row.position - 1] as WindowMs;
      if (row.covered && !backfill.repeat_covered) this.#changes.put(window, "shared", null);
      else if (row.job_id !== null) this.#changes.put(window, "waiting", row.job_id);
      else free.push(window);
    }
    if (free.length === 0) return;
    free.sort((a, b) => a.startMs - b.startMs);
    const made = await jobs.make(tx, tenant, { job, scope: backfill.scope }, free);
    for (const one of made.jobs) {
      if (one.kind === "made") {
        this.#created += 1;
        this.#changes.put(one.window, "in_progress", one.jobId);
      } else this.#changes.put(one.window, one.kind === "no_place" ? "waiting" : "failed", null);
    }
    const scheduled = false;
    this.#aftermath = aftermathOf(this.#created > 0 ? [tenant] : [], made.lanes, scheduled);
    // Windows that turned out to be somebody else's left room for more.
    this.#again ||= free.length < windows.length;
  }

  /** Notes what the step did, and ends a backfill that has nothing open any more. */
  async #finish(decidedUpto: Date): Promise<void> {
    const { tx, tenant, id, backfill } = this.#parts;
    const [covered, shared, failed] = this.#changes.counts;
    const late = { covered: 0, shared: 0 };
    const move = (state: string) =>
      tx.run(
        moveBackfill,
        ...([tenant, id, decidedUpto, covered + late.covered, shared + late.shared] as const),
        ...([failed - late.covered - late.shared, state] as const),
      );
    const open = this.#changes.open("in_progress") + this.#changes.open("waiting");
    const { state, end_at: end, source, scope, repeat_covered: repeat } = backfill;
    if (open === 0 && state === "cancelling") return void (await move("cancelled"));
    const moved = covered + shared + failed > 0 || decidedUpto > backfill.decided_upto;
    if (open > 0 || state !== "running" || decidedUpto < end) {
      if (moved) await move(state);
      return;
    }
    // Somebody may have retried dead letters meanwhile.
    const checked = await tx.run(recheckFailed, tenant, id, source, scope, repeat);
    for (const row of checked) late[row.state] += 1;
    if (checked.length === MAX_RECHECKED) {
      this.#again = true;
      return void (await move(state));
    }
    const left = await tx.run(failedWindows, tenant, id);
    await move(left.length > 0 ? "failed" : "succeeded");
  }
}

/** Its job is the backfill's own, unfinished, and was not asked to stop yet. */
const canBeCancelled = (row: OpenWindowRow): boolean =>
  row.state === "in_progress" && row.job_state !== null && !isTerminal(row.job_state) && !row.asked;
