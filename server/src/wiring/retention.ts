import { type Kept, pruner } from "../app/retention/pruner.ts";
import {
  markRunIn,
  pruneJobsIn,
  pruneLeftoversIn,
  pruneRunIn,
  prunesIn,
  runPageOverIn,
  runsToPruneIn,
} from "../ledger/retention.ts";
import { findKnownTenants } from "../ledger/stuck.ts";
import { retentionPolicy } from "../rpc/retention-policy.ts";
import type { Feature, FeatureOptions } from "./features.ts";

/** Builds the pruner and the policy that it publishes. */
export function wireRetention({
  pool,
  loopsPool,
  serverId,
  config,
  logger,
}: FeatureOptions): Feature {
  const kept: Kept = {
    finishedMs: config.retentionMs,
    deadLettersMs: config.deadLetterRetentionMs,
    operationsMs: config.operationRetentionMs,
  };
  const loop = pruner({
    kept,
    mine: prunesIn(loopsPool, serverId),
    tenants: findKnownTenants(loopsPool),
    jobs: pruneJobsIn(pool, kept),
    runs: runsToPruneIn(pool, kept),
    runOver: runPageOverIn(pool, kept),
    mark: markRunIn(pool),
    run: pruneRunIn(pool),
    leftovers: pruneLeftoversIn(pool, kept),
    now: Date.now,
    onPruned: (pruned) => logger.info(pruned, "removed what was over its time"),
    random: Math.random,
    onError: (name, err) => logger.warn({ loop: name, err }, "a tick failed"),
  });
  return { job: retentionPolicy(kept), loops: [loop] };
}
