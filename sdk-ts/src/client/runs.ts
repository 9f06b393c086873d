import { create } from "@bufbuild/protobuf";
import { v7 } from "uuid";
import { toDate } from "../contract/time.ts";
import {
  type CreateRunRequest,
  CreateRunRequestSchema,
  type GetRunResponse,
  type Run as RunMessage,
} from "../gen/stellaops/orchestrator/v1/run_pb.ts";
import { correlationOf, type TraceContext } from "../trace-context.ts";
import { type JobRequest, toJobSpec } from "./job-spec.ts";
import { type Job, toJob } from "./job-view.ts";
import { type JobState, jobStates, onFailures, type RunState, runStates } from "./names.ts";

/** A dependency: a job's name, or the name and what its failure means. */
export type DependsOn =
  | string
  | {
      readonly name: string;
      /** "cancel" (the default) cancels the waiting job too, "hold" leaves it blocked. */
      readonly onFailure: "cancel" | "hold";
    };

/** A job of a run that is to be made. */
export interface RunJobRequest extends JobRequest {
  /** Its name, unique in the run. */
  readonly name: string;
  /** What must succeed before it starts. */
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
  /** Up to 1,000 jobs. */
  readonly jobs: readonly RunJobRequest[];
}

/** The run that was made. */
export interface CreatedRun {
  readonly runId: string;
  /** The jobs' ids by their names. */
  readonly jobIds: Readonly<Record<string, string>>;
  /** True: an earlier try of the same call had made it. */
  readonly alreadyExisted: boolean;
}

/** A run as the ledger has it. */
export interface Run {
  readonly runId: string;
  readonly tenant: string;
  readonly displayName: string;
  readonly project: string;
  readonly correlationId: string;
  readonly createTime: Date | undefined;
  readonly state: RunState;
  /** How many jobs stand where; states without jobs are missing. */
  readonly counts: Readonly<Partial<Record<JobState, number>>>;
}

/** A dependency between two jobs of a run. */
export interface Edge {
  readonly fromJobId: string;
  readonly toJobId: string;
  readonly onFailure: "cancel" | "hold" | "continue";
}

/** A run with everything in it. */
export interface RunDetail extends Run {
  /** Its jobs in the order of the request that made it, without payloads. */
  readonly jobs: readonly Job[];
  readonly edges: readonly Edge[];
}

/** The CreateRun request, with a run id of the SDK's own choosing so that it can be repeated. */
export function toCreateRun(
  request: RunRequest,
  traceContext: (() => TraceContext | undefined) | undefined,
): CreateRunRequest {
  return create(CreateRunRequestSchema, {
    runId: v7(),
    displayName: request.displayName ?? "",
    project: request.project ?? "",
    correlationId: correlationOf(request.correlationId),
    jobs: request.jobs.map((job) => ({
      name: job.name,
      // Not the handler's correlation id: the job inherits the run's, which has it already.
      spec: toJobSpec({ ...job, correlationId: job.correlationId ?? "" }, traceContext),
      dependsOn: (job.dependsOn ?? []).map((dependency) =>
        typeof dependency === "string"
          ? { name: dependency }
          : { name: dependency.name, onFailure: onFailures.valueOf(dependency.onFailure) },
      ),
    })),
  });
}

const toRun = (run: RunMessage): Run => ({
  runId: run.runId,
  tenant: run.tenant,
  displayName: run.displayName,
  project: run.project,
  correlationId: run.correlationId,
  createTime: toDate(run.createTime),
  state: runStates.nameOf(run.state) ?? "active",
  counts: Object.fromEntries(
    run.counts.map(({ state, count }) => [jobStates.nameOf(state) ?? "blocked", count]),
  ),
});

/** A run of the contract as a plain object; undefined when the response has none. */
export const toRunDetail = (response: GetRunResponse): RunDetail | undefined =>
  response.run && {
    ...toRun(response.run),
    jobs: response.jobs.map(toJob),
    edges: response.edges.map((edge) => ({
      fromJobId: edge.fromJobId,
      toJobId: edge.toJobId,
      onFailure: onFailures.nameOf(edge.onFailure) ?? "cancel",
    })),
  };
