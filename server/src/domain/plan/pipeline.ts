import type { GraphJob } from "../graph.ts";
import type { JobSpec } from "../job-spec.ts";
import type { PlanFault } from "./fault.ts";
import {
  isTooDeep,
  type JsonValue,
  MAX_DEPTH,
  PARAMETER_NAME,
  type ParameterValues,
  type Placeholder,
  placeholdersIn,
  placeholdersInJson,
} from "./template.ts";

/**
 * What a parameter's value is: text, a whole number that a double holds exactly (±(2^53 - 1)), a
 * truth value, or any JSON. Nothing is converted: "5" is no int.
 */
export type ParameterKind = "string" | "int" | "bool" | "json";

/** Something that whoever starts a pipeline says. */
export interface PipelineParameter {
  /** See {@link PARAMETER_NAME}; unique in its pipeline. */
  readonly name: string;
  readonly kind: ParameterKind;
  readonly description: string;
  /** Undefined: it has to be given. A literal: placeholders in it mean nothing. */
  readonly defaultValue?: JsonValue | undefined;
}

/** A job of a pipeline. */
export interface PipelineJob {
  /** Unique in its pipeline, and in every run that is made from it. */
  readonly name: string;
  /**
   * Its project, source, values of labels, correlation id and concurrency key are templates. What
   * can only be said of one job (idempotency key, not before, window) is not set.
   */
  readonly spec: JobSpec;
  /** Instead of `spec.payload`, which is empty then; undefined: there is none. */
  readonly payloadTemplate: JsonValue | undefined;
  /** As in a run; what is wrong with the graph is found by `findGraphFaults`. */
  readonly dependsOn: GraphJob["dependsOn"];
}

/** A graph of jobs with parameters; a stored version never changes. */
export interface Pipeline {
  readonly name: string;
  readonly description: string;
  readonly parameters: readonly PipelineParameter[];
  readonly jobs: readonly PipelineJob[];
}

/** What {@link bindParameters} makes of what was given. */
export type BindResult =
  | { readonly kind: "bound"; readonly values: ParameterValues }
  | { readonly kind: "faults"; readonly faults: readonly PlanFault[] };

/** A template that is a text. */
export interface SpecTemplate {
  /** Where it stands after `jobs[3].spec.`. */
  readonly path: string;
  readonly text: string;
  /** How long the contract's JobSpec allows it to be once rendered, in bytes of UTF-8. */
  readonly maxBytes: number;
}

/** The texts of a job that are templates. */
export function specTemplates(spec: JobSpec): SpecTemplate[] {
  return [
    { path: "project", text: spec.project, maxBytes: 128 },
    { path: "source", text: spec.source, maxBytes: 255 },
    ...Object.entries(spec.labels).map(([key, text]) => {
      return { path: `labels[${JSON.stringify(key)}]`, text, maxBytes: 255 };
    }),
    { path: "correlation_id", text: spec.correlationId ?? "", maxBytes: 128 },
    { path: "concurrency_key", text: spec.concurrencyKey, maxBytes: 255 },
  ];
}

/** A list of pipelines shows all defaults, of a thousand pipelines at most. */
const MAX_DEFAULTS_BYTES = 16_384;

/**
 * Everything that is wrong with a pipeline but for its graph. A parameter that no template names is
 * no fault: callers may pass it before a later version reads it.
 */
export function pipelineFaults(pipeline: Pipeline): PlanFault[] {
  const known = new Set(pipeline.parameters.map(({ name }) => name));
  return [
    ...parameterFaults(pipeline.parameters),
    ...pipeline.jobs.flatMap((job, at) => jobFaults(job, `jobs[${at}]`, known)),
  ];
}

/**
 * The value of every parameter: what was given, the default elsewhere. All that is missing, unknown
 * or of the wrong kind is a fault, at `parameters["name"]`.
 */
export function bindParameters(pipeline: Pipeline, given: ParameterValues): BindResult {
  const faults: PlanFault[] = [];
  const values = new Map<string, JsonValue>();
  const fault = (name: string, description: string) =>
    faults.push({ path: `parameters[${JSON.stringify(name)}]`, description });
  for (const { name, kind, defaultValue } of pipeline.parameters) {
    const own = Object.hasOwn(given, name) ? given[name] : undefined;
    // Not "??": null is a value of JSON.
    const value = own === undefined ? defaultValue : own;
    if (value === undefined) {
      fault(name, "is required");
      continue;
    }
    const description = valueFault(kind, value);
    if (description === undefined) values.set(name, value);
    else fault(name, description);
  }
  const known = new Set(pipeline.parameters.map(({ name }) => name));
  for (const name of Object.keys(given)) {
    if (!known.has(name)) fault(name, "there is no such parameter");
  }
  return faults.length > 0
    ? { kind: "faults", faults }
    : { kind: "bound", values: Object.fromEntries(values) };
}

function parameterFaults(parameters: readonly PipelineParameter[]): PlanFault[] {
  const faults: PlanFault[] = [];
  const seen = new Set<string>();
  parameters.forEach(({ name, kind, defaultValue }, at) => {
    const path = `parameters[${at}].name`;
    if (!PARAMETER_NAME.test(name)) {
      faults.push({ path, description: `must match ${PARAMETER_NAME.source}` });
    } else if (seen.has(name)) {
      faults.push({ path, description: `there is another parameter ${name}` });
    }
    seen.add(name);
    const description = defaultValue === undefined ? undefined : valueFault(kind, defaultValue);
    if (description !== undefined) {
      faults.push({ path: `parameters[${at}].default_value`, description });
    }
  });
  const defaults = parameters.map(({ defaultValue }) => defaultValue ?? null);
  if (faults.length === 0 && Buffer.byteLength(JSON.stringify(defaults)) > MAX_DEFAULTS_BYTES) {
    const description = `the default values may have ${MAX_DEFAULTS_BYTES} bytes together, as JSON`;
    faults.push({ path: "parameters", description });
  }
  return faults;
}

function jobFaults(job: PipelineJob, path: string, known: ReadonlySet<string>): PlanFault[] {
  const { spec, payloadTemplate } = job;
  const faults: PlanFault[] = [];
  const refuse = (at: string, description: string | undefined) => {
    if (description !== undefined) faults.push({ path: `${path}.${at}`, description });
  };
  if (spec.idempotencyKey !== undefined) refuse("spec.idempotency_key", NOT_IN_PIPELINE);
  if (spec.notBefore !== undefined) refuse("spec.not_before", NOT_IN_PIPELINE);
  if (spec.window !== undefined) refuse("spec.window", NOT_IN_PIPELINE);
  for (const { path: at, text } of specTemplates(spec)) {
    for (const placeholder of placeholdersIn(text)) {
      refuse(`spec.${at}`, placeholderFault(placeholder, known));
    }
  }
  if (payloadTemplate === undefined) return faults;
  if (spec.payload.length > 0) refuse("spec.payload", "must be empty beside a payload_template");
  if (isTooDeep(payloadTemplate)) {
    refuse("payload_template", TOO_DEEP);
    return faults;
  }
  for (const placeholder of placeholdersInJson(payloadTemplate)) {
    refuse(`payload_template${placeholder.path}`, placeholderFault(placeholder, known));
  }
  return faults;
}

const NOT_IN_PIPELINE = "must be empty in a pipeline, of which many runs are made";
const TOO_DEEP = `must not be nested deeper than ${MAX_DEPTH}`;

function placeholderFault({ name, text }: Placeholder, known: ReadonlySet<string>) {
  if (name === undefined) {
    return `${text} is no placeholder: one is "\${name}", and "$\${" stands for "\${"`;
  }
  return known.has(name) ? undefined : `there is no parameter ${name}`;
}

function valueFault(kind: ParameterKind, value: JsonValue): string | undefined {
  switch (kind) {
    case "string":
      return typeof value === "string" ? undefined : "must be a string";
    case "int":
      return Number.isSafeInteger(value) ? undefined : "must be a whole number within ±(2^53 - 1)";
    case "bool":
      return typeof value === "boolean" ? undefined : "must be true or false";
    case "json":
      return isTooDeep(value) ? TOO_DEEP : undefined;
  }
}
