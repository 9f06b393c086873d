import { findGraphFaults, type GraphFault } from "../../domain/graph.ts";
import type { PlanFault } from "../../domain/plan/fault.ts";
import { type Pipeline, pipelineFaults } from "../../domain/plan/pipeline.ts";
import type { Audit } from "../audit.ts";
import { etagOf } from "../flow/change.ts";
import type { StoredPipeline } from "./stored-pipeline.ts";

/** What is to become of a pipeline, in the eyes of the version that is the newest. */
export type PipelineDecision = "write" | "keep" | "etag_mismatch";

/** What the ledger did about a pipeline. */
export type PipelineStored =
  | { readonly kind: "stored"; readonly pipeline: StoredPipeline }
  | { readonly kind: "etag_mismatch" };

/** What became of a pipeline that was to be stored. */
export type PutPipelineResult =
  | PipelineStored
  | {
      readonly kind: "faults";
      readonly plan: readonly PlanFault[];
      readonly graph: readonly GraphFault[];
    };

/** The newest version that the ledger has, as far as it matters. */
export interface NewestVersion {
  readonly version: number;
  readonly sameContent: boolean;
}

/** What {@link putPipeline} needs. */
export interface PutPipelinePorts {
  /**
   * Decides, writes the next version and records it, in one transaction; `decide` may be asked
   * more than once, and is given undefined for a name that is new.
   */
  readonly store: (
    tenant: string,
    pipeline: Pipeline,
    audit: Audit,
    decide: (newest: NewestVersion | undefined) => PipelineDecision,
  ) => Promise<PipelineStored>;
  readonly maxPayloadBytes: number;
}

/** As many as a run that is made at once may have. */
const MAX_EDGES = 20_000;

/** A pipeline that is to be stored. */
export interface PutPipelineRequest {
  readonly pipeline: Pipeline;
  /** What is wrong with it that its shape no longer shows. */
  readonly found: readonly PlanFault[];
  /** Empty, or the tag of the version on top of which it is to be stored. */
  readonly etag: string;
  readonly audit: Audit;
}

/**
 * Stores a pipeline as a new version, unless the newest has the same content: so a repetition of
 * what was stored succeeds whatever its etag.
 */
export const putPipeline =
  (ports: PutPipelinePorts) =>
  async (
    tenant: string,
    { pipeline, found, etag, audit }: PutPipelineRequest,
  ): Promise<PutPipelineResult> => {
    const plan = [
      ...found,
      ...pipelineFaults(pipeline),
      ...sizeFaults(pipeline, ports.maxPayloadBytes),
    ];
    const graph = findGraphFaults(pipeline.jobs);
    if (plan.length > 0 || graph.length > 0) return { kind: "faults", plan, graph };
    return ports.store(tenant, pipeline, audit, (newest) => {
      if (newest?.sameContent === true) return "keep";
      return etag === "" || etag === etagOf(newest?.version) ? "write" : "etag_mismatch";
    });
  };

function sizeFaults({ jobs }: Pipeline, maxPayloadBytes: number): PlanFault[] {
  const faults: PlanFault[] = [];
  if (jobs.length === 0) faults.push({ path: "jobs", description: "must have at least one" });
  const edges = jobs.reduce((sum, job) => sum + job.dependsOn.length, 0);
  if (edges > MAX_EDGES) {
    const description = `${edges} edges in all, at most ${MAX_EDGES} fit into a run`;
    faults.push({ path: "jobs.depends_on", description });
  }
  for (const [at, { spec }] of jobs.entries()) {
    if (spec.payload.length <= maxPayloadBytes) continue;
    const description = `must have at most ${maxPayloadBytes} bytes`;
    faults.push({ path: `jobs[${at}].spec.payload`, description });
  }
  return faults;
}
