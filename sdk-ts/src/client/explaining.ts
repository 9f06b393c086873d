import { toDate } from "../contract/time.ts";
import type { FlowScope as PbScope } from "../gen/stellaops/orchestrator/v1/flow_control_pb.ts";
import type { ExplainJobResponse } from "../gen/stellaops/orchestrator/v1/job_pb.ts";
import {
  type BreakerPhase,
  breakerPhases,
  type FlowScopeKind,
  flowScopeKinds,
  type JobState,
  jobStates,
} from "./names.ts";

/** What a limit is set on. */
export interface FlowScope {
  /** Undefined for a kind that is newer than this SDK. */
  readonly kind: FlowScopeKind | undefined;
  /** Empty for the tenant. */
  readonly name: string;
}

/** The one thing that a job waits for. */
export type BlockedBy =
  | {
      readonly kind: "dependency";
      /** Up to 100 of the jobs that have not succeeded yet. */
      readonly jobIds: readonly string[];
      /** How many in all. */
      readonly count: number;
      /** True: one of them can no longer succeed by itself, and the edge says hold. */
      readonly isHeld: boolean;
    }
  | { readonly kind: "schedule"; readonly readyTime: Date | undefined }
  | {
      readonly kind: "workers";
      /** Connected workers that take the job's type, counted on the replica that answered. */
      readonly capableWorkers: number;
    }
  | BlockedByFlow;

/** A limit that holds a job back. Moments are undefined where nobody can say when. */
export type BlockedByFlow =
  | {
      /** Somebody paused it. */
      readonly kind: "pause";
      readonly scope: FlowScope;
      readonly reason: string;
      readonly expireTime: Date | undefined;
    }
  | {
      readonly kind: "blackout";
      readonly scope: FlowScope;
      /** The window's. */
      readonly name: string;
      readonly endTime: Date | undefined;
    }
  | {
      readonly kind: "quota";
      /** Such as "jobs_per_hour". */
      readonly quota: string;
      readonly limit: number;
      readonly used: number;
      readonly resetTime: Date | undefined;
    }
  | {
      readonly kind: "concurrency";
      readonly scope: FlowScope;
      /** How many may be out at once, and how many are. */
      readonly limit: number;
      readonly active: number;
      /** True: the server lowered the limit by itself. */
      readonly isDynamic: boolean;
    }
  | {
      readonly kind: "limiter";
      readonly scope: FlowScope;
      readonly ratePerSecond: number;
      readonly retryTime: Date | undefined;
    }
  | {
      readonly kind: "breaker";
      readonly scope: FlowScope;
      readonly phase: BreakerPhase | undefined;
      readonly openUntil: Date | undefined;
    };

/** Why a job does not run. */
export interface Explanation {
  readonly state: JobState | undefined;
  /** Undefined when it runs, has finished, or is about to be claimed. */
  readonly blockedBy: BlockedBy | undefined;
}

type Cause = NonNullable<ExplainJobResponse["blockedBy"]>["cause"] | undefined;

/** A scope of the contract as a plain object. */
export const toFlowScope = (scope: PbScope | undefined): FlowScope => ({
  kind: flowScopeKinds.nameOf(scope?.kind ?? 0),
  name: scope?.name ?? "",
});

function toBlockedByFlow(cause: Cause): BlockedByFlow | undefined {
  switch (cause?.case) {
    case "pause": {
      const { scope, reason, expireTime } = cause.value;
      return { kind: "pause", scope: toFlowScope(scope), reason, expireTime: toDate(expireTime) };
    }
    case "blackout": {
      const { scope, name, endTime } = cause.value;
      return { kind: "blackout", scope: toFlowScope(scope), name, endTime: toDate(endTime) };
    }
    case "quota": {
      const { quota, resetTime } = cause.value;
      const limit = Number(cause.value.limit);
      const used = Number(cause.value.used);
      return { kind: "quota", quota, limit, used, resetTime: toDate(resetTime) };
    }
    case "concurrency": {
      const { scope, limit, active, dynamic } = cause.value;
      return { kind: "concurrency", scope: toFlowScope(scope), limit, active, isDynamic: dynamic };
    }
    case "limiter": {
      const { scope, ratePerSecond, retryTime } = cause.value;
      const rate = { ratePerSecond, retryTime: toDate(retryTime) };
      return { kind: "limiter", scope: toFlowScope(scope), ...rate };
    }
    case "breaker": {
      const { scope, openUntil } = cause.value;
      const phase = breakerPhases.nameOf(cause.value.phase);
      return { kind: "breaker", scope: toFlowScope(scope), phase, openUntil: toDate(openUntil) };
    }
    default:
      return undefined;
  }
}

function toBlockedBy({ blockedBy }: ExplainJobResponse): BlockedBy | undefined {
  const cause = blockedBy?.cause;
  switch (cause?.case) {
    case "dependency": {
      const { jobIds, count, held } = cause.value;
      return { kind: "dependency", jobIds, count, isHeld: held };
    }
    case "schedule":
      return { kind: "schedule", readyTime: toDate(cause.value.readyTime) };
    case "workers":
      return { kind: "workers", capableWorkers: cause.value.capableWorkers };
    default:
      return toBlockedByFlow(cause);
  }
}

/** An explanation of the contract as a plain object. */
export const toExplanation = (response: ExplainJobResponse): Explanation => ({
  state: jobStates.nameOf(response.state),
  blockedBy: toBlockedBy(response),
});
