import type { ServiceImpl } from "@connectrpc/connect";
import type { Logger } from "pino";
import type { BackfillService } from "../gen/stellaops/orchestrator/v1/backfill_pb.ts";
import type { DeadLetterService } from "../gen/stellaops/orchestrator/v1/dead_letter_pb.ts";
import type { FleetService } from "../gen/stellaops/orchestrator/v1/fleet_pb.ts";
import type { HistoryService } from "../gen/stellaops/orchestrator/v1/history_pb.ts";
import type { JobService } from "../gen/stellaops/orchestrator/v1/job_pb.ts";
import type { OperationService } from "../gen/stellaops/orchestrator/v1/operation_pb.ts";
import type { PipelineService } from "../gen/stellaops/orchestrator/v1/pipeline_pb.ts";
import type { RunService } from "../gen/stellaops/orchestrator/v1/run_pb.ts";
import type { ScheduleService } from "../gen/stellaops/orchestrator/v1/schedule_pb.ts";
import type { WatermarkService } from "../gen/stellaops/orchestrator/v1/watermark_pb.ts";
import type { LedgerPool } from "../ledger/pool.ts";
import type { Loop } from "../lib/loop.ts";
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
}

/** A feature: the services that it answers, or its part of one, and the loops that it needs. */
export interface Feature {
  readonly run?: Partial<ServiceImpl<typeof RunService>>;
  readonly job?: Partial<ServiceImpl<typeof JobService>>;
  readonly pipeline?: ServiceImpl<typeof PipelineService>;
  readonly schedule?: ServiceImpl<typeof ScheduleService>;
  readonly watermark?: ServiceImpl<typeof WatermarkService>;
  readonly backfill?: ServiceImpl<typeof BackfillService>;
  readonly operation?: ServiceImpl<typeof OperationService>;
  readonly deadLetter?: ServiceImpl<typeof DeadLetterService>;
  readonly fleet?: ServiceImpl<typeof FleetService>;
  readonly history?: ServiceImpl<typeof HistoryService>;
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
