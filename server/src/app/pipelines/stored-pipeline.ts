import { contentHash } from "../../domain/digest.ts";
import { type JobSpecJson, readJobSpecJson, writeJobSpecJson } from "../../domain/job-spec-json.ts";
import type { Pipeline, PipelineJob, PipelineParameter } from "../../domain/plan/pipeline.ts";
import type { JsonValue } from "../../domain/plan/template.ts";

/** A version of a pipeline as the ledger has it. */
export interface StoredPipeline extends Pipeline {
  /** From 1, without gaps. */
  readonly version: number;
  readonly createdAt: Date;
}

/** The same without its jobs, as lists have it. */
export type PipelineHead = Omit<StoredPipeline, "jobs">;

/** What the ledger's column `head` holds. */
export interface HeadJson {
  readonly description: string;
  readonly parameters: readonly PipelineParameter[];
}

/** What the ledger's column `jobs` holds a list of. */
export interface JobJson {
  readonly name: string;
  readonly spec: JobSpecJson;
  /** JSON in a text, because jsonb would sort its keys. */
  readonly payloadTemplate?: string | undefined;
  readonly dependsOn: PipelineJob["dependsOn"];
}

/** A job of a pipeline as JSON. */
export const jobJson = ({ name, spec, payloadTemplate, dependsOn }: PipelineJob): JobJson => ({
  name,
  spec: writeJobSpecJson(spec),
  ...(payloadTemplate !== undefined && { payloadTemplate: JSON.stringify(payloadTemplate) }),
  dependsOn,
});

/** What {@link jobJson} was made of. */
export const jobOfJson = ({ name, spec, payloadTemplate, dependsOn }: JobJson): PipelineJob => ({
  name,
  spec: readJobSpecJson(spec),
  payloadTemplate:
    payloadTemplate === undefined ? undefined : (JSON.parse(payloadTemplate) as JsonValue),
  dependsOn,
});

/**
 * What "the same content" means for a pipeline: all that its author says. Templates count by their
 * value: white space makes no new version.
 */
export const pipelineDigest = ({ description, parameters, jobs }: Pipeline): Uint8Array =>
  contentHash({
    description,
    parameters,
    jobs: jobs.map((job) => ({
      ...jobJson(job),
      payloadTemplate: job.payloadTemplate === undefined ? null : { is: job.payloadTemplate },
    })),
  });
