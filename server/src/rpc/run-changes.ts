import type { ServiceImpl } from "@connectrpc/connect";
import type { AppendJobsResult, AppendSpec } from "../app/runs/append-jobs.ts";
import type { CancelRunResult, RunCancel } from "../app/runs/cancel-run.ts";
import type { ReplayRunResult, ReplaySpec } from "../app/runs/replay-run.ts";
import type { ReplayCause } from "../domain/replay.ts";
import type { RunHead } from "../domain/run-view.ts";
import {
  ReplayCause as ReplayCauseEnum,
  type RunService,
} from "../gen/stellaops/orchestrator/v1/run_pb.ts";
import { newId } from "../lib/ids.ts";
import { auditOf } from "./audit.ts";
import { msIfSet } from "./durations.ts";
import { alreadyExists, failedPrecondition, notFound } from "./errors.ts";
import { tenantOf } from "./interceptors/tenant.ts";
import { stateMessage } from "./job-view.ts";
import { operationMessage } from "./operation-message.ts";
import { readRunJobs, runError } from "./run-spec.ts";
import { runMessage } from "./run-view.ts";
import { readLease } from "./worker-frames.ts";

/** The use cases that change runs. */
export interface RunChangePorts {
  readonly append: (tenant: string, spec: AppendSpec) => Promise<AppendJobsResult>;
  /** The run as it is now; undefined if the tenant has no such run. */
  readonly close: (tenant: string, runId: string) => Promise<RunHead | undefined>;
  readonly cancel: (cancel: RunCancel) => Promise<CancelRunResult>;
  readonly replay: (tenant: string, spec: ReplaySpec) => Promise<ReplayRunResult>;
}

type Changes = Pick<
  ServiceImpl<typeof RunService>,
  "appendJobs" | "closeRun" | "cancelRun" | "replayRun"
>;

/** The part of RunService that changes runs which are there: translates. */
export const runChanges = (ports: RunChangePorts): Changes => ({
  async appendJobs(request, context) {
    const tenant = tenantOf(context);
    const runId = request.runId.toLowerCase();
    const result = await ports.append(tenant, {
      runId,
      jobs: readRunJobs(request.jobs),
      fanOut: request.fanOut === undefined ? undefined : readLease(tenant, request.fanOut),
      close: request.close,
    });
    if (result.kind !== "appended") throw appendError(runId, result);
    return { jobIds: [...result.jobIds], existing: result.existing };
  },

  async closeRun(request, context) {
    const run = await ports.close(tenantOf(context), request.runId.toLowerCase());
    if (run === undefined) throw runNotFound(request.runId);
    return { run: runMessage(run) };
  },

  async cancelRun(request, context) {
    const requestId = request.requestId.toLowerCase() || newId();
    const result = await ports.cancel({
      ...{ tenant: tenantOf(context), runId: request.runId.toLowerCase(), requestId },
      ...{ graceMs: msIfSet(request.grace), ...auditOf(request, context) },
    });
    if (result.kind === "run_not_found") throw runNotFound(request.runId);
    if (result.kind === "request_id_conflict") throw requestIdConflict(requestId);
    return { operation: operationMessage(result.operation) };
  },

  async replayRun(request, context) {
    const { requestId, jobNames, includeDownstream, rerunUpstream, dryRun } = request;
    const result = await ports.replay(tenantOf(context), {
      ...{ runId: request.runId.toLowerCase(), requestId: requestId || undefined },
      ...{ jobNames, includeDownstream, rerunUpstream, dryRun, ...auditOf(request, context) },
    });
    if (result.kind !== "replay") throw replayError(request, result);
    const { run, jobs, runningCount, reusedCount, alreadyExisted } = result;
    return {
      ...(run !== undefined && { run: runMessage(run) }),
      jobs: jobs.map(({ name, jobId, cause, state }) => {
        return { name, jobId, cause: CAUSES[cause], state: stateMessage(state) };
      }),
      ...{ runningCount, reusedCount, alreadyExisted },
    };
  },
});

const CAUSES: Readonly<Record<ReplayCause, ReplayCauseEnum>> = {
  selected: ReplayCauseEnum.SELECTED,
  not_succeeded: ReplayCauseEnum.NOT_SUCCEEDED,
  downstream: ReplayCauseEnum.DOWNSTREAM,
  upstream: ReplayCauseEnum.UPSTREAM,
  reused: ReplayCauseEnum.REUSED,
};

const runNotFound = (runId: string) => notFound("RUN_NOT_FOUND", { runId });

const requestIdConflict = (requestId: string) =>
  alreadyExists("REQUEST_ID_CONFLICT", { requestId });

function appendError(runId: string, result: Exclude<AppendJobsResult, { kind: "appended" }>) {
  switch (result.kind) {
    case "run_not_found":
      return runNotFound(runId);
    case "run_closed":
      return failedPrecondition("RUN_CLOSED", { runId });
    case "run_cancelled":
      return failedPrecondition("RUN_CANCELLED", { runId });
    case "stale_lease":
      return failedPrecondition("STALE_LEASE", { jobId: result.jobId });
    case "job_not_in_run":
      return failedPrecondition("JOB_NOT_IN_RUN", { jobId: result.jobId, runId });
    case "job_name_conflict":
      return alreadyExists("JOB_NAME_CONFLICT", { path: result.path, jobId: result.jobId });
    default:
      return runError(result);
  }
}

function replayError(
  { runId, requestId }: { readonly runId: string; readonly requestId: string },
  result: Exclude<ReplayRunResult, { kind: "replay" }>,
) {
  switch (result.kind) {
    case "run_not_found":
      return runNotFound(runId);
    case "job_not_found":
      return notFound("JOB_NOT_FOUND", { runId, name: result.name });
    case "run_active":
      return failedPrecondition("RUN_ACTIVE", { runId });
    case "nothing_to_replay":
      return failedPrecondition("NOTHING_TO_REPLAY", { runId });
    case "request_id_conflict":
      return requestIdConflict(requestId);
  }
}
