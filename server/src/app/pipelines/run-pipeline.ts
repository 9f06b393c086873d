import type { PlanFault } from "../../domain/plan/fault.ts";
import { bindParameters, type Pipeline } from "../../domain/plan/pipeline.ts";
import { renderPipeline } from "../../domain/plan/render-pipeline.ts";
import type { ParameterValues } from "../../domain/plan/template.ts";
import type { CreateRunResult, RunSpec } from "../runs/create-run.ts";
import type { StoredPipeline } from "./stored-pipeline.ts";

/** What a run of a pipeline is to be told besides the parameters. */
export interface PipelineRunOptions extends Pick<RunSpec, "runId" | "project" | "correlationId"> {
  /** The pipeline's name if empty. */
  readonly displayName: string;
  readonly maxPayloadBytes: number;
}

/** What {@link pipelineRun} makes of a pipeline. */
export type PipelineRun =
  | { readonly kind: "run"; readonly run: RunSpec }
  | { readonly kind: "faults"; readonly faults: readonly PlanFault[] };

/** All payloads of a run that a pipeline makes, in bytes: what four full requests carry. */
const MAX_RUN_PAYLOAD_BYTES = 16 * 1024 * 1024;

/**
 * The run that a stored pipeline makes of values: for RunPipeline, and for schedules. Faults are
 * values that are missing, unknown, of the wrong kind or too large.
 */
export function pipelineRun(
  pipeline: Pipeline & Pick<StoredPipeline, "version">,
  given: ParameterValues,
  options: PipelineRunOptions,
): PipelineRun {
  const bound = bindParameters(pipeline, given);
  if (bound.kind === "faults") return bound;
  const rendered = renderPipeline(pipeline, bound.values, {
    perJob: options.maxPayloadBytes,
    total: MAX_RUN_PAYLOAD_BYTES,
  });
  if (rendered.kind === "faults") return rendered;
  const { runId, project, correlationId } = options;
  const run: RunSpec = {
    runId,
    displayName: options.displayName || pipeline.name,
    project,
    correlationId,
    pipeline: { name: pipeline.name, version: pipeline.version },
    jobs: rendered.jobs.map((job) => ({ ...job, jobId: undefined })),
  };
  return { kind: "run", run };
}

/** Which pipeline to run with what. */
export interface RunPipelineRequest extends Omit<PipelineRunOptions, "maxPayloadBytes"> {
  readonly name: string;
  /** 0: the newest. */
  readonly version: number;
  readonly parameters: ParameterValues;
}

/** What became of a request to run a pipeline. */
export type RunPipelineResult =
  | {
      readonly kind: "run";
      readonly stored: Extract<CreateRunResult, { readonly kind: "created" | "existing" }>;
      /** In the order of the ids. */
      readonly jobNames: readonly string[];
    }
  | Exclude<CreateRunResult, { readonly kind: "created" | "existing" }>
  | { readonly kind: "pipeline_not_found" }
  | { readonly kind: "parameter_faults"; readonly faults: readonly PlanFault[] };

/** What {@link runPipeline} needs. */
export interface RunPipelinePorts {
  readonly find: (
    tenant: string,
    name: string,
    version: number,
  ) => Promise<StoredPipeline | undefined>;
  /** The version of the pipeline that a run was made from; undefined if there is no such run. */
  readonly versionOf: (tenant: string, runId: string, name: string) => Promise<number | undefined>;
  readonly create: (tenant: string, run: RunSpec) => Promise<CreateRunResult>;
  readonly maxPayloadBytes: number;
}

/** Makes a run from a pipeline. */
export const runPipeline =
  (ports: RunPipelinePorts) =>
  async (tenant: string, request: RunPipelineRequest): Promise<RunPipelineResult> => {
    const version = await versionFor(ports, tenant, request);
    const pipeline = await ports.find(tenant, request.name, version);
    if (pipeline === undefined) return { kind: "pipeline_not_found" };
    const options = { ...request, maxPayloadBytes: ports.maxPayloadBytes };
    const made = pipelineRun(pipeline, request.parameters, options);
    if (made.kind === "faults") return { kind: "parameter_faults", faults: made.faults };
    const result = await ports.create(tenant, made.run);
    if (result.kind !== "created" && result.kind !== "existing") return result;
    return { kind: "run", stored: result, jobNames: made.run.jobs.map((job) => job.name) };
  };

/** A repetition means the version that was the newest when it was asked first. */
async function versionFor(
  ports: RunPipelinePorts,
  tenant: string,
  { name, version, runId }: RunPipelineRequest,
): Promise<number> {
  if (version !== 0 || runId === undefined) return version;
  return (await ports.versionOf(tenant, runId, name)) ?? 0;
}
