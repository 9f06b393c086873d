import type { ServiceImpl } from "@connectrpc/connect";
import type { Kept } from "../app/retention/pruner.ts";
import type { JobService } from "../gen/stellaops/orchestrator/v1/job_pb.ts";
import { durationOfMs } from "./errors.ts";

/** The part of JobService that says how long things are kept. */
export const retentionPolicy = (
  kept: Kept,
): Pick<ServiceImpl<typeof JobService>, "getRetentionPolicy"> => ({
  getRetentionPolicy: async () => ({
    finishedJobs: durationOfMs(kept.finishedMs),
    deadLetters: durationOfMs(kept.deadLettersMs),
    operations: durationOfMs(kept.operationsMs),
  }),
});
