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

/** What {@link watchJobs} needs. */
export interface WatchJobsPorts {
  /** The jobs of a run in their order; undefined if the tenant has no such run. */
  readonly runJobIds: (tenant: string, runId: string) => Promise<readonly string[] | undefined>;
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
  | { readonly kind: "run_not_found"; readonly runId: string };

/**
 * Watches jobs: first each as it is, then again after each change, until all of them are in a
 * terminal state at once or `signal` is aborted. Nothing piles up for a slow reader: changes that
 * it was too slow for become one.
 */
export const watchJobs =
  (ports: WatchJobsPorts, clocks: WatchClocks = CLOCKS) =>
  async (tenant: string, target: WatchTarget, signal: AbortSignal): Promise<WatchResult> => {
    const jobIds = await idsOf(ports, tenant, target);
    if (jobIds === undefined) {
      return { kind: "run_not_found", runId: (target as { runId: string }).runId };
    }
    const marks = new Map(
      jobIds.map((jobId): [string, WatchMark] => [jobId, { jobId, eventId: 0, progressUs: 0 }]),
    );
    // Marks come before the jobs: what changes in between is sent twice rather than not at all.
    for (const mark of await ports.changed(tenant, [...marks.values()]))
      marks.set(mark.jobId, mark);
    const first = await ports.read(tenant, [...marks.keys()]);
    const known = new Set(first.map((job) => job.jobId));
    const unknown = [...marks.keys()].find((jobId) => !known.has(jobId));
    if (unknown !== undefined) return { kind: "job_not_found", jobId: unknown };
    return { kind: "watching", batches: follow(ports, clocks, tenant, marks, first, signal) };
  };

async function idsOf(
  ports: WatchJobsPorts,
  tenant: string,
  target: WatchTarget,
): Promise<readonly string[] | undefined> {
  if (target.kind === "run") return await ports.runJobIds(tenant, target.runId);
  return target.jobIds.map((jobId) => jobId.toLowerCase());
}

async function* follow(
  ports: WatchJobsPorts,
  clocks: WatchClocks,
  tenant: string,
  marks: Map<string, WatchMark>,
  first: readonly JobView[],
  signal: AbortSignal,
): AsyncIterable<readonly JobView[]> {
  const alarm = new Alarm(signal);
  const unsubscribe = ports.onChange(tenant, () => alarm.ring());
  const states = new Map<string, JobState>();
  const note = (jobs: readonly JobView[]) => {
    for (const job of jobs) states.set(job.jobId, job.state);
  };
  try {
    note(first);
    yield* inBatches(first);
    let spokeAt = performance.now();
    while (!signal.aborted && ![...states.values()].every(isTerminal)) {
      await alarm.wait(clocks.pollMs);
      if (signal.aborted) return;
      const jobs = await changedJobs(ports, tenant, marks);
      note(jobs);
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

/** Moves the marks on and answers the jobs that changed, in the order they are watched. */
async function changedJobs(
  ports: WatchJobsPorts,
  tenant: string,
  marks: Map<string, WatchMark>,
): Promise<JobView[]> {
  const changed = await ports.changed(tenant, [...marks.values()]);
  if (changed.length === 0) return [];
  for (const mark of changed) marks.set(mark.jobId, mark);
  return await ports.read(
    tenant,
    changed.map((mark) => mark.jobId),
  );
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
