import type { Logger } from "pino";
import type { Config } from "../config.ts";
import type { LedgerPool } from "../ledger/pool.ts";
import type { Loop } from "../lib/loop.ts";
import type { ContractServices } from "../rpc/routes.ts";
import { wireBackfills } from "./backfills.ts";
import { wireFleet } from "./fleet.ts";
import { wireOperations } from "./operations.ts";
import { wirePipelines } from "./pipelines.ts";
import { wireRetention } from "./retention.ts";
import { wireRuns } from "./runs.ts";
import { wireSchedules } from "./schedules.ts";
import type { ServicesOptions } from "./services.ts";

/** What features are made of. */
export interface FeatureOptions extends ServicesOptions {
  /** Works as orch_loops. */
  readonly loopsPool: LedgerPool;
  readonly logger: Logger;
  readonly config: Pick<
    Config,
    "retentionMs" | "deadLetterRetentionMs" | "operationRetentionMs" | "stuckAfterMs"
  >;
}

/** A feature: the services that it answers, or its part of one, and the loops that it needs. */
export interface Feature extends Partial<Omit<ContractServices, "job">> {
  readonly job?: Partial<ContractServices["job"]>;
  readonly loops: readonly Loop[];
}

/** Builds all features. */
export const wireFeatures = (options: FeatureOptions): readonly Feature[] => [
  wireRuns(options),
  wirePipelines(options),
  wireSchedules(options),
  wireBackfills(options),
  wireOperations(options),
  wireFleet(options),
  wireRetention(options),
];
