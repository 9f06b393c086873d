import { jittered, type Loop, loop } from "../../lib/loop.ts";

/** How long what is finished is kept, in milliseconds. */
export interface Kept {
  /** Jobs, from their end. */
  readonly finishedMs: number;
  /** Dead letters, from the job's death. */
  readonly deadLettersMs: number;
  /** Operations, firings and backfills, from their end. */
  readonly operationsMs: number;
}

/** A bounded part of the work: what it removed, and where to go on; undefined: at the end. */
export interface PruneStep {
  readonly removed: number;
  readonly next: string | undefined;
}

/** What pruning needs. Each call is one short transaction. */
export interface PrunerPorts {
  readonly kept: Kept;
  /** Whether this replica is the one that prunes. */
  readonly mine: () => Promise<boolean>;
  readonly tenants: () => Promise<readonly string[]>;
  /** Jobs without a run, in the order of their ids, after one and below another. */
  readonly jobs: (tenant: string, after: string, beforeId: string) => Promise<PruneStep>;
  /** Runs that may be over their time, in the order of their ids. */
  readonly runs: (
    tenant: string,
    after: string,
    beforeId: string,
  ) => Promise<{ readonly runIds: readonly string[]; readonly next: string | undefined }>;
  /** Whether the jobs of a run after a position, a page of them, are over; takes a mark away. */
  readonly runOver: (
    tenant: string,
    runId: string,
    after: number,
  ) => Promise<{ readonly over: boolean; readonly next: number | undefined }>;
  /** Hides a run that is to be removed, so that nothing about it changes; false if it is used. */
  readonly mark: (tenant: string, runId: string) => Promise<boolean>;
  /** The next part of removing a run that is marked. */
  readonly run: (
    tenant: string,
    runId: string,
  ) => Promise<{ readonly kind: "more" | "removed" | "kept"; readonly removed: number }>;
  /** A page of what operators did long ago. */
  readonly leftovers: (
    tenant: string,
  ) => Promise<{ readonly removed: number; readonly more: boolean }>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** What a pass removed. */
export interface Pruned {
  jobs: number;
  runs: number;
  leftovers: number;
}

const FIRST_ID = "00000000-0000-0000-0000-000000000000";

/** The first UUIDv7 of a moment: ids of what is older come before it. */
export function firstIdOf(ms: number): string {
  const time = Math.max(0, Math.floor(ms)).toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8, 12)}-7000-8000-000000000000`;
}

/**
 * Removes what is over its time, all tenants once. Goes in small steps, at each of which it can
 * rest, and yields at each what it has removed so far. Stopped half-way it leaves nothing that the
 * next pass does not find.
 */
export async function* prune(ports: PrunerPorts): AsyncGenerator<Pruned> {
  const pruned: Pruned = { jobs: 0, runs: 0, leftovers: 0 };
  if (!(await ports.mine())) return;
  // Whatever ended before it was made was made before. Ids are as true as those who made them:
  // one from the future is kept until then.
  const { finishedMs, deadLettersMs } = ports.kept;
  const beforeId = firstIdOf(ports.now() - Math.min(finishedMs, deadLettersMs));
  for (const tenant of await ports.tenants()) {
    for (let after: string | undefined = FIRST_ID; after !== undefined; ) {
      const step: PruneStep = await ports.jobs(tenant, after, beforeId);
      pruned.jobs += step.removed;
      after = step.next;
      yield pruned;
    }
    yield* pruneRuns(ports, tenant, beforeId, pruned);
    for (let more = true; more; ) {
      const step = await ports.leftovers(tenant);
      pruned.leftovers += step.removed;
      more = step.more;
      yield pruned;
    }
  }
}

async function* pruneRuns(
  ports: PrunerPorts,
  tenant: string,
  beforeId: string,
  pruned: Pruned,
): AsyncGenerator<Pruned> {
  for (let after: string | undefined = FIRST_ID; after !== undefined; ) {
    const page: Awaited<ReturnType<PrunerPorts["runs"]>> = await ports.runs(
      tenant,
      after,
      beforeId,
    );
    yield pruned;
    for (const runId of page.runIds) yield* pruneRun(ports, tenant, runId, pruned);
    after = page.next;
  }
}

async function* pruneRun(
  ports: PrunerPorts,
  tenant: string,
  runId: string,
  pruned: Pruned,
): AsyncGenerator<Pruned> {
  // Most runs stay, and must not be hidden. Of one that does not, a job may be retried meanwhile.
  if (!(yield* isOver(ports, tenant, runId, pruned))) return;
  if (!(await ports.mark(tenant, runId))) return;
  yield pruned;
  if (!(yield* isOver(ports, tenant, runId, pruned))) return;
  for (;;) {
    const { kind, removed } = await ports.run(tenant, runId);
    pruned.jobs += removed;
    if (kind === "removed") pruned.runs += 1;
    yield pruned;
    if (kind !== "more") return;
  }
}

async function* isOver(
  ports: PrunerPorts,
  tenant: string,
  runId: string,
  pruned: Pruned,
): AsyncGenerator<Pruned, boolean> {
  for (let after: number | undefined = -1; after !== undefined; ) {
    const page: Awaited<ReturnType<PrunerPorts["runOver"]>> = await ports.runOver(
      tenant,
      runId,
      after,
    );
    yield pruned;
    if (!page.over) return false;
    after = page.next;
  }
  return true;
}

/** What the loop needs besides. */
export interface PrunerLoopPorts extends PrunerPorts {
  readonly onPruned: (pruned: Pruned) => void;
  readonly random: () => number;
  readonly onError: (loop: string, error: unknown) => void;
}

/** The longest rest between two passes, in milliseconds. */
const MAX_REST_MS = 600_000;

/** The rest after a step, in times of what the step took: a pruner works a fifth of its time. */
const REST_PER_WORK = 4;

/** How long to rest after an error, in milliseconds. */
const ERROR_REST_MS = 10_000;

/** The loop that prunes: step by step, so that whoever waits for the disk comes in between. */
export function pruner(ports: PrunerLoopPorts): Loop {
  const { kept } = ports;
  const shortest = Math.min(kept.finishedMs, kept.deadLettersMs, kept.operationsMs);
  const restMs = Math.max(100, Math.min(MAX_REST_MS, shortest / 20));
  let pass: AsyncGenerator<Pruned> | undefined;
  let last: Pruned | undefined;
  return loop({
    name: "pruner",
    restAfterErrorMs: ERROR_REST_MS,
    onError: (name, error) => {
      pass = undefined;
      ports.onError(name, error);
    },
    tick: async () => {
      pass ??= prune(ports);
      const startedAt = performance.now();
      const step = await pass.next();
      if (step.done !== true) {
        last = step.value;
        return (performance.now() - startedAt) * REST_PER_WORK;
      }
      pass = undefined;
      if (last !== undefined && last.jobs + last.runs + last.leftovers > 0) ports.onPruned(last);
      last = undefined;
      return jittered(restMs, ports.random());
    },
  });
}
