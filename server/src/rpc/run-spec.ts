import type { CreateRunResult, RunJobSpec, RunSpec } from "../app/runs/create-run.ts";
import type { GraphFault } from "../domain/graph.ts";
import type { CreateRunRequest, RunJob } from "../gen/stellaops/orchestrator/v1/run_pb.ts";
import { readDependency } from "./dependency.ts";
import {
  alreadyExists,
  type FieldViolation,
  failedPrecondition,
  invalidArgument,
} from "./errors.ts";
import { readJobSpec } from "./job-spec.ts";
import { payloadTooLarge, windowInvalid } from "./job-write.ts";
import { refusalError } from "./refusals.ts";

/** A run off the wire, its defaults filled in. */
export const readRunSpec = (request: CreateRunRequest): RunSpec => ({
  runId: request.runId || undefined,
  displayName: request.displayName,
  project: request.project,
  correlationId: request.correlationId || undefined,
  keepOpen: request.keepOpen,
  jobs: readRunJobs(request.jobs),
});

/** Jobs of a run off the wire. */
export const readRunJobs = (jobs: readonly RunJob[]): RunJobSpec[] =>
  jobs.map(({ name, spec, dependsOn }, index) => {
    if (spec === undefined) throw new Error("validation let a job without a spec through");
    return {
      jobId: spec.jobId || undefined,
      name,
      spec: readJobSpec(spec, `jobs[${index}].spec`),
      dependsOn: dependsOn.map(readDependency),
    };
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
    case "window_series_not_found": {
      const { path, source, scope } = result;
      return failedPrecondition("WINDOW_SERIES_NOT_FOUND", { path, source, scope });
    }
    case "window_invalid":
      return windowInvalid(result.path, result.fault);
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
  unreachable: "GRAPH_UNREACHABLE",
  contradiction: "GRAPH_UNREACHABLE",
} as const;

/** As many as of malformed requests: more would make the error larger than what clients read. */
const MAX_VIOLATIONS = 50;

/** The first faults as violations, and how many there are; the reason is the first one's. */
export function graphError(faults: readonly GraphFault[]) {
  const violations = graphViolations(faults.slice(0, MAX_VIOLATIONS));
  return invalidArgument(GRAPH_REASONS[faults[0]?.kind ?? "cycle"], violations, {
    faults: faults.length,
  });
}

/** The faults of a graph as violations. */
export const graphViolations = (faults: readonly GraphFault[]): FieldViolation[] =>
  faults.map((fault) => ({
    field: fault.path,
    description: describe(fault),
    reason: GRAPH_REASONS[fault.kind],
  }));

function describe(fault: GraphFault): string {
  switch (fault.kind) {
    case "cycle":
      return `cycle: ${fault.names.map(quoted).join(" → ")}`;
    case "unknown_job":
      return `edge ${edge(fault)}: there is no job ${quoted(fault.from)} in this run`;
    case "duplicate_name":
      return `the name ${quoted(fault.name)} stands twice`;
    case "repeated_edge":
      return `edge ${edge(fault)} stands twice`;
    case "unreachable":
      return `${quoted(fault.name)} waits for ${quoted(fault.from)}, which can never start`;
    case "contradiction":
      return `${quoted(fault.name)} needs ${quoted(fault.of)} both to succeed and to fail`;
  }
}

const quoted = (name: string) => JSON.stringify(name);

const edge = ({ from, to }: { readonly from: string; readonly to: string }) =>
  `${quoted(from)} → ${quoted(to)}`;
