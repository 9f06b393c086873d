// biome-ignore-all lint/suspicious/noTemplateCurlyInString: templates of pipelines
import { describe, expect, it } from "vitest";
import type { JobSpec } from "../job-spec.ts";
import { bindParameters, type Pipeline, type PipelineJob, pipelineFaults } from "./pipeline.ts";
import { type RenderResult, renderPipeline } from "./render-pipeline.ts";
import type { JsonValue, ParameterValues } from "./template.ts";

const spec: JobSpec = {
  jobType: "concelier.ingest",
  queue: "default",
  project: "",
  source: "",
  priority: 0,
  concurrencyKey: "",
  payload: new Uint8Array(),
  payloadMediaType: "",
  payloadArtifact: undefined,
  idempotencyKey: undefined,
  labels: {},
  notBefore: undefined,
  retry: undefined,
  attemptDeadlineMs: undefined,
  correlationId: undefined,
  traceparent: undefined,
  tracestate: undefined,
  window: undefined,
};

const job = (over: Partial<JobSpec>, payloadTemplate?: JsonValue): PipelineJob => {
  return { name: "fetch", spec: { ...spec, ...over }, payloadTemplate, dependsOn: [] };
};

const parameters = [
  { name: "source", kind: "string", description: "Which feed." },
  { name: "limit", kind: "int", description: "How many.", defaultValue: 10 },
  { name: "dry_run", kind: "bool", description: "Whether to keep nothing.", defaultValue: false },
  { name: "extra", kind: "json", description: "Anything.", defaultValue: null },
] as const;

const pipelineOf = (...jobs: PipelineJob[]): Pipeline => {
  return { name: "ingest", description: "", parameters, jobs };
};

describe("pipelineFaults", () => {
  it("finds nothing in a good pipeline, with a parameter that nobody reads", () => {
    const texts = { source: "${source}", labels: { feed: "${source}/${limit}" } };
    expect(pipelineFaults(pipelineOf(job(texts, { n: "${limit}", lit: "$${x}" })))).toEqual([]);
  });

  it("finds everything at once, each with its path", () => {
    const pipeline: Pipeline = {
      name: "bad",
      description: "",
      parameters: [
        { name: "Upper", kind: "string", description: "" },
        { name: "n", kind: "int", description: "", defaultValue: "5" },
        { name: "n", kind: "bool", description: "", defaultValue: 1 },
        { name: "s", kind: "string", description: "", defaultValue: null },
        { name: "f", kind: "int", description: "", defaultValue: 2 ** 53 },
      ],
      jobs: [
        job(
          { source: "${nobody}", correlationId: "${", labels: { "a b": "${no_label}" } },
          { files: ["${n}", "${Upper}", "x ${nothing} y"] },
        ),
        job(
          {
            payload: Uint8Array.of(1),
            idempotencyKey: "k",
            notBefore: new Date(0),
            window: { scope: "", start: new Date(0), end: new Date(1) },
          },
          null,
        ),
      ],
    };
    const faults = pipelineFaults(pipeline).map(({ path, description }) => [path, description]);
    const integer = "must be a whole number within ±(2^53 - 1)";
    const single = "must be empty in a pipeline, of which many runs are made";
    const how = 'is no placeholder: one is "${name}", and "$${" stands for "${"';
    expect(faults).toEqual([
      ["parameters[0].name", "must match ^[a-z][a-z0-9_]{0,62}$"],
      ["parameters[1].default_value", integer],
      ["parameters[2].name", "there is another parameter n"],
      ["parameters[2].default_value", "must be true or false"],
      ["parameters[3].default_value", "must be a string"],
      ["parameters[4].default_value", integer],
      ["jobs[0].spec.source", "there is no parameter nobody"],
      ['jobs[0].spec.labels["a b"]', "there is no parameter no_label"],
      ["jobs[0].spec.correlation_id", `\${ ${how}`],
      ["jobs[0].payload_template.files[1]", `\${Upper} ${how}`],
      ["jobs[0].payload_template.files[2]", "there is no parameter nothing"],
      ["jobs[1].spec.idempotency_key", single],
      ["jobs[1].spec.not_before", single],
      ["jobs[1].spec.window", single],
      ["jobs[1].spec.payload", "must be empty beside a payload_template"],
    ]);
  });

  it("refuses defaults that are too much together", () => {
    const halves = (bytes: number) =>
      ["a", "b"].map((name) => {
        return {
          name,
          kind: "string",
          description: "",
          defaultValue: "ü".repeat(bytes / 4),
        } as const;
      });
    // Besides the texts there are brackets, quotes and a comma.
    const faults = (bytes: number) =>
      pipelineFaults({ ...pipelineOf(), parameters: halves(bytes) }).map(({ path }) => path);
    expect(faults(16_384 - 8)).toEqual([]);
    expect(faults(16_384 - 4)).toEqual(["parameters"]);
  });

  it("refuses what is nested too deep", () => {
    let deep: JsonValue = "${nobody}";
    for (let depth = 0; depth < 10_000; depth++) deep = [deep];
    const paths = pipelineFaults(pipelineOf(job({}, deep))).map(({ path }) => path);
    expect(paths).toEqual(["jobs[0].payload_template"]);
    const bound = bindParameters(pipelineOf(), { source: "osv", extra: deep });
    expect(bound).toMatchObject({ kind: "faults", faults: [{ path: 'parameters["extra"]' }] });
  });
});

describe("bindParameters", () => {
  it("takes what is given, and defaults elsewhere", () => {
    expect(bindParameters(pipelineOf(), { source: "osv", dry_run: true })).toEqual({
      kind: "bound",
      values: { source: "osv", limit: 10, dry_run: true, extra: null },
    });
    // A null that is given is a value, not a gap.
    const withDefault: Pipeline = {
      ...pipelineOf(),
      parameters: [{ name: "x", kind: "json", description: "", defaultValue: 1 }],
    };
    expect(bindParameters(withDefault, { x: null })).toEqual({
      kind: "bound",
      values: { x: null },
    });
  });

  it("finds everything at once, and converts nothing", () => {
    const given = { limit: "5", dry_run: 0, toString: "x", "a b": 1 } as unknown as ParameterValues;
    expect(bindParameters(pipelineOf(), given)).toEqual({
      kind: "faults",
      faults: [
        { path: 'parameters["source"]', description: "is required" },
        {
          path: 'parameters["limit"]',
          description: "must be a whole number within ±(2^53 - 1)",
        },
        { path: 'parameters["dry_run"]', description: "must be true or false" },
        { path: 'parameters["toString"]', description: "there is no such parameter" },
        { path: 'parameters["a b"]', description: "there is no such parameter" },
      ],
    });
  });
});

describe("renderPipeline", () => {
  const limits = { perJob: 1_000, total: 1_500 };
  const values = { source: "osv.dev", limit: 5, dry_run: false, extra: ["é"] };
  const jobsOf = (result: RenderResult) => {
    if (result.kind === "faults") throw new Error(JSON.stringify(result.faults));
    return result.jobs.map(({ spec: { payload, ...rest } }) => {
      return { ...rest, payload: new TextDecoder().decode(payload) };
    });
  };

  it("fills in every text that is a template, and nothing else", () => {
    const texts = {
      project: "${source}",
      source: "${source}",
      concurrencyKey: "key-${limit}",
      correlationId: "c-${dry_run}",
      labels: { "${limit}": "${extra}" },
      jobType: "a.${limit}",
      payload: new TextEncoder().encode("${limit}"),
    };
    expect(jobsOf(renderPipeline(pipelineOf(job(texts)), values, limits))).toEqual([
      {
        ...spec,
        project: "osv.dev",
        source: "osv.dev",
        concurrencyKey: "key-5",
        correlationId: "c-false",
        labels: { "${limit}": '["é"]' },
        jobType: "a.${limit}",
        payload: "${limit}",
      },
    ]);
  });

  it("makes the payload of its template, JSON unless it says otherwise", () => {
    const [plain, typed] = jobsOf(
      renderPipeline(
        pipelineOf(
          job({}, { n: "${limit}", all: "${extra}", at: "${source}/x" }),
          job({ payloadMediaType: "application/x+json" }, "${extra}"),
        ),
        values,
        limits,
      ),
    );
    expect(plain).toMatchObject({
      payload: '{"n":5,"all":["é"],"at":"osv.dev/x"}',
      payloadMediaType: "application/json",
      correlationId: undefined,
    });
    expect(typed).toMatchObject({ payload: '["é"]', payloadMediaType: "application/x+json" });
  });

  it("refuses values that make a text too long, or one that cannot be stored", () => {
    const texts = { project: "${source}", source: "${source}", labels: { a: "x${source}" } };
    const paths = (source: string) => {
      const bound = { ...values, source };
      const result = renderPipeline(pipelineOf(job({}), job(texts)), bound, limits);
      return result.kind === "faults" ? result.faults.map(({ path }) => path) : [];
    };
    expect(paths("é".repeat(64))).toEqual([]);
    expect(paths("é".repeat(65))).toEqual(["jobs[1].spec.project"]);
    expect(paths("x".repeat(255))).toEqual(["jobs[1].spec.project", 'jobs[1].spec.labels["a"]']);
    expect(paths("\0")).toHaveLength(3);
  });

  it("refuses payloads that are too large, each and all together", () => {
    const paths = (size: number, count: number) => {
      const jobs = Array.from({ length: count }, () => job({}, "${source}"));
      const bound = { ...values, source: "x".repeat(size) };
      const result = renderPipeline(pipelineOf(...jobs), bound, limits);
      return result.kind === "faults" ? result.faults.map(({ path }) => path) : [];
    };
    expect(paths(998, 1)).toEqual([]);
    expect(paths(999, 1)).toEqual(["jobs[0].payload_template"]);
    expect(paths(748, 2)).toEqual([]);
    expect(paths(749, 2)).toEqual(["jobs[1].payload_template"]);
  });

  it("refuses much made out of little before it is made", () => {
    const bomb = job({ source: "${source}".repeat(28) }, "${source}".repeat(29_000));
    const bound = { ...values, source: "x".repeat(4_000_000) };
    const startedMs = performance.now();
    const result = renderPipeline(pipelineOf(bomb), bound, limits);
    // 116 GB, were it made.
    expect(performance.now() - startedMs).toBeLessThan(1_000);
    expect(result.kind === "faults" && result.faults.map(({ path }) => path)).toEqual([
      "jobs[0].spec.source",
      "jobs[0].payload_template",
    ]);
  });
});
