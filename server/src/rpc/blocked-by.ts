import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServerFrame } from "../app/bridge/session-frames.ts";
import type { BlockedBy, StuckView } from "../app/jobs/explain-job.ts";
import type { Blocked } from "../domain/flow/blocked.ts";
import { BreakerPhase } from "../gen/stellaops/orchestrator/v1/flow_control_pb.ts";
import {
  type BlockedBy as BlockedByMessage,
  BlockedBySchema,
  type Stuck,
  StuckCause,
  StuckSchema,
} from "../gen/stellaops/orchestrator/v1/job_pb.ts";
import type { HintSchema } from "../gen/stellaops/orchestrator/v1/task_runner_pb.ts";
import { scopeMessage } from "./flow-scope.ts";

type Cause = NonNullable<MessageInitShape<typeof BlockedBySchema>["cause"]>;

/** What a job waits for, as the contract writes it. */
export const blockedByMessage = (by: BlockedBy): BlockedByMessage =>
  create(BlockedBySchema, { cause: causeOf(by) });

const STUCK_CAUSES = {
  no_worker: StuckCause.NO_WORKER,
  dependency: StuckCause.DEPENDENCY,
  limit: StuckCause.LIMIT,
} as const;

/** That a job waits in vain, as the contract writes it. */
export const stuckMessage = ({ cause, since, advice }: StuckView): Stuck =>
  create(StuckSchema, { cause: STUCK_CAUSES[cause], since: moment(since.getTime()), advice });

/** Why a worker gets nothing, or no more, as the contract writes it. */
export const hintMessage = ({
  blocked,
  moreWorkersHelp,
}: Extract<ServerFrame, { kind: "hint" }>): MessageInitShape<typeof HintSchema> => ({
  readyJobs: blocked.length > 0 || moreWorkersHelp ? 1n : 0n,
  blockedBy: blocked.map(blockedByMessage),
  moreWorkersHelp,
});

const moment = (ms: number | undefined) => (ms === undefined ? undefined : timestampFromMs(ms));

const PHASES = {
  closed: BreakerPhase.CLOSED,
  open: BreakerPhase.OPEN,
  half_open: BreakerPhase.HALF_OPEN,
} as const;

/** The quotas as their fields are called. */
const QUOTAS = {
  activeJobs: "active_jobs",
  jobsPerHour: "jobs_per_hour",
  jobsPerDay: "jobs_per_day",
  payloadBytesPerDay: "payload_bytes_per_day",
  artifactBytes: "artifact_bytes",
} as const;

function causeOf(by: BlockedBy): Cause {
  switch (by.kind) {
    case "dependency":
      return { case: by.kind, value: { jobIds: [...by.jobIds], count: by.count, held: by.held } };
    case "schedule":
      return { case: by.kind, value: { readyTime: moment(by.readyAt.getTime()) } };
    case "workers":
      return { case: by.kind, value: { capableWorkers: by.capableWorkers } };
    default:
      return flowCauseOf(by);
  }
}

function flowCauseOf(by: Blocked): Cause {
  switch (by.kind) {
    case "pause": {
      const { reason, untilMs } = by;
      const value = { scope: scopeMessage(by.scope), reason, expireTime: moment(untilMs) };
      return { case: by.kind, value };
    }
    case "blackout": {
      const { name, untilMs } = by;
      return {
        case: by.kind,
        value: { scope: scopeMessage(by.scope), name, endTime: moment(untilMs) },
      };
    }
    case "quota": {
      const limit = BigInt(by.limit);
      const used = BigInt(by.used);
      const resetTime = moment(by.untilMs);
      return { case: by.kind, value: { quota: QUOTAS[by.quota], limit, used, resetTime } };
    }
    case "concurrency": {
      const { limit, active, dynamic } = by;
      return { case: by.kind, value: { scope: scopeMessage(by.scope), limit, active, dynamic } };
    }
    case "limiter": {
      const { ratePerSecond, untilMs } = by;
      const retryTime = moment(Math.ceil(untilMs));
      return { case: by.kind, value: { scope: scopeMessage(by.scope), ratePerSecond, retryTime } };
    }
    case "breaker": {
      const openUntil = moment(Math.ceil(by.untilMs));
      const value = { scope: scopeMessage(by.scope), phase: PHASES[by.phase], openUntil };
      return { case: by.kind, value };
    }
  }
}
