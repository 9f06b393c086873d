import {
  create,
  fromJson,
  type JsonValue as Json,
  type MessageInitShape,
} from "@bufbuild/protobuf";
import { timestampFromDate, ValueSchema } from "@bufbuild/protobuf/wkt";
import { etagOf } from "../app/flow/change.ts";
import type { PipelineHead, StoredPipeline } from "../app/pipelines/stored-pipeline.ts";
import type {
  ParameterKind,
  Pipeline,
  PipelineJob,
  PipelineParameter,
} from "../domain/plan/pipeline.ts";
import type { JsonValue } from "../domain/plan/template.ts";
import {
  ParameterKind as ParameterKindEnum,
  type PipelineParameter as ParameterMessage,
  type PipelineJob as PipelineJobMessage,
  type Pipeline as PipelineMessage,
  type PipelineParameterSchema,
  PipelineSchema,
} from "../gen/stellaops/orchestrator/v1/pipeline_pb.ts";
import { dependencyMessage, readDependency } from "./dependency.ts";
import type { FieldViolation } from "./errors.ts";
import { jobSpecWithin } from "./job-spec.ts";
import { jobSpecMessage } from "./job-view.ts";
import { readJsonText, readValue } from "./json-values.ts";

const KINDS: Readonly<Record<ParameterKind, ParameterKindEnum>> = {
  string: ParameterKindEnum.STRING,
  int: ParameterKindEnum.INT,
  bool: ParameterKindEnum.BOOL,
  json: ParameterKindEnum.JSON,
};

const KIND_NAMES: ReadonlyMap<ParameterKindEnum, ParameterKind> = new Map(
  Object.entries(KINDS).map(([name, value]) => [value, name as ParameterKind]),
);

/** A pipeline off the wire; what no pipeline can say is added to the violations. */
export const readPipeline = (message: PipelineMessage, violations: FieldViolation[]): Pipeline => ({
  name: message.name,
  description: message.description,
  parameters: message.parameters.map((one, at) =>
    readParameter(one, `parameters[${at}]`, violations),
  ),
  jobs: message.jobs.map((job, at) => readJob(job, `jobs[${at}]`, violations)),
});

function readParameter(
  { name, kind, description, defaultValue }: ParameterMessage,
  path: string,
  violations: FieldViolation[],
): PipelineParameter {
  const base = { name, kind: KIND_NAMES.get(kind) ?? "string", description } as const;
  if (defaultValue === undefined) return base;
  const read = readValue(defaultValue);
  if (read.kind === "json") return { ...base, defaultValue: read.json };
  const field = `${path}.default_value`;
  violations.push({ field, description: read.description, reason: "PARAMETER_INVALID" });
  return base;
}

function readJob(
  { name, spec, payloadTemplate, dependsOn }: PipelineJobMessage,
  path: string,
  violations: FieldViolation[],
): PipelineJob {
  if (spec === undefined) throw new Error("validation let a job without a spec through");
  if (spec.jobId !== "") {
    const description = "must be empty in a pipeline, of which many runs are made";
    violations.push({ field: `${path}.spec.job_id`, description, reason: "TEMPLATE_INVALID" });
  }
  return {
    name,
    spec: jobSpecWithin(violations, spec, `${path}.spec`),
    payloadTemplate: readTemplate(payloadTemplate, `${path}.payload_template`, violations),
    dependsOn: dependsOn.map(readDependency),
  };
}

function readTemplate(
  text: string,
  field: string,
  violations: FieldViolation[],
): JsonValue | undefined {
  if (text === "") return undefined;
  const read = readJsonText(text);
  if (read.kind === "json") return read.json;
  violations.push({ field, description: read.description, reason: "TEMPLATE_INVALID" });
  return undefined;
}

/** A version of a pipeline as the contract writes it. */
export const pipelineMessage = (pipeline: StoredPipeline): PipelineMessage => ({
  ...pipelineHeadMessage(pipeline),
  jobs: create(PipelineSchema, {
    jobs: pipeline.jobs.map(({ name, spec, payloadTemplate, dependsOn }) => ({
      name,
      spec: jobSpecMessage("", spec),
      payloadTemplate: payloadTemplate === undefined ? "" : JSON.stringify(payloadTemplate),
      dependsOn: dependsOn.map(dependencyMessage),
    })),
  }).jobs,
});

/** The same without its jobs. */
export const pipelineHeadMessage = (pipeline: PipelineHead): PipelineMessage =>
  create(PipelineSchema, {
    name: pipeline.name,
    description: pipeline.description,
    parameters: pipeline.parameters.map(parameterInit),
    version: pipeline.version,
    etag: etagOf(pipeline.version),
    createTime: timestampFromDate(pipeline.createdAt),
  });

const parameterInit = (
  one: PipelineParameter,
): MessageInitShape<typeof PipelineParameterSchema> => ({
  name: one.name,
  kind: KINDS[one.kind],
  description: one.description,
  ...(one.defaultValue !== undefined && {
    defaultValue: fromJson(ValueSchema, one.defaultValue as Json),
  }),
});
