import { announce } from "../app/notices.ts";
import { appendJobs } from "../app/runs/append-jobs.ts";
import { createRun } from "../app/runs/create-run.ts";
import { replayRun } from "../app/runs/replay-run.ts";
import type { LeasePolicies } from "../domain/lease-policy.ts";
import type { OperationKind } from "../domain/operation.ts";
import { cascadeIn, findTenantsWithCascades } from "../ledger/cascade.ts";
import type { OperationStep } from "../ledger/operation-steps.ts";
import {
  appendJobsIn,
  closeRunIn,
  findAppendedIn,
  knownNamesIn,
  runHeritageIn,
} from "../ledger/run-append.ts";
import { cancelRunIn, cancelRunStep } from "../ledger/run-cancel.ts";
import { readRun, readRunHead } from "../ledger/run-read.ts";
import {
  describeJobsIn,
  findReplayIn,
  loadReplayIn,
  reusedByIn,
  storeReplayIn,
} from "../ledger/run-replay.ts";
import { replayRunStep } from "../ledger/run-replay-step.ts";
import { findStoredRun, storeRunIn } from "../ledger/runs.ts";
import { cascades } from "../loops/cascades.ts";
import { runChanges } from "../rpc/run-changes.ts";
import { runService } from "../rpc/run-service.ts";
import type { Feature, FeatureOptions } from "./features.ts";

/** How the operations on runs go on, for the loop of operations. */
export const runSteps = ({ policies }: { readonly policies: LeasePolicies }) =>
  ({
    cancel_run: cancelRunStep(policies.base.drainGraceMs),
    replay_run: replayRunStep(),
  }) satisfies Partial<Record<OperationKind, OperationStep>>;

/** Builds RunService, save for its views, and the loop that tells dependants. */
export function wireRuns(options: FeatureOptions): Feature {
  const { pool, policies } = options;
  const windowMs = (jobType: string) => policies.for(jobType).interruptionWindowMs;
  const reads = runService({
    create: createRun(createPorts(options)),
    read: readRun(pool, windowMs),
    readHead: readRunHead(pool),
  });
  return { run: { ...reads, ...runChanges(changePorts(options)) }, loops: [cascadeLoop(options)] };
}

/** What making a run needs, by whoever asks for it. */
export function createPorts({ pool, board, policies, limits, metrics }: FeatureOptions) {
  const store = storeRunIn(pool, policies.base.idempotencyRetentionMs, limits.payloadQuota);
  return {
    store: async (run: Parameters<typeof store>[0]) => {
      const answer = await store(run);
      announce(board, answer);
      const { stored } = answer;
      if (stored.kind === "created") metrics.enqueued(stored.jobIds.length);
      return stored;
    },
    admit: limits.admit,
    findStored: findStoredRun(pool),
    maxPayloadBytes: policies.base.maxPayloadBytes,
  };
}

function changePorts({ pool, board, policies, limits, metrics }: FeatureOptions) {
  const { idempotencyRetentionMs, maxPayloadBytes } = policies.base;
  const append = appendJobsIn(pool, idempotencyRetentionMs, limits.payloadQuota);
  const close = closeRunIn(pool);
  const readHead = readRunHead(pool);
  const cancel = cancelRunIn(pool);
  const store = storeReplayIn(pool);
  const changed = (tenant: string) => board.publish({ kind: "changed", tenants: [tenant] });
  return {
    append: appendJobs({
      heritage: runHeritageIn(pool),
      known: knownNamesIn(pool),
      findAppended: findAppendedIn(pool),
      append: async (batch) => {
        const answer = await append(batch);
        announce(board, answer);
        metrics.enqueued(answer.created);
        return answer.appended;
      },
      admit: limits.admit,
      maxPayloadBytes,
    }),
    close: async (tenant: string, runId: string) => {
      if (await close(tenant, runId)) changed(tenant);
      return await readHead(tenant, runId);
    },
    cancel: async (request: Parameters<typeof cancel>[0]) => {
      const result = await cancel(request);
      if (result.kind === "cancelling") {
        changed(request.tenant);
        board.publish({ kind: "operation" });
      }
      return result;
    },
    replay: replayRun({
      load: loadReplayIn(pool),
      find: findReplayIn(pool),
      store: async (replay) => {
        const stored = await store(replay);
        board.publish({ kind: "operation" });
        return stored;
      },
      describe: describeJobsIn(pool),
      reusedBy: reusedByIn(pool),
    }),
  };
}

function cascadeLoop({ pool, loopsPool, board, logger }: FeatureOptions) {
  const step = cascadeIn(pool);
  const telling = cascades({
    tenantsWithCascades: findTenantsWithCascades(loopsPool),
    tell: async (tenants) => {
      const { taken, ...after } = await step(tenants);
      announce(board, { ...after, cascading: false });
      return taken;
    },
    random: Math.random,
    onError: (loop, err) => logger.warn({ loop, err }, "a tick failed"),
  });
  board.subscribe((notice) => {
    if (notice.kind === "cascade") telling.wake();
  });
  return telling;
}
