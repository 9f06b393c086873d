import type { CreateRunResult, RunSpec } from "../app/runs/create-run.ts";
import type { GraphFault } from "../domain/graph.ts";
import { type CreateRunRequest, OnFailure } from "../gen/stellaops/orchestrator/v1/run_pb.ts";
import {
  alreadyExists,
  type FieldViolation,
  failedPrecondition,
  invalidArgument,
} from "./errors.ts";
import { readJobSpec } from "./job-spec.ts";
import { payloadTooLarge } from "./job-write.ts";
import { refusalError } from "./refusals.ts";

/** A run off the wire, its defaults filled in. */
export const readRunSpec = (request: CreateRunRequest): RunSpec => ({
  runId: request.runId || undefined,
  displayName: request.displayName,
  project: request.project,
  correlationId: request.correlationId || undefined,
  jobs: request.jobs.map(({ name, spec, dependsOn }, index) => {
    if (spec === undefined) throw new Error("validation let a job without a spec through");
    return {
      jobId: spec.jobId || undefined,
      name,
      spec: readJobSpec(spec, `jobs[${index}].spec`),
      dependsOn: dependsOn.map((dependency) => ({
        name: dependency.name,
        onFailure: dependency.onFailure === OnFailure.HOLD ? "hold" : "cancel",
      })),
    };
  }),
});

/** The error for a run that could not be made. */
export function runError(result: Exclude<CreateRunResult, { kind: "created" | "existing" }>) {
  switch (result.kind) {
    case "bad_graph":
      return graphError(result.faults);
    case "too_many_edges": {
      const { edges, maxEdges } = result;
      const description = `${edges} edges in all, at most ${maxEdges} fit into a run`;
      const violations = [{ field: "jobs.depends_on", description }];
      return invalidArgument("GRAPH_TOO_LARGE", violations, { edges, maxEdges });
    }
    case "payload_too_large":
      return payloadTooLarge(result.path, result.bytes, result.maxBytes);
    case "payload_artifact_not_found": {
      const { path, digest } = result;
      return failedPrecondition("PAYLOAD_ARTIFACT_NOT_FOUND", { path, digest });
    }
    case "queue_full":
    case "quota_exceeded":
      return refusalError(result);
    case "run_id_conflict":
      return alreadyExists("RUN_ID_CONFLICT", { runId: result.runId });
    case "job_id_conflict":
      return alreadyExists("JOB_ID_CONFLICT", { path: result.path, jobId: result.jobId });
    case "idempotency_conflict":
      return alreadyExists("IDEMPOTENCY_CONFLICT", { path: result.path, jobId: result.jobId });
  }
}

const GRAPH_REASONS = {
  cycle: "GRAPH_CYCLE",
  unknown_job: "GRAPH_UNKNOWN_JOB",
  duplicate_name: "GRAPH_DUPLICATE_NAME",
  repeated_edge: "GRAPH_REPEATED_EDGE",
} as const;

/** All faults as violations; the reason is the first one's. */
function graphError(faults: readonly GraphFault[]) {
  const violations = faults.map((fault): FieldViolation => {
    const reason = GRAPH_REASONS[fault.kind];
    return { field: fault.path, description: describe(fault), reason };
  });
  const [first] = faults;
  return invalidArgument(GRAPH_REASONS[first?.kind ?? "cycle"], violations, {
    faults: faults.length,
  });
}

function describe(fault: GraphFault): string {
  switch (fault.kind) {
    case "cycle":
      return `cycle: ${fault.names.map((name) => JSON.stringify(name)).join(" → ")}`;
    case "unknown_job":
      return `edge ${edge(fault)}: there is no job ${JSON.stringify(fault.from)} in this run`;
    case "duplicate_name":
      return `the name ${JSON.stringify(fault.name)} stands twice`;
    case "repeated_edge":
      return `edge ${edge(fault)} stands twice`;
  }
}

const edge = ({ from, to }: { readonly from: string; readonly to: string }) =>
  `${JSON.stringify(from)} → ${JSON.stringify(to)}`;
