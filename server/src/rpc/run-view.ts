import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { EdgeView, RunState, RunView } from "../domain/run-view.ts";
import {
  type Edge,
  EdgeSchema,
  OnFailure,
  type Run,
  RunSchema,
  RunState as RunStateEnum,
} from "../gen/stellaops/orchestrator/v1/run_pb.ts";
import { stateMessage } from "./job-view.ts";

const RUN_STATES: Readonly<Record<RunState, RunStateEnum>> = {
  active: RunStateEnum.ACTIVE,
  succeeded: RunStateEnum.SUCCEEDED,
  failed: RunStateEnum.FAILED,
  cancelled: RunStateEnum.CANCELLED,
};

/** A run as the contract writes it, without its jobs and edges. */
export const runMessage = (run: RunView): Run =>
  create(RunSchema, {
    runId: run.runId,
    tenant: run.tenant,
    displayName: run.displayName,
    project: run.project,
    correlationId: run.correlationId,
    createTime: timestampFromDate(run.createdAt),
    state: RUN_STATES[run.state],
    counts: [...run.counts]
      .map(([state, count]) => ({ state: stateMessage(state), count }))
      .sort((a, b) => a.state - b.state),
  });

/** A dependency as the contract writes it. */
export const edgeMessage = (edge: EdgeView): Edge =>
  create(EdgeSchema, {
    fromJobId: edge.fromJobId,
    toJobId: edge.toJobId,
    onFailure: edge.onFailure === "hold" ? OnFailure.HOLD : OnFailure.CANCEL,
  });
