import type { JobSpec } from "../job-spec.ts";
import type { PlanFault } from "./fault.ts";
import { type Pipeline, type PipelineJob, specTemplates } from "./pipeline.ts";
import {
  type JsonValue,
  type ParameterValues,
  placeholdersIn,
  placeholdersInJson,
  renderTemplate,
  renderText,
} from "./template.ts";

/** A job of a run that is to be made, with nothing left to fill in. */
export interface RenderedJob extends Pick<PipelineJob, "name" | "dependsOn"> {
  readonly spec: JobSpec;
}

/** What {@link renderPipeline} makes. */
export type RenderResult =
  | { readonly kind: "rendered"; readonly jobs: readonly RenderedJob[] }
  | { readonly kind: "faults"; readonly faults: readonly PlanFault[] };

/** What rendered payloads may have, in bytes: templates can make much out of little. */
export interface PayloadLimits {
  readonly perJob: number;
  readonly total: number;
}

/**
 * The jobs of a pipeline for bound values, in its order. Faults are values that make a text too
 * long, or a payload too large, with the path of the job's field. Throws on a pipeline that
 * `pipelineFaults` refuses, and on values that `bindParameters` did not make.
 */
export function renderPipeline(
  pipeline: Pipeline,
  values: ParameterValues,
  limits: PayloadLimits,
): RenderResult {
  const lengths = new Map(Object.entries(values).map(([name, value]) => [name, lengthOf(value)]));
  const faults: PlanFault[] = [];
  const jobs: RenderedJob[] = [];
  let total = 0;
  for (const [at, job] of pipeline.jobs.entries()) {
    const path = `jobs[${at}]`;
    const found = textFaults(job.spec, values, lengths);
    const left = Math.min(limits.perJob, limits.total - total);
    const payload = renderPayload(job, values, lengths, left);
    if (payload === undefined) {
      const most = left < limits.perJob ? `all together ${limits.total}` : `${limits.perJob}`;
      found.push({ path: "payload_template", description: `makes a payload above ${most} bytes` });
    }
    faults.push(...found.map((fault) => ({ ...fault, path: `${path}.${fault.path}` })));
    if (found.length > 0 || payload === undefined) continue;
    total += payload.length;
    jobs.push({ name: job.name, dependsOn: job.dependsOn, spec: specOf(job, payload, values) });
  }
  return faults.length > 0 ? { kind: "faults", faults } : { kind: "rendered", jobs };
}

function specOf(job: PipelineJob, payload: Uint8Array, values: ParameterValues): JobSpec {
  const { spec } = job;
  const isTemplate = job.payloadTemplate !== undefined;
  const labels = Object.entries(spec.labels);
  return {
    ...spec,
    project: renderText(spec.project, values),
    source: renderText(spec.source, values),
    labels: Object.fromEntries(labels.map(([key, text]) => [key, renderText(text, values)])),
    correlationId:
      spec.correlationId === undefined ? undefined : renderText(spec.correlationId, values),
    concurrencyKey: renderText(spec.concurrencyKey, values),
    payload,
    payloadMediaType:
      isTemplate && spec.payloadMediaType === "" ? "application/json" : spec.payloadMediaType,
  };
}

type Lengths = ReadonlyMap<string, number>;

/** Templates were checked when they came in; what values make of them was not. */
function textFaults(spec: JobSpec, values: ParameterValues, lengths: Lengths): PlanFault[] {
  return specTemplates(spec).flatMap(({ path: at, text, maxBytes }) => {
    const path = `spec.${at}`;
    const tooLong = [{ path, description: `becomes longer than ${maxBytes} bytes` }];
    if (madeOf(placeholdersIn(text), lengths) > maxBytes) return tooLong;
    const rendered = renderText(text, values);
    if (Buffer.byteLength(rendered) > maxBytes) return tooLong;
    // A text of Postgres cannot hold it.
    return rendered.includes("\0") ? [{ path, description: "must not contain NUL" }] : [];
  });
}

/** Undefined: it would be larger than `most` bytes. */
function renderPayload(
  { spec, payloadTemplate }: PipelineJob,
  values: ParameterValues,
  lengths: Lengths,
  most: number,
): Uint8Array | undefined {
  if (payloadTemplate === undefined) return spec.payload.length > most ? undefined : spec.payload;
  if (madeOf(placeholdersInJson(payloadTemplate), lengths) > most) return undefined;
  const rendered = renderTemplate(payloadTemplate, values);
  const payload = new TextEncoder().encode(JSON.stringify(rendered));
  return payload.length > most ? undefined : payload;
}

/** The characters that placeholders put in, at least; so much can be refused before it is made. */
function madeOf(placeholders: readonly { name: string | undefined }[], lengths: Lengths): number {
  return placeholders.reduce((sum, { name }) => sum + (lengths.get(name ?? "") ?? 0), 0);
}

const lengthOf = (value: JsonValue) =>
  typeof value === "string" ? value.length : JSON.stringify(value).length;
