import type { CriticalPath } from "../../domain/critical-path.ts";
import type { JobState } from "../../domain/job-machine.ts";

/** A step of a critical path; moments are milliseconds since 1970. */
export interface PathStep {
  readonly jobId: string;
  readonly name: string;
  readonly state: JobState;
  readonly startedMs: number | undefined;
  readonly endedMs: number | undefined;
  /** From the end of the step before, or the making of the run, to its start or now. */
  readonly waitedMs: number;
  /** From its start to its end or now. */
  readonly ranMs: number;
}

/** The chain of jobs that decides how long a run takes. */
export interface PathView {
  /** First to last, {@link MAX_STEPS} at most. */
  readonly steps: readonly PathStep[];
  readonly totalMs: number;
}

/** A job as it is read. */
export interface LoadedJob {
  readonly jobId: string;
  readonly startedMs: number | undefined;
  readonly endedMs: number | undefined;
}

/** A whole graph as it was read, in pages. */
export interface LoadedPath {
  readonly path: CriticalPath;
  /** The job at an index of the path. */
  readonly job: (index: number) => LoadedJob;
  readonly createdMs: number;
  /** By the ledger's clock. */
  readonly nowMs: number;
}

/** What {@link criticalPath} needs. */
export interface CriticalPathPorts {
  /** Reads the jobs and edges of a run; undefined if there is no such run. */
  readonly load: (tenant: string, runId: string) => Promise<LoadedPath | undefined>;
  readonly describe: (
    tenant: string,
    jobIds: readonly string[],
  ) => Promise<ReadonlyMap<string, { readonly name: string; readonly state: JobState }>>;
}

/** How many steps are told. */
export const MAX_STEPS = 1_000;

/**
 * The critical path of a run; undefined if there is no such run. Who asks about the same run at the
 * same time shares one answer, and runs are looked at one after the other: a large one takes
 * seconds and a share of the memory.
 */
export function criticalPath(ports: CriticalPathPorts) {
  const underWay = new Map<string, Promise<PathView | undefined>>();
  let before: Promise<unknown> = Promise.resolve();
  return (tenant: string, runId: string): Promise<PathView | undefined> => {
    const key = `${tenant}\0${runId}`;
    const shared = underWay.get(key);
    if (shared !== undefined) return shared;
    const answer = before
      .then(() => find(ports, tenant, runId))
      .finally(() => underWay.delete(key));
    before = answer.catch(() => undefined);
    underWay.set(key, answer);
    return answer;
  };
}

async function find(
  ports: CriticalPathPorts,
  tenant: string,
  runId: string,
): Promise<PathView | undefined> {
  const loaded = await ports.load(tenant, runId);
  if (loaded === undefined) return undefined;
  const { createdMs, nowMs } = loaded;
  const all = loaded.path.steps().map(loaded.job);
  const shown = all.slice(0, MAX_STEPS);
  const described = await ports.describe(
    tenant,
    shown.map(({ jobId }) => jobId),
  );
  let since = createdMs;
  const steps = shown.map((job): PathStep => {
    const { jobId, startedMs, endedMs } = job;
    const end = endedMs ?? nowMs;
    const begin = startedMs ?? end;
    const waitedMs = Math.max(0, begin - since);
    since = end;
    const { name = "", state = "blocked" } = described.get(jobId) ?? {};
    return { ...job, name, state, waitedMs, ranMs: Math.max(0, end - begin) };
  });
  const last = all.at(-1);
  return {
    steps,
    totalMs: last === undefined ? 0 : Math.max(0, (last.endedMs ?? nowMs) - createdMs),
  };
}
