import type pg from "pg";
import { startOperation } from "../../app/operations/start-operation.ts";
import type { DeadLetterFilter } from "../../domain/dead-letter.ts";
import type { JobFilter } from "../../domain/job-view.ts";
import type { JobAction, OperationTarget } from "../../domain/operation.ts";
import { newId } from "../../lib/ids.ts";
import { actInTransaction } from "../operate-action.ts";
import { jobSteps, takeStepIn } from "../operation-run.ts";
import { countTargetIn, runExistsIn } from "../operation-select.ts";
import {
  createJobOperationIn,
  findOperationIn,
  findRequestedOperationIn,
  listResultsIn,
  stopOperationIn,
} from "../operations.ts";
import { cancelRunStep } from "../run-cancel.ts";
import { replayRunStep } from "../run-replay-step.ts";
import { inTransaction } from "../transaction.ts";

const GRACE_MS = 1_000;

/** What is done to runs. */
export const runSteps = (graceMs: number) => ({
  cancel_run: cancelRunStep(graceMs),
  replay_run: replayRunStep(),
});

/** A job filter that lets everything through but what `over` says. */
export const jobFilter = (over: Partial<JobFilter> = {}): JobFilter => ({
  states: [],
  jobTypes: [],
  queue: undefined,
  project: undefined,
  source: undefined,
  runId: undefined,
  labels: {},
  createdFrom: undefined,
  createdBefore: undefined,
  workerId: undefined,
  ...over,
});

/** The same of dead letters. */
export const letterFilter = (over: Partial<DeadLetterFilter> = {}): DeadLetterFilter => ({
  jobTypes: [],
  queue: undefined,
  source: undefined,
  failureClasses: [],
  signature: undefined,
  runId: undefined,
  diedFrom: undefined,
  diedBefore: undefined,
  ...over,
});

/** An operator of a tenant, without a server around. */
export function operatorOf(pool: pg.Pool, tenant = "acme") {
  const said = { actor: "ada", reason: "because", ticket: "T-1" };
  const find = findOperationIn(pool);
  const take = takeStepIn(pool, { ...jobSteps(GRACE_MS), ...runSteps(GRACE_MS) });
  const begin = startOperation({
    find: findRequestedOperationIn(pool),
    runExists: runExistsIn(pool),
    count: countTargetIn(pool),
    create: createJobOperationIn(pool),
    newId,
    onStarted: () => {},
  });
  return {
    /** Does something to jobs at once; what became of each. */
    act: async (action: JobAction, jobIds: readonly string[]) =>
      await inTransaction(pool, [tenant], (tx) =>
        actInTransaction(tx, { tenant, jobIds, action, reason: "because", drainGraceMs: GRACE_MS }),
      ),
    begin: (request: Parameters<typeof begin>[1]) => begin(tenant, request),
    /** Starts an operation; answers its id. */
    async start(target: OperationTarget, action: JobAction, maxPerSecond = 0): Promise<string> {
      const request = { requestId: undefined, target, action, maxPerSecond, ...said };
      const result = await begin(tenant, request);
      if (!("operation" in result)) throw new Error(result.kind);
      return result.operation.id;
    },
    count: (target: OperationTarget, action: JobAction["kind"]) =>
      countTargetIn(pool)(tenant, target, action),
    /** The next step of what is due; undefined: nothing is. */
    step: () => take(tenant, []),
    /** Steps until nothing is due. */
    async work(): Promise<number> {
      let steps = 0;
      while ((await take(tenant, [])) !== undefined) steps += 1;
      return steps;
    },
    find: (id: string) => find(tenant, id),
    stop: (id: string) => stopOperationIn(pool)({ tenant, id, ...said }),
    /** All results, by job. */
    async results(id: string): Promise<Map<string, string>> {
      const found = new Map<string, string>();
      let after: string | undefined;
      for (;;) {
        const page = (await listResultsIn(pool)(tenant, id, undefined, after, 1_000)) ?? [];
        for (const one of page) found.set(one.jobId, one.reason || one.outcome);
        if (page.length < 1_000) return found;
        after = page.at(-1)?.jobId;
      }
    },
  };
}
