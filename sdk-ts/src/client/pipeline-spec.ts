import { create, fromJson, type JsonValue, toJson } from "@bufbuild/protobuf";
import { ValueSchema } from "@bufbuild/protobuf/wkt";
import { toDate } from "../contract/time.ts";
import {
  type PipelineJob as JobMessage,
  type PipelineParameter as ParameterMessage,
  type Pipeline as PipelineMessage,
  PipelineSchema,
} from "../gen/stellaops/orchestrator/v1/pipeline_pb.ts";
import type { JsonPayload } from "../payload.ts";
import { type JobTemplate, toJobRequest, toTemplateSpec } from "./job-spec.ts";
import { type ParameterKind, parameterKinds } from "./names.ts";
import { type DependsOn, fromDependency, toDependency } from "./run-spec.ts";

/** What a pipeline has to be told. */
export interface PipelineParameter {
  /** As templates say it: "${name}". */
  readonly name: string;
  /** What values it takes; "string" unless told. */
  readonly kind?: ParameterKind;
  /** For people. */
  readonly description?: string;
  /** Its value where none is given; without one it must be given. */
  readonly defaultValue?: JsonPayload;
}

/**
 * A job of a pipeline. "${name}" in `project`, `source`, `labels`, `correlationId` and
 * `concurrencyKey` stands for a parameter's text.
 */
export interface PipelineJob extends JobTemplate {
  /** Its name, unique in the pipeline. */
  readonly name: string;
  /**
   * The payload as a JSON value, instead of `payload`: a string that is "${name}" as a whole stands
   * for the parameter's value, "${name}" within a string for its text, "$${" for "${".
   */
  readonly payloadTemplate?: JsonPayload;
  /** What must end before it starts. */
  readonly dependsOn?: readonly DependsOn[];
}

/** A named run with parameters. */
export interface Pipeline {
  /** Unique in the tenant. */
  readonly name: string;
  /** For people. */
  readonly description?: string;
  readonly parameters?: readonly PipelineParameter[];
  /** Up to 1,000. */
  readonly jobs: readonly PipelineJob[];
  /** The one of the version that you saw: stores only on top of it. Stores anyway unless told. */
  readonly etag?: string;
}

/** A pipeline as the ledger has it; `put` takes it back. */
export interface StoredPipeline extends Pipeline {
  readonly description: string;
  readonly parameters: readonly PipelineParameter[];
  readonly etag: string;
  /** Grows by one with each change. */
  readonly version: number;
  /** When this version was stored. */
  readonly createTime: Date | undefined;
}

/** A version of a pipeline without its jobs, as lists have it. */
export type PipelineHead = Omit<StoredPipeline, "jobs">;

/** A plain value as JSON text says it. Throws a TypeError for what JSON cannot carry. */
function jsonText(value: unknown): string {
  const text = JSON.stringify(value);
  if (text === undefined) throw new TypeError(`JSON cannot carry a ${typeof value}`);
  return text;
}

/** A plain value as JSON has it: what has a `toJSON` is what that says. */
export const jsonOf = (value: unknown): JsonValue => JSON.parse(jsonText(value)) as JsonValue;

const fromParameter = ({ name, kind, description = "", defaultValue }: PipelineParameter) => ({
  name,
  description,
  ...(kind && { kind: parameterKinds.valueOf(kind) }),
  ...(defaultValue !== undefined && { defaultValue: fromJson(ValueSchema, jsonOf(defaultValue)) }),
});

const fromJob = ({ name, payloadTemplate, dependsOn = [], ...template }: PipelineJob) => ({
  name,
  spec: toTemplateSpec(template),
  payloadTemplate: payloadTemplate === undefined ? "" : jsonText(payloadTemplate),
  dependsOn: dependsOn.map(fromDependency),
});

/** A pipeline as the contract carries it. */
export const fromPipeline = (pipeline: Pipeline): PipelineMessage =>
  create(PipelineSchema, {
    name: pipeline.name,
    description: pipeline.description ?? "",
    parameters: (pipeline.parameters ?? []).map(fromParameter),
    jobs: pipeline.jobs.map(fromJob),
    etag: pipeline.etag ?? "",
  });

function toParameter({ name, kind, description, defaultValue }: ParameterMessage) {
  const value = defaultValue && (toJson(ValueSchema, defaultValue) as JsonPayload);
  const base = { name, kind: parameterKinds.nameOf(kind) ?? "string", description };
  return value === undefined ? base : { ...base, defaultValue: value };
}

function toPipelineJob({ name, spec, payloadTemplate, dependsOn }: JobMessage): PipelineJob {
  return {
    ...(spec ? toJobRequest(spec) : { jobType: "" }),
    name,
    ...(payloadTemplate !== "" && { payloadTemplate: JSON.parse(payloadTemplate) as JsonPayload }),
    ...(dependsOn.length > 0 && { dependsOn: dependsOn.map(toDependency) }),
  };
}

/** A pipeline of the contract as a plain object, without its jobs. */
export const toPipelineHead = (pipeline: PipelineMessage): PipelineHead => ({
  name: pipeline.name,
  description: pipeline.description,
  parameters: pipeline.parameters.map(toParameter),
  etag: pipeline.etag,
  version: pipeline.version,
  createTime: toDate(pipeline.createTime),
});

/** A pipeline of the contract as a plain object. */
export const toPipeline = (pipeline: PipelineMessage): StoredPipeline => ({
  ...toPipelineHead(pipeline),
  jobs: pipeline.jobs.map(toPipelineJob),
});
