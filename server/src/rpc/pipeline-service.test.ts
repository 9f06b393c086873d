// biome-ignore-all lint/suspicious/noTemplateCurlyInString: templates of pipelines
import type { JsonObject, MessageInitShape } from "@bufbuild/protobuf";
import { type Client, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import type pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/support/database.ts";
import { type ServerHere, startServerHere } from "../../../test/support/server.ts";
import {
  ParameterKind,
  type PipelineSchema,
  PipelineService,
} from "../gen/stellaops/orchestrator/v1/pipeline_pb.ts";
import { EdgeCondition, OnFailure, RunState } from "../gen/stellaops/orchestrator/v1/run_pb.ts";
import { newId } from "../lib/ids.ts";
import { type Clients, clientsOf, failureOf } from "./testing/clients.ts";

type Pipeline = MessageInitShape<typeof PipelineSchema>;

let database: TestDatabase;
let owner: pg.Pool;
let server: ServerHere;
let clients: Clients;
let pipelines: Client<typeof PipelineService>;

beforeAll(async () => {
  database = await createTestDatabase();
  owner = database.owner();
  server = await startServerHere(database.url);
  clients = clientsOf(server.url);
  pipelines = createClient(PipelineService, createGrpcTransport({ baseUrl: server.url }));
});
afterAll(async () => {
  clients.close();
  await server.stop();
  await database.drop();
});

const as = (tenant: string) => ({ headers: { "orch-tenant": tenant, "orch-actor": "ada" } });

const spec = { jobType: "test.echo" };

const nightly = (over: Pipeline = {}): Pipeline => ({
  name: "nightly",
  description: "Every feed, then a merge.",
  parameters: [
    { name: "feed", kind: ParameterKind.STRING, description: "Which." },
    { name: "limit", kind: ParameterKind.INT, defaultValue: number(10) },
    { name: "extra", kind: ParameterKind.JSON, defaultValue: { kind: nothing } },
  ],
  jobs: [
    {
      name: "fetch",
      spec: { ...spec, source: "${feed}", labels: { feed: "${feed}/${limit}" } },
      payloadTemplate: '{"z": "${limit}", "a": "up to ${limit}", "lit": "$${x}", "e": "${extra}"}',
    },
    {
      name: "merge",
      spec: { ...spec, payload: new Uint8Array([1, 2]), payloadMediaType: "application/x" },
      dependsOn: [{ name: "fetch", onFailure: OnFailure.CONTINUE, includeFanOut: true }],
    },
    {
      name: "alarm",
      spec,
      dependsOn: [{ name: "merge", condition: EdgeCondition.FAILURE }],
    },
  ],
  ...over,
});

const nothing = { case: "nullValue", value: 0 } as const;
const number = (value: number) => ({ kind: { case: "numberValue", value } }) as const;

const put = async (tenant: string, pipeline: Pipeline) => {
  const answer = await pipelines.putPipeline(
    { pipeline, reason: "asked", ticket: "T-1" },
    as(tenant),
  );
  if (answer.pipeline === undefined) throw new Error("no pipeline in the answer");
  return answer.pipeline;
};

describe("PutPipeline", () => {
  it("stores versions, and none for what is there already", async () => {
    const first = await put("versions", nightly());
    expect(first).toMatchObject({
      name: "nightly",
      version: 1,
      description: nightly().description,
    });
    expect(first.createTime).toBeDefined();
    expect(await put("versions", nightly())).toEqual(first);
    // What Get answered is the same content, too.
    const { pipeline } = await pipelines.getPipeline({ name: "nightly" }, as("versions"));
    expect(pipeline).toEqual(first);
    expect(await put("versions", { ...first })).toEqual(first);
    const second = await put("versions", nightly({ description: "Other.", etag: first.etag }));
    expect(second).toMatchObject({ version: 2 });
    expect(second.etag).not.toBe(first.etag);
    // The same call again, its answer having been lost.
    expect(await put("versions", nightly({ description: "Other.", etag: first.etag }))).toEqual(
      second,
    );
    const old = await pipelines.getPipeline({ name: "nightly", version: 1 }, as("versions"));
    expect(old.pipeline).toEqual(first);
    const { rows } = await owner.query(
      `select kind, target_kind, target_name, actor, reason, ticket, detail
       from operator_action where tenant = 'versions' order by id`,
    );
    const said = { kind: "pipeline_stored", target_kind: "pipeline", target_name: "nightly" };
    expect(rows).toEqual(
      [1, 2].map((version) => ({
        ...said,
        actor: "ada",
        reason: "asked",
        ticket: "T-1",
        detail: { version },
      })),
    );
  });

  it("refuses to store on top of what somebody else has changed", async () => {
    const first = await put("etags", nightly());
    await put("etags", nightly({ description: "Theirs." }));
    const mine = nightly({ description: "Mine.", etag: first.etag });
    expect(await failureOf(put("etags", mine))).toMatchObject({
      code: "Aborted",
      reason: "ETAG_MISMATCH",
    });
    expect(await failureOf(put("etags", nightly({ name: "new", etag: "1" })))).toMatchObject({
      reason: "ETAG_MISMATCH",
    });
  });

  it("gives each of those who store at once a version of its own", async () => {
    const others = Array.from({ length: 8 }, (_, at) => nightly({ description: `No. ${at}` }));
    const stored = await Promise.all(others.map((one) => put("races", one)));
    expect(stored.map(({ version }) => version).toSorted()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    // Of those who saw the same version one wins.
    const etag = stored.find(({ version }) => version === 8)?.etag ?? "";
    const rivals = Array.from({ length: 8 }, (_, at) => nightly({ description: `R ${at}`, etag }));
    const outcomes = await Promise.all(rivals.map((one) => failureOf(put("races", one))));
    expect(outcomes.filter((failure) => failure === undefined)).toHaveLength(1);
    const { rows } = await owner.query(
      "select count(*)::int from operator_action where tenant = 'races'",
    );
    expect(rows[0].count).toBe(9);
  });

  it("tells all faults at once, each with its path, and stores nothing", async () => {
    const bad = nightly({
      parameters: [
        { name: "n", kind: ParameterKind.INT, defaultValue: number(1.5) },
        { name: "n", kind: ParameterKind.STRING },
        { name: "v", kind: ParameterKind.JSON, defaultValue: {} },
        { name: "inf", kind: ParameterKind.JSON, defaultValue: number(Number.POSITIVE_INFINITY) },
      ],
      jobs: [
        { name: "a", spec: { ...spec, jobId: newId(), labels: { l: "${nobody}" } } },
        { name: "b", spec, payloadTemplate: "{", dependsOn: [{ name: "c" }] },
        { name: "c", spec, payloadTemplate: '{"x": 1e999}', dependsOn: [{ name: "b" }] },
        { name: "d", spec: { ...spec, idempotencyKey: "k" }, dependsOn: [{ name: "lost" }] },
        { name: "e", spec: { ...spec, payload: new Uint8Array(300_000) } },
      ],
    });
    expect(await failureOf(put("faults", bad))).toMatchObject({
      code: "InvalidArgument",
      reason: "PARAMETER_INVALID",
      violations: [
        "pipeline.parameters[2].default_value",
        "pipeline.parameters[3].default_value",
        "pipeline.jobs[0].spec.job_id",
        "pipeline.jobs[1].payload_template",
        "pipeline.jobs[2].payload_template",
        "pipeline.parameters[0].default_value",
        "pipeline.parameters[1].name",
        'pipeline.jobs[0].spec.labels["l"]',
        "pipeline.jobs[3].spec.idempotency_key",
        "pipeline.jobs[4].spec.payload",
        "pipeline.jobs[3].depends_on[0].name",
        "pipeline.jobs[1].depends_on",
      ].map((path) => expect.stringContaining(path)),
    });
    const empty = failureOf(put("faults", nightly({ jobs: [] })));
    expect(await empty).toMatchObject({ violations: ["pipeline.jobs"] });
    const { rows } = await owner.query("select 1 from pipeline where tenant = 'faults'");
    expect(rows).toEqual([]);
  });
});

describe("ListPipelines", () => {
  it("pages through the newest versions by name, and through the versions of one", async () => {
    for (const name of ["c", "a", "b", "a", "b", "b"]) {
      await put("lists", nightly({ name, description: newId() }));
    }
    const list = async (name: string) => {
      const found: string[] = [];
      let pageToken = "";
      do {
        const request = { name, pageSize: 2, pageToken };
        const page = await pipelines.listPipelines(request, as("lists"));
        expect(page.pipelines.length).toBeLessThanOrEqual(2);
        for (const one of page.pipelines) {
          expect(one.jobs).toEqual([]);
          expect(one.parameters).toHaveLength(3);
          found.push(`${one.name}${one.version}`);
        }
        pageToken = page.nextPageToken;
      } while (pageToken !== "");
      return found;
    };
    expect(await list("")).toEqual(["a2", "b3", "c1"]);
    expect(await list("b")).toEqual(["b3", "b2", "b1"]);
    expect(await list("nobody")).toEqual([]);
    const { nextPageToken: pageToken } = await pipelines.listPipelines(
      { pageSize: 1 },
      as("lists"),
    );
    const elsewhere = pipelines.listPipelines({ name: "b", pageToken }, as("lists"));
    expect(await failureOf(elsewhere)).toMatchObject({ reason: "PAGE_TOKEN_INVALID" });
  });
});

describe("RunPipeline", () => {
  const run = (tenant: string, parameters: JsonObject, over: object = {}) =>
    pipelines.runPipeline({ name: "nightly", parameters, ...over }, as(tenant));

  it("makes a run with its parameters in it", async () => {
    await put("runs", nightly());
    const answer = await run("runs", { feed: "osv.dev", limit: 7 }, { project: "p" });
    expect(answer.run).toMatchObject({
      displayName: "nightly",
      project: "p",
      pipeline: "nightly",
      pipelineVersion: 1,
      state: RunState.UNSPECIFIED,
    });
    expect(answer.jobNames).toEqual(["fetch", "merge", "alarm"]);
    const { job } = await clients.jobs.getJob({ jobId: answer.jobIds[0] ?? "" }, as("runs"));
    expect(job?.spec).toMatchObject({
      source: "osv.dev",
      labels: { feed: "osv.dev/7" },
      payloadMediaType: "application/json",
      project: "p",
    });
    const payload = Buffer.from(job?.spec?.payload ?? []).toString();
    expect(payload).toBe('{"z":7,"a":"up to 7","lit":"${x}","e":null}');
    const { edges } = await clients.runs.getRun({ runId: answer.run?.runId ?? "" }, as("runs"));
    expect(edges).toMatchObject([
      { onFailure: OnFailure.CONTINUE, includeFanOut: true, toJobId: answer.jobIds[1] },
      { condition: EdgeCondition.FAILURE, toJobId: answer.jobIds[2] },
    ]);
  });

  it("is safe to repeat, also when there is a newer version by then", async () => {
    await put("again", nightly());
    const runId = newId();
    const first = await run("again", { feed: "x" }, { runId });
    await put("again", nightly({ description: "Newer.", jobs: [{ name: "other", spec }] }));
    const second = await run("again", { feed: "x" }, { runId });
    expect(second).toMatchObject({ jobIds: first.jobIds, alreadyExisted: true });
    expect((await run("again", { feed: "x" })).run?.pipelineVersion).toBe(2);
    const other = failureOf(run("again", { feed: "y" }, { runId }));
    expect(await other).toMatchObject({ code: "AlreadyExists", reason: "RUN_ID_CONFLICT" });
    const newer = failureOf(run("again", { feed: "x" }, { runId, version: 2 }));
    expect(await newer).toMatchObject({ reason: "RUN_ID_CONFLICT" });
  });

  it("refuses parameters that are missing, unknown or of the wrong kind", async () => {
    await put("bad", nightly());
    expect(await failureOf(run("bad", { limit: "7", other: 1 }))).toEqual({
      code: "InvalidArgument",
      reason: "PARAMETER_INVALID",
      violations: ['parameters["feed"]', 'parameters["limit"]', 'parameters["other"]'],
      retryAfterMs: undefined,
    });
    expect(await failureOf(run("bad", { feed: "x".repeat(300) }))).toMatchObject({
      reason: "PARAMETER_INVALID",
      violations: ["jobs[0].spec.source", 'jobs[0].spec.labels["feed"]'],
    });
    const { rows } = await owner.query("select 1 from run where tenant = 'bad'");
    expect(rows).toEqual([]);
  });

  it("of what is not there is NOT_FOUND, also to another tenant", async () => {
    await put("mine", nightly());
    const missing = { code: "NotFound", reason: "PIPELINE_NOT_FOUND" };
    expect(await failureOf(run("theirs", { feed: "x" }))).toMatchObject(missing);
    expect(await failureOf(run("mine", { feed: "x" }, { version: 2 }))).toMatchObject(missing);
    const get = pipelines.getPipeline({ name: "nightly", version: 9 }, as("mine"));
    expect(await failureOf(get)).toMatchObject(missing);
  });
});
