import { announce } from "../app/notices.ts";
import { createRun } from "../app/runs/create-run.ts";
import { readRun } from "../ledger/run-read.ts";
import { findStoredRun, storeRunIn } from "../ledger/runs.ts";
import { runService } from "../rpc/run-service.ts";
import type { Feature, FeatureOptions } from "./features.ts";

/** Builds RunService, save for its views, and the loop that tells dependants. */
export function wireRuns({ pool, board, policies, limits, metrics }: FeatureOptions): Feature {
  const retentionMs = policies.base.idempotencyRetentionMs;
  const store = storeRunIn(pool, retentionMs, limits.payloadQuota);
  const windowMs = (jobType: string) => policies.for(jobType).interruptionWindowMs;
  const run = runService({
    create: createRun({
      store: async (run) => {
        const answer = await store(run);
        announce(board, answer);
        const { stored } = answer;
        if (stored.kind === "created") metrics.enqueued(stored.jobIds.length);
        return stored;
      },
      admit: limits.admit,
      findStored: findStoredRun(pool),
      maxPayloadBytes: policies.base.maxPayloadBytes,
    }),
    read: readRun(pool, windowMs),
  });
  return { run, loops: [] };
}
