import { toDate } from "../contract/time.ts";
import type { ExplainJobResponse } from "../gen/stellaops/orchestrator/v1/job_pb.ts";
import { type JobState, jobStates } from "./names.ts";

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
    };

/** Why a job does not run. */
export interface Explanation {
  readonly state: JobState | undefined;
  /** Undefined when it runs, has finished, or is about to be claimed. */
  readonly blockedBy: BlockedBy | undefined;
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
      return undefined;
  }
}

/** An explanation of the contract as a plain object. */
export const toExplanation = (response: ExplainJobResponse): Explanation => ({
  state: jobStates.nameOf(response.state),
  blockedBy: toBlockedBy(response),
});
