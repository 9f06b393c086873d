import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { EdgeView, RunHead, RunState, RunSummary } from "../domain/run-view.ts";
import {
  type Edge,
  EdgeSchema,
  type Run,
  RunSchema,
  RunState as RunStateEnum,
} from "../gen/stellaops/orchestrator/v1/run_pb.ts";
import { edgePolicy } from "./dependency.ts";
import { stateMessage } from "./job-view.ts";

const RUN_STATES: Readonly<Record<RunState, RunStateEnum>> = {
  active: RunStateEnum.ACTIVE,
  succeeded: RunStateEnum.SUCCEEDED,
  failed: RunStateEnum.FAILED,
  cancelled: RunStateEnum.CANCELLED,
};

/** A run as the contract writes it, without its jobs and edges; counts only of a summary. */
export const runMessage = (run: RunHead | RunSummary): Run =>
  create(RunSchema, {
    runId: run.runId,
    tenant: run.tenant,
    displayName: run.displayName,
    project: run.project,
    correlationId: run.correlationId,
    createTime: timestampFromDate(run.createdAt),
    open: run.open,
    cancelRequested: run.cancelRequested,
    building: run.building,
    replayOf: run.replayOf ?? "",
    pipeline: run.pipeline?.name ?? "",
    pipelineVersion: run.pipeline?.version ?? 0,
    schedule: run.schedule ?? "",
    ...("counts" in run && {
      state: RUN_STATES[run.state],
      skipped: run.skipped,
      counts: [...run.counts]
        .map(([state, count]) => ({ state: stateMessage(state), count }))
        .sort((a, b) => a.state - b.state),
    }),
  });

/** A dependency as the contract writes it. */
export const edgeMessage = (edge: EdgeView): Edge =>
  create(EdgeSchema, {
    fromJobId: edge.fromJobId,
    toJobId: edge.toJobId,
    ...edgePolicy(edge),
  });
