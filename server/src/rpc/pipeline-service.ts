import type { ServiceImpl } from "@connectrpc/connect";
import type { Audit } from "../app/audit.ts";
import type { listPipelines } from "../app/pipelines/list-pipelines.ts";
import type { PutPipelineResult, putPipeline } from "../app/pipelines/put-pipeline.ts";
import type { RunPipelineRequest, runPipeline } from "../app/pipelines/run-pipeline.ts";
import type { StoredPipeline } from "../app/pipelines/stored-pipeline.ts";
import type { PlanFault } from "../domain/plan/fault.ts";
import type { RunHead } from "../domain/run-view.ts";
import type {
  Pipeline as PipelineMessage,
  PipelineService,
  RunPipelineRequest as RunPipelineMessage,
} from "../gen/stellaops/orchestrator/v1/pipeline_pb.ts";
import { auditOf } from "./audit.ts";
import { aborted, type FieldViolation, invalidArgument, notFound } from "./errors.ts";
import { tenantOf } from "./interceptors/tenant.ts";
import { readStruct } from "./json-values.ts";
import { pageTokenInvalid } from "./page-tokens.ts";
import { pipelineHeadMessage, pipelineMessage, readPipeline } from "./pipeline-message.ts";
import { graphViolations, runError } from "./run-spec.ts";
import { runMessage } from "./run-view.ts";

/** The use cases behind the service. */
export interface PipelineServicePorts {
  readonly put: ReturnType<typeof putPipeline>;
  readonly find: (
    tenant: string,
    name: string,
    version: number,
  ) => Promise<StoredPipeline | undefined>;
  readonly list: ReturnType<typeof listPipelines>;
  readonly run: ReturnType<typeof runPipeline>;
  readonly readRunHead: (tenant: string, runId: string) => Promise<RunHead | undefined>;
}

/** PipelineService: translates, and leaves the work to the use cases. */
export const pipelineService = (
  ports: PipelineServicePorts,
): ServiceImpl<typeof PipelineService> => ({
  async putPipeline(request, context) {
    const { pipeline } = request;
    if (pipeline === undefined) throw new Error("validation let no pipeline through");
    const stored = await put(ports, tenantOf(context), pipeline, auditOf(request, context));
    return { pipeline: pipelineMessage(stored) };
  },

  async getPipeline({ name, version }, context) {
    const found = await ports.find(tenantOf(context), name, version);
    if (found === undefined) throw pipelineNotFound(name, version);
    return { pipeline: pipelineMessage(found) };
  },

  async listPipelines(request, context) {
    const result = await ports.list(tenantOf(context), request.name, request);
    if (result.kind !== "page") throw pageTokenInvalid();
    const { items, nextPageToken } = result;
    return { pipelines: items.map(pipelineHeadMessage), nextPageToken };
  },

  async runPipeline(request, context) {
    const tenant = tenantOf(context);
    const result = await ports.run(tenant, runRequest(request));
    if (result.kind === "pipeline_not_found") throw pipelineNotFound(request.name, request.version);
    if (result.kind === "parameter_faults") throw parametersInvalid(result.faults);
    if (result.kind !== "run") throw runError(result);
    const { stored, jobNames } = result;
    const run = await ports.readRunHead(tenant, stored.runId);
    if (run === undefined) throw notFound("RUN_NOT_FOUND", { runId: stored.runId });
    return {
      run: runMessage(run),
      jobIds: [...stored.jobIds],
      jobNames: [...jobNames],
      alreadyExisted: stored.kind === "existing",
    };
  },
});

async function put(
  ports: PipelineServicePorts,
  tenant: string,
  message: PipelineMessage,
  audit: Audit,
): Promise<StoredPipeline> {
  const unreadable: FieldViolation[] = [];
  const pipeline = readPipeline(message, unreadable);
  const found = unreadable.map(({ field, description }) => ({ path: field, description }));
  const { etag, name } = message;
  const result = await ports.put(tenant, { pipeline, found, etag, audit });
  switch (result.kind) {
    case "stored":
      return result.pipeline;
    case "etag_mismatch":
      throw aborted("ETAG_MISMATCH", { metadata: { name } });
    case "faults":
      throw pipelineInvalid(result);
  }
}

/** All faults as violations; the reason is the first one's. */
function pipelineInvalid({ plan, graph }: Extract<PutPipelineResult, { kind: "faults" }>) {
  const violations = [...plan.map(planViolation), ...graphViolations(graph)];
  const inRequest = violations.map((one) => ({ ...one, field: `pipeline.${one.field}` }));
  const faults = violations.length;
  return invalidArgument(violations[0]?.reason ?? TEMPLATE, inRequest, { faults });
}

const PARAMETER = "PARAMETER_INVALID";
const TEMPLATE = "TEMPLATE_INVALID";

const planViolation = ({ path, description }: PlanFault): FieldViolation => ({
  field: path,
  description,
  reason: path.startsWith("parameters") ? PARAMETER : TEMPLATE,
});

const parametersInvalid = (faults: readonly PlanFault[]) =>
  invalidArgument(
    PARAMETER,
    faults.map((fault) => ({ ...planViolation(fault), reason: PARAMETER })),
    { faults: faults.length },
  );

const pipelineNotFound = (name: string, version: number) =>
  notFound("PIPELINE_NOT_FOUND", { name, version: version === 0 ? undefined : version });

function runRequest(request: RunPipelineMessage): RunPipelineRequest {
  const { name, version, displayName, project } = request;
  const { values, faults } = readStruct(request.parameters);
  if (faults.size > 0) {
    throw parametersInvalid(
      Array.from(faults, ([member, description]) => {
        return { path: `parameters[${JSON.stringify(member)}]`, description };
      }),
    );
  }
  return {
    name,
    version,
    parameters: values,
    runId: request.runId || undefined,
    displayName,
    project,
    correlationId: request.correlationId || undefined,
  };
}
