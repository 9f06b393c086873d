import { toDate } from "../contract/time.ts";
import type { Operation as PbOperation } from "../gen/stellaops/orchestrator/v1/operation_pb.ts";
import type {
  GetRunResponse,
  ReplayRunResponse,
  Run as RunMessage,
} from "../gen/stellaops/orchestrator/v1/run_pb.ts";
import { type Job, toJob } from "./job-view.ts";
import {
  type EdgeCondition,
  edgeConditions,
  type JobState,
  jobStates,
  type OnFailure,
  type OperationKind,
  type OperationState,
  onFailures,
  operationKinds,
  operationStates,
  type ReplayCause,
  type RunState,
  replayCauses,
  runStates,
} from "./names.ts";

/** The run that was made. */
export interface CreatedRun {
  readonly runId: string;
  /** The jobs' ids by their names. */
  readonly jobIds: Readonly<Record<string, string>>;
  /** True: an earlier try of the same call had made it. */
  readonly alreadyExisted: boolean;
}

/** A run as the ledger has it, without what its jobs sum up to. Empty strings mean "none". */
export interface Run {
  readonly runId: string;
  readonly tenant: string;
  readonly displayName: string;
  readonly project: string;
  readonly correlationId: string;
  readonly createTime: Date | undefined;
  /** Whether `runs.append` can add to it. */
  readonly isOpen: boolean;
  /** Whether somebody cancelled it as a whole. */
  readonly isCancelRequested: boolean;
  /** Whether it is a replay whose jobs are still being written; none of them starts before. */
  readonly isBuilding: boolean;
  /** The run that this one replays. */
  readonly replayOf: string;
  /** The pipeline that it was made from. */
  readonly pipeline: string;
  /** 0 without a pipeline. */
  readonly pipelineVersion: number;
  /** The schedule that made it. */
  readonly schedule: string;
}

/** A dependency between two jobs of a run. */
export interface Edge {
  readonly fromJobId: string;
  readonly toJobId: string;
  readonly onFailure: OnFailure;
  readonly when: EdgeCondition;
  /** Whether the second job waits for what the first one fans out, too. */
  readonly includesFanOut: boolean;
}

/** A run with everything in it. */
export interface RunDetail extends Run {
  /** The sum of its jobs. */
  readonly state: RunState;
  /** How many jobs stand where; states without jobs are missing. */
  readonly counts: Readonly<Partial<Record<JobState, number>>>;
  /** How many of the cancelled jobs were skipped: the run did not need them. */
  readonly skipped: number;
  /**
   * Its jobs in the order in which they were asked for, without payloads. Of a replay also those of
   * the first run that it reuses; their `runId` tells.
   */
  readonly jobs: readonly Job[];
  readonly edges: readonly Edge[];
  /** True: it has more than 1,000 jobs, and `jobs` and `edges` are empty. */
  readonly isTruncated: boolean;
}

/** What was appended to a run. */
export interface AppendedJobs {
  /** The jobs' ids by their names. */
  readonly jobIds: Readonly<Record<string, string>>;
  /** How many of them were there already, with the same content. */
  readonly existing: number;
}

/** A change to many jobs that the server does in batches. */
export interface Operation {
  readonly operationId: string;
  /** Undefined for a kind that is newer than this SDK. */
  readonly kind: OperationKind | undefined;
  readonly state: OperationState;
  readonly actor: string;
  readonly reason: string;
  readonly ticket: string;
  /** The run that it is about; empty if it is about none. */
  readonly runId: string;
  /** How many jobs matched when it began. */
  readonly matching: number;
  readonly applied: number;
  /** How many needed no change. */
  readonly unchanged: number;
  readonly refused: number;
  readonly createTime: Date | undefined;
  readonly finishTime: Date | undefined;
}

/** A job of the first run and what a replay does with it. */
export interface ReplayedJob {
  readonly name: string;
  /** Its id in the first run. */
  readonly jobId: string;
  /** Undefined for a cause that is newer than this SDK. */
  readonly cause: ReplayCause | undefined;
  /** Where it stood in the first run. */
  readonly state: JobState;
}

/** A replay, or what one would be. */
export interface Replay {
  /** The new run's id; undefined after a dry run. */
  readonly runId: string | undefined;
  /** What runs again and what is reused, the first 1,000. */
  readonly jobs: readonly ReplayedJob[];
  readonly runningCount: number;
  readonly reusedCount: number;
}

/** A run of the contract as a plain object. */
export const toRun = (run: RunMessage): Run => ({
  runId: run.runId,
  tenant: run.tenant,
  displayName: run.displayName,
  project: run.project,
  correlationId: run.correlationId,
  createTime: toDate(run.createTime),
  isOpen: run.open,
  isCancelRequested: run.cancelRequested,
  isBuilding: run.building,
  replayOf: run.replayOf,
  pipeline: run.pipeline,
  pipelineVersion: run.pipelineVersion,
  schedule: run.schedule,
});

/** A run with its jobs as a plain object; undefined when the response has none. */
export const toRunDetail = (response: GetRunResponse): RunDetail | undefined =>
  response.run && {
    ...toRun(response.run),
    state: runStates.nameOf(response.run.state) ?? "active",
    counts: Object.fromEntries(
      response.run.counts.map(({ state, count }) => [jobStates.nameOf(state) ?? "blocked", count]),
    ),
    skipped: response.run.skipped,
    jobs: response.jobs.map(toJob),
    edges: response.edges.map((edge) => ({
      fromJobId: edge.fromJobId,
      toJobId: edge.toJobId,
      onFailure: onFailures.nameOf(edge.onFailure) ?? "cancel",
      when: edgeConditions.nameOf(edge.condition) ?? "success",
      includesFanOut: edge.includeFanOut,
    })),
    isTruncated: response.truncated,
  };

/** An operation of the contract as a plain object. */
export const toOperation = (operation: PbOperation): Operation => ({
  operationId: operation.operationId,
  kind: operationKinds.nameOf(operation.kind),
  state: operationStates.nameOf(operation.state) ?? "running",
  actor: operation.actor,
  reason: operation.reason,
  ticket: operation.ticket,
  runId: operation.runId,
  matching: Number(operation.matching),
  applied: Number(operation.applied),
  unchanged: Number(operation.unchanged),
  refused: Number(operation.refused),
  createTime: toDate(operation.createTime),
  finishTime: toDate(operation.finishTime),
});

/** A replay of the contract as a plain object. */
export const toReplay = ({ run, jobs, runningCount, reusedCount }: ReplayRunResponse): Replay => ({
  runId: run?.runId,
  jobs: jobs.map(({ name, jobId, cause, state }) => ({
    name,
    jobId,
    cause: replayCauses.nameOf(cause),
    state: jobStates.nameOf(state) ?? "blocked",
  })),
  runningCount,
  reusedCount,
});
