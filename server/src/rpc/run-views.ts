import { create } from "@bufbuild/protobuf";
import { timestampFromDate, timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import type { PathView } from "../app/runs/critical-path.ts";
import type { graphPage, ShownNode } from "../app/runs/graph-page.ts";
import type { listRuns } from "../app/runs/list-runs.ts";
import type { TimelineJob, timelinePage } from "../app/runs/timeline-page.ts";
import type { SpanKind } from "../domain/timeline.ts";
import {
  type CriticalStep,
  CriticalStepSchema,
  type GraphNode,
  GraphNodeSchema,
  type RunService,
  SpanKind as SpanKindEnum,
  type TimelineJob as TimelineJobMessage,
  TimelineJobSchema,
} from "../gen/stellaops/orchestrator/v1/run_pb.ts";
import { blockedByMessage } from "./blocked-by.ts";
import { durationOfMs, notFound } from "./errors.ts";
import { tenantOf } from "./interceptors/tenant.ts";
import { outcomeMessage, stateMessage } from "./job-view.ts";
import { pageTokenInvalid } from "./page-tokens.ts";
import { edgeMessage, runMessage } from "./run-view.ts";

/** The use cases behind the views of runs. */
export interface RunViewsPorts {
  readonly list: ReturnType<typeof listRuns>;
  readonly graph: ReturnType<typeof graphPage>;
  readonly timeline: ReturnType<typeof timelinePage>;
  readonly criticalPath: (tenant: string, runId: string) => Promise<PathView | undefined>;
}

/** The methods of RunService that show runs, GetRun apart. */
export type RunViews = Pick<
  ServiceImpl<typeof RunService>,
  "listRuns" | "getRunGraph" | "getRunTimeline" | "getCriticalPath"
>;

/** The views of runs: translates, and leaves the work to the use cases. */
export const runViews = (ports: RunViewsPorts): RunViews => ({
  async listRuns(request, context) {
    const filter = {
      project: request.project || undefined,
      pipeline: request.pipeline || undefined,
      replayOf: request.replayOf.toLowerCase() || undefined,
    };
    const result = await ports.list(tenantOf(context), filter, request);
    if (result.kind !== "page") throw pageTokenInvalid();
    return { runs: result.items.map(runMessage), nextPageToken: result.nextPageToken };
  },

  async getRunGraph(request, context) {
    const runId = request.runId.toLowerCase();
    const result = await ports.graph(tenantOf(context), runId, request);
    if (result === undefined) throw notFound("RUN_NOT_FOUND", { runId: request.runId });
    if (result.kind !== "page") throw pageTokenInvalid();
    return {
      nodes: result.nodes.map((node) => nodeMessage(node, runId)),
      edges: result.edges.map(edgeMessage),
      nextPageToken: result.nextPageToken,
    };
  },

  async getRunTimeline(request, context) {
    const runId = request.runId.toLowerCase();
    const result = await ports.timeline(tenantOf(context), runId, request);
    if (result === undefined) throw notFound("RUN_NOT_FOUND", { runId: request.runId });
    if (result.kind !== "page") throw pageTokenInvalid();
    return { jobs: result.items.map(timelineMessage), nextPageToken: result.nextPageToken };
  },

  async getCriticalPath(request, context) {
    const path = await ports.criticalPath(tenantOf(context), request.runId.toLowerCase());
    if (path === undefined) throw notFound("RUN_NOT_FOUND", { runId: request.runId });
    return { steps: path.steps.map(stepMessage), total: durationOfMs(path.totalMs) };
  },
});

const nodeMessage = (node: ShownNode, runId: string): GraphNode =>
  create(GraphNodeSchema, {
    jobId: node.jobId,
    name: node.name,
    jobType: node.lane.jobType,
    queue: node.lane.queue,
    state: stateMessage(node.state),
    skipped: node.skipped,
    attempt: node.attempt,
    ...(node.blockedBy && { blockedBy: blockedByMessage(node.blockedBy) }),
    reusedFromRun: node.runId === runId ? "" : node.runId,
  });

const SPANS: Readonly<Record<SpanKind, SpanKindEnum>> = {
  blocked: SpanKindEnum.BLOCKED,
  waiting: SpanKindEnum.WAITING,
  offered: SpanKindEnum.OFFERED,
  running: SpanKindEnum.RUNNING,
};

const timelineMessage = (job: TimelineJob): TimelineJobMessage =>
  create(TimelineJobSchema, {
    jobId: job.jobId,
    name: job.name,
    jobType: job.jobType,
    state: stateMessage(job.state),
    spans: job.spans.map((span) => ({
      kind: SPANS[span.kind],
      startTime: timestampFromDate(span.start),
      ...(span.end && { endTime: timestampFromDate(span.end) }),
      attempt: span.attempt,
      workerId: span.workerId,
      ...(span.outcome && { outcome: outcomeMessage(span.outcome) }),
    })),
  });

const timestampOf = (ms: number | undefined) =>
  ms === undefined ? undefined : timestampFromMs(Math.floor(ms));

const stepMessage = (step: PathView["steps"][number]): CriticalStep =>
  create(CriticalStepSchema, {
    jobId: step.jobId,
    name: step.name,
    state: stateMessage(step.state),
    startTime: timestampOf(step.startedMs),
    finishTime: timestampOf(step.endedMs),
    waited: durationOfMs(step.waitedMs),
    ran: durationOfMs(step.ranMs),
  });
