import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { v7 } from "uuid";
import type { JobSpec } from "../gen/stellaops/orchestrator/v1/job_pb.ts";
import {
  type CreateRunRequest,
  CreateRunRequestSchema,
  type Dependency,
  type DependencySchema,
} from "../gen/stellaops/orchestrator/v1/run_pb.ts";
import { correlationOf, type TraceContext } from "../trace-context.ts";
import { type JobRequest, toJobSpec } from "./job-spec.ts";
import { type EdgeCondition, edgeConditions, type OnFailure, onFailures } from "./names.ts";

/** A dependency: a job's name, or the name and what its end means. */
export type DependsOn =
  | string
  | {
      readonly name: string;
      /**
       * What happens when it does not succeed: "cancel" (the default) cancels the waiting job, too,
       * "hold" leaves it blocked, "continue" lets it run. Goes with `when: "success"` only.
       */
      readonly onFailure?: OnFailure;
      /**
       * Which end of it lets the job go: "success" (the default), "completion" (any end), "failure"
       * (if it succeeds, the job is skipped).
       */
      readonly when?: EdgeCondition;
      /** A declared join: the job also waits for every job that the named one fans out. */
      readonly includeFanOut?: boolean;
    };

/** A job of a run that is to be made. */
export interface RunJobRequest extends JobRequest {
  /** Its name, unique in the run. */
  readonly name: string;
  /** What must end before it starts. */
  readonly dependsOn?: readonly DependsOn[];
}

/** A run that is to be made: all of it or nothing. */
export interface RunRequest {
  /** For people. */
  readonly displayName?: string;
  /** The project within the tenant; jobs without one inherit it. */
  readonly project?: string;
  /** Jobs without one inherit it; a handler's own, else the run's id, unless told. */
  readonly correlationId?: string;
  /** Up to 1,000 jobs; larger runs are kept open and filled with `runs.append`. */
  readonly jobs: readonly RunJobRequest[];
  /** Whether more is to come: the run is active until `runs.close`. False unless told. */
  readonly keepOpen?: boolean;
}

type Trace = (() => TraceContext | undefined) | undefined;

/** A dependency as the contract carries it. */
export function fromDependency(dependency: DependsOn): MessageInitShape<typeof DependencySchema> {
  if (typeof dependency === "string") return { name: dependency };
  const { name, onFailure, when, includeFanOut = false } = dependency;
  return {
    name,
    includeFanOut,
    ...(onFailure && { onFailure: onFailures.valueOf(onFailure) }),
    ...(when && { condition: edgeConditions.valueOf(when) }),
  };
}

/** A dependency of the contract as a plain object; what was not said is left out. */
export function toDependency({ name, onFailure, condition, includeFanOut }: Dependency): DependsOn {
  const when = edgeConditions.nameOf(condition);
  // Where any end or a failure lets the job go, the contract has no place for it.
  const failure = (when ?? "success") === "success" ? onFailures.nameOf(onFailure) : undefined;
  return {
    name,
    ...(failure && { onFailure: failure }),
    ...(when && { when }),
    ...(includeFanOut && { includeFanOut }),
  };
}

/** Not the handler's correlation id: the job inherits the run's, which has it already. */
const specOf = (job: RunJobRequest, trace: Trace): JobSpec =>
  toJobSpec({ ...job, correlationId: job.correlationId ?? "" }, trace);

/** The CreateRun request, with a run id of the SDK's own choosing so that it can be repeated. */
export function toCreateRun(request: RunRequest, trace: Trace): CreateRunRequest {
  return create(CreateRunRequestSchema, {
    runId: v7(),
    displayName: request.displayName ?? "",
    project: request.project ?? "",
    correlationId: correlationOf(request.correlationId),
    keepOpen: request.keepOpen ?? false,
    jobs: request.jobs.map((job) => ({
      name: job.name,
      spec: specOf(job, trace),
      dependsOn: (job.dependsOn ?? []).map(fromDependency),
    })),
  });
}

/**
 * Jobs for a live run. They have no ids of the SDK's choosing: a run knows a job by its name, so
 * that a handler's second attempt finds what the first one fanned out.
 */
export const toAppendedJobs = (jobs: readonly RunJobRequest[], trace: Trace) =>
  jobs.map((job) => ({
    name: job.name,
    spec: Object.assign(specOf(job, trace), { jobId: "" }),
    dependsOn: (job.dependsOn ?? []).map(fromDependency),
  }));

/** Job ids by the jobs' names, for answers that list ids in the order of the request. */
export const idsByName = (
  names: readonly string[],
  jobIds: readonly string[],
): Readonly<Record<string, string>> =>
  Object.fromEntries(names.map((name, index) => [name, jobIds[index] ?? ""]));
