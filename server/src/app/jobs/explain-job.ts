import type { Blocked } from "../../domain/flow/blocked.ts";
import type { OnFailure } from "../../domain/graph.ts";
import type { JobState } from "../../domain/job-machine.ts";
import type { Lane } from "../../domain/offer.ts";
import type { StuckCause } from "../../domain/stuck.ts";

/** How many of the jobs that a job waits for are named. */
const MAX_NAMED = 100;

/** Where a job stands, and what could keep it there. */
export interface JobWait {
  readonly state: JobState;
  /** Where it stands when it is ready. */
  readonly lane: Lane;
  /** When a scheduled job becomes ready. */
  readonly runAt: Date | undefined;
  /** What a blocked job depends on and has not succeeded. */
  readonly unmet: readonly {
    readonly jobId: string;
    readonly state: JobState;
    readonly onFailure: OnFailure;
  }[];
}

/** The one thing that a job waits for. */
export type BlockedBy =
  | {
      readonly kind: "dependency";
      readonly jobIds: readonly string[];
      readonly count: number;
      /** One of them can no longer succeed by itself, and the edge says hold. */
      readonly held: boolean;
    }
  | { readonly kind: "schedule"; readonly readyAt: Date }
  | { readonly kind: "workers"; readonly capableWorkers: number }
  | Blocked;

/** Why a job does not run; no cause when it runs or is finished. */
export interface Explanation {
  readonly state: JobState;
  readonly blockedBy: BlockedBy | undefined;
  /** Set: what it waits for cannot happen by itself. */
  readonly stuck: StuckView | undefined;
}

/** What a look for stuck work announced about a job that waits. */
export interface StuckView {
  readonly cause: StuckCause;
  readonly since: Date;
  /** What to do about it, for people. */
  readonly advice: string;
}

/** What {@link explainJob} needs. */
export interface ExplainJobPorts {
  readonly wait: (tenant: string, jobId: string) => Promise<JobWait | undefined>;
  /** How many workers, on all replicas, take the type from the queue. */
  readonly capableWorkers: (tenant: string, queue: string, jobType: string) => Promise<number>;
  /** What was announced about a job that is ready or blocked. */
  readonly stuck: (jobId: string, wait: JobWait) => Promise<StuckView | undefined>;
  /** What flow control holds ready jobs of a lane back for, if it does. */
  readonly heldBack: (lane: Lane) => Promise<Blocked | undefined>;
}

/** Says why a job does not run; undefined if the tenant has no such job. */
export const explainJob =
  (ports: ExplainJobPorts) =>
  async (tenant: string, jobId: string): Promise<Explanation | undefined> => {
    const wait = await ports.wait(tenant, jobId);
    if (wait === undefined) return undefined;
    const waits = wait.state === "ready" || wait.state === "blocked";
    const stuck = waits ? await ports.stuck(jobId, wait) : undefined;
    return { state: wait.state, blockedBy: await causeOf(ports, wait), stuck };
  };

async function causeOf(ports: ExplainJobPorts, wait: JobWait): Promise<BlockedBy | undefined> {
  switch (wait.state) {
    case "blocked":
      return {
        kind: "dependency",
        jobIds: wait.unmet.slice(0, MAX_NAMED).map((parent) => parent.jobId),
        count: wait.unmet.length,
        held: wait.unmet.some(
          ({ state, onFailure }) =>
            onFailure === "hold" && (state === "dead" || state === "cancelled"),
        ),
      };
    case "scheduled":
      return wait.runAt === undefined ? undefined : { kind: "schedule", readyAt: wait.runAt };
    case "ready": {
      // A limit comes first: with it more workers would wait as well.
      const by = await ports.heldBack(wait.lane);
      if (by !== undefined) return by;
      const { tenant, queue, jobType } = wait.lane;
      return {
        kind: "workers",
        capableWorkers: await ports.capableWorkers(tenant, queue, jobType),
      };
    }
    default:
      return undefined;
  }
}
