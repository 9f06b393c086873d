import { isTerminal, type JobState } from "../../domain/job-machine.ts";
import { approximateBytes, type JobView } from "../../domain/job-view.ts";
import { Alarm } from "../../lib/alarm.ts";

/** What to watch. */
export type WatchTarget =
  | { readonly kind: "jobs"; readonly jobIds: readonly string[] }
  | { readonly kind: "run"; readonly runId: string };

/** How far a watcher has seen a job. */
export interface WatchMark {
  readonly jobId: string;
  /** The newest event; 0 before the first. */
  readonly eventId: number;
  /** When the newest progress came, in microseconds since 1970; 0 if none did. */
  readonly progressUs: number;
}

/** Jobs of a run. */
export interface RunJobIds {
  readonly jobIds: readonly string[];
  /** Whether more can come although none of its jobs appends them. */
  readonly growing: boolean;
}

/** What {@link watchJobs} needs. */
export interface WatchJobsPorts {
  /**
   * The jobs of a run after the first `after`, in their order, 1,001 at most; undefined if the
   * tenant has no such run.
   */
  readonly runJobIds: (
    tenant: string,
    runId: string,
    after: number,
  ) => Promise<RunJobIds | undefined>;
  /** New marks of the jobs that changed since the given ones. */
  readonly changed: (tenant: string, marks: readonly WatchMark[]) => Promise<WatchMark[]>;
  /** Jobs without their large parts; those that the tenant does not have are left out. */
  readonly read: (tenant: string, jobIds: readonly string[]) => Promise<JobView[]>;
  /**
   * Calls `wake` when jobs of the tenant may have changed; returns what ends that. A hint: what
   * it misses is found by looking once a second.
   */
  readonly onChange: (tenant: string, wake: () => void) => () => void;
}

/** The clocks of a watch, in milliseconds. */
export interface WatchClocks {
  /** How often to look without being woken. */
  readonly pollMs: number;
  /** The least time between two looks, so that a busy tenant's wakes share one. */
  readonly gapMs: number;
  /** How long the stream may be silent. */
  readonly keepAliveMs: number;
}

const CLOCKS: WatchClocks = { pollMs: 1_000, gapMs: 50, keepAliveMs: 15_000 };

/** A batch ends rather than grow beyond this: clients read 4 MiB messages, and no more. */
const MAX_BATCH_BYTES = 2 * 1024 * 1024;

/** What a watch can begin as. */
export type WatchResult =
  | {
      readonly kind: "watching";
      /** Jobs as they are after each change; an empty batch is a sign of life. */
      readonly batches: AsyncIterable<readonly JobView[]>;
    }
  | { readonly kind: "job_not_found"; readonly jobId: string }
  | { readonly kind: "run_not_found"; readonly runId: string }
  | RunTooLarge;

/** More jobs than one watch takes; ListJobs and GetRunGraph answer them in pages. */
export interface RunTooLarge {
  readonly kind: "run_too_large";
  readonly runId: string;
  readonly maxJobs: number;
}

/** Thrown by a watch whose run has grown too large. */
export class RunGrewTooLarge extends Error {
  override readonly name = "RunGrewTooLarge";
  readonly result: RunTooLarge;

  constructor(result: RunTooLarge) {
    super(`run ${result.runId} has more than ${result.maxJobs} jobs`);
    this.result = result;
  }
}

const MAX_JOBS = 1_000;

const tooLarge = (runId: string): RunTooLarge => ({
  kind: "run_too_large",
  runId,
  maxJobs: MAX_JOBS,
});

/**
 * Watches jobs: first each as it is, then again after each change, until all of them are in a
 * terminal state at once or `signal` is aborted. Jobs that a run gets meanwhile are watched, too;
 * an open run is watched on. Nothing piles up for a slow reader: changes that it was too slow for
 * become one. The batches throw {@link RunGrewTooLarge}.
 */
export const watchJobs =
  (ports: WatchJobsPorts, clocks: WatchClocks = CLOCKS) =>
  async (tenant: string, target: WatchTarget, signal: AbortSignal): Promise<WatchResult> => {
    const watch = new Watch(ports, tenant, target);
    if (target.kind === "run") {
      const { runId } = target;
      const found = await watch.lookForMore();
      if (found === "gone") return { kind: "run_not_found", runId };
      if (found === "too_large") return tooLarge(runId);
    }
    const first = await watch.first();
    const known = new Set(first.map((job) => job.jobId));
    const unknown = watch.jobIds.find((jobId) => !known.has(jobId));
    if (unknown !== undefined) return { kind: "job_not_found", jobId: unknown };
    return { kind: "watching", batches: follow(ports, clocks, watch, first, signal) };
  };

/** What is watched and how far it has been seen. */
class Watch {
  readonly #ports: WatchJobsPorts;
  readonly tenant: string;
  readonly #runId: string | undefined;
  readonly #marks = new Map<string, WatchMark>();
  readonly #states = new Map<string, JobState>();
  #growing = false;

  constructor(ports: WatchJobsPorts, tenant: string, target: WatchTarget) {
    this.#ports = ports;
    this.tenant = tenant;
    this.#runId = target.kind === "run" ? target.runId : undefined;
    if (target.kind === "jobs") this.#add(target.jobIds.map((jobId) => jobId.toLowerCase()));
  }

  get jobIds(): string[] {
    return [...this.#marks.keys()];
  }

  /** Whether all are finished, and none came while that was found out. */
  async isOver(): Promise<boolean> {
    if (![...this.#states.values()].every(isTerminal)) return false;
    const before = this.#marks.size;
    await this.#look();
    return !this.#growing && this.#marks.size === before;
  }

  /** Looks what jobs the run has got; without a run nothing can come. */
  async lookForMore(): Promise<"ok" | "gone" | "too_large"> {
    if (this.#runId === undefined) return "ok";
    const more = await this.#ports.runJobIds(this.tenant, this.#runId, this.#marks.size);
    if (more === undefined) return "gone";
    this.#growing = more.growing;
    if (this.#marks.size + more.jobIds.length > MAX_JOBS) return "too_large";
    this.#add(more.jobIds);
    return "ok";
  }

  /** All jobs as they are. */
  async first(): Promise<JobView[]> {
    // Marks come before the jobs: what changes in between is sent twice rather than not at all.
    await this.#move();
    return this.#note(await this.#ports.read(this.tenant, this.jobIds));
  }

  /** The jobs that changed or came, in the order they are watched. */
  async changed(): Promise<JobView[]> {
    await this.#look();
    const ids = await this.#move();
    return ids.length === 0 ? [] : this.#note(await this.#ports.read(this.tenant, ids));
  }

  async #look(): Promise<void> {
    if ((await this.lookForMore()) !== "too_large") return;
    throw new RunGrewTooLarge(tooLarge(this.#runId ?? ""));
  }

  #add(jobIds: readonly string[]): void {
    for (const jobId of jobIds) this.#marks.set(jobId, { jobId, eventId: 0, progressUs: 0 });
  }

  async #move(): Promise<string[]> {
    const changed = await this.#ports.changed(this.tenant, [...this.#marks.values()]);
    for (const mark of changed) this.#marks.set(mark.jobId, mark);
    return changed.map((mark) => mark.jobId);
  }

  #note(jobs: JobView[]): JobView[] {
    for (const job of jobs) this.#states.set(job.jobId, job.state);
    return jobs;
  }
}

async function* follow(
  ports: WatchJobsPorts,
  clocks: WatchClocks,
  watch: Watch,
  first: readonly JobView[],
  signal: AbortSignal,
): AsyncIterable<readonly JobView[]> {
  const alarm = new Alarm(signal);
  const unsubscribe = ports.onChange(watch.tenant, () => alarm.ring());
  try {
    yield* inBatches(first);
    let spokeAt = performance.now();
    while (!signal.aborted && !(await watch.isOver())) {
      await alarm.wait(clocks.pollMs);
      if (signal.aborted) return;
      const jobs = await watch.changed();
      yield* inBatches(jobs);
      const silentMs = performance.now() - spokeAt;
      if (jobs.length === 0 && silentMs >= clocks.keepAliveMs) yield [];
      if (jobs.length > 0 || silentMs >= clocks.keepAliveMs) spokeAt = performance.now();
      await alarm.pause(clocks.gapMs);
    }
  } finally {
    unsubscribe();
    alarm.close();
  }
}

function* inBatches(jobs: readonly JobView[]): Iterable<readonly JobView[]> {
  let batch: JobView[] = [];
  let bytes = 0;
  for (const job of jobs) {
    const weight = approximateBytes(job);
    if (batch.length > 0 && bytes + weight > MAX_BATCH_BYTES) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(job);
    bytes += weight;
  }
  if (batch.length > 0) yield batch;
}
