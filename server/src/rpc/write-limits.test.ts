import { randomBytes, randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import type pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startArtifactServer } from "../../../test/support/artifact-server.ts";
import { createTestDatabase, type TestDatabase } from "../../../test/support/database.ts";
import { type FlowServer, startFlowServer } from "../../../test/support/flow-server.ts";
import { scopeKey } from "../domain/flow/settings.ts";
import { ErrorInfoSchema, RetryInfoSchema } from "../gen/google/rpc/error_details_pb.ts";
import {
  FlowScopeKind,
  type QuotasSchema,
} from "../gen/stellaops/orchestrator/v1/flow_control_pb.ts";
import {
  EnqueueOutcome,
  type EnqueueResult,
  type JobSpecSchema,
} from "../gen/stellaops/orchestrator/v1/job_pb.ts";
import { newId } from "../lib/ids.ts";
import { as, clientOf, headerOf, messages } from "./testing/artifact-client.ts";
import { type Clients, clientsOf, failureOf } from "./testing/clients.ts";

type Spec = MessageInitShape<typeof JobSpecSchema>;

let database: TestDatabase;
let owner: pg.Pool;
let server: FlowServer;
let clients: Clients;

beforeAll(async () => {
  database = await createTestDatabase();
  owner = database.owner();
  server = await startFlowServer(database.pool());
  clients = clientsOf(server.listener.url);
});
afterAll(async () => {
  clients.close();
  await server.stop();
  await database.drop();
});

const job = (over: Spec = {}): Spec => ({ jobType: "test.limited", ...over });
const enqueue = async (tenant: string, ...jobs: Spec[]) =>
  (await clients.jobs.enqueueJobs({ jobs }, as(tenant))).results;

const OUTCOMES: ReadonlyMap<EnqueueOutcome, string> = new Map(
  Object.entries(EnqueueOutcome).map(([name, value]) => [value, name]),
);

/** "CREATED", "DUPLICATE", or the reason, metadata and delay of a refusal. */
function said({ outcome, error }: EnqueueResult): unknown {
  if (error === undefined) return OUTCOMES.get(outcome);
  const details = error.details;
  const [info] = details.flatMap((detail) => anyUnpack(detail, ErrorInfoSchema) ?? []);
  const [retry] = details.flatMap((detail) => anyUnpack(detail, RetryInfoSchema) ?? []);
  expect(outcome).toBe(EnqueueOutcome.REJECTED);
  expect(error.code).toBe(Code.ResourceExhausted);
  const delay = retry?.retryDelay;
  return { reason: info?.reason, ...info?.metadata, retrySeconds: Number(delay?.seconds ?? -1) };
}

/** Sets something and waits until this server goes by it. */
async function set(
  tenant: string,
  over: { maxDepth?: bigint; quotas?: MessageInitShape<typeof QuotasSchema> },
  queue = "default",
): Promise<void> {
  await server.configs.ensure(tenant);
  const kind = over.maxDepth === undefined ? FlowScopeKind.TENANT : FlowScopeKind.QUEUE;
  const name = over.maxDepth === undefined ? "" : queue;
  const known = new Promise<void>((resolve) => {
    const end = server.configs.subscribe((config) => {
      if (config.tenant !== tenant) return;
      end();
      resolve();
    });
  });
  await clients.flow.updateFlowSettings(
    { settings: { scope: { kind, name }, ...over } },
    as(tenant),
  );
  await known;
}

const jobCount = async (tenant: string): Promise<number> => {
  const { rows } = await owner.query("select 1 from job where tenant = $1", [tenant]);
  return rows.length;
};

describe("a queue's depth", () => {
  const full = { reason: "QUEUE_FULL", queue: "default", maxDepth: "2", retrySeconds: 1 };

  it("refuses each job that is too many, by itself", async () => {
    await set("depth", { maxDepth: 2n });
    const results = await enqueue("depth", job(), job(), job(), job({ queue: "other" }), job());
    expect(results.map(said)).toEqual(["CREATED", "CREATED", full, "CREATED", full]);
    expect((await enqueue("depth", job())).map(said)).toEqual([full]);
    expect(await jobCount("depth")).toBe(3);
    expect((await enqueue("depth-other", job(), job(), job())).map(said)).not.toContain(full);
  });

  it("lets jobs wait that are not ready", async () => {
    await set("later", { maxDepth: 0n });
    const notBefore = { seconds: BigInt(Math.round(Date.now() / 1_000)) + 3_600n, nanos: 0 };
    const past = { seconds: 1_000_000_000n, nanos: 0 };
    const results = await enqueue("later", job({ notBefore }), job({ notBefore: past }));
    expect(results.map(said)).toEqual(["CREATED", { ...full, maxDepth: "0" }]);
  });

  it("answers a repeated call as if the queue were not full", async () => {
    await set("repeat", { maxDepth: 2n });
    const jobs = [job({ idempotencyKey: "k" }), job({ jobId: newId() })];
    expect((await enqueue("repeat", ...jobs)).map(said)).toEqual(["CREATED", "CREATED"]);
    const again = await enqueue("repeat", ...jobs, job({ idempotencyKey: "new" }));
    expect(again.map(said)).toEqual(["DUPLICATE", "DUPLICATE", full]);
    const other = { ...jobs[0], source: "else" };
    const [conflict] = await enqueue("repeat", other);
    expect(conflict?.error?.code).toBe(Code.AlreadyExists);
  });

  it("holds over many callers at once", async () => {
    await set("many", { maxDepth: 10n });
    const calls = Array.from({ length: 40 }, () => enqueue("many", job(), job()));
    const outcomes = (await Promise.all(calls)).flat().map(said);
    expect(outcomes.filter((one) => one === "CREATED")).toHaveLength(10);
    expect(await jobCount("many")).toBe(10);
  });

  it("does not count duplicates and bad jobs", async () => {
    await set("bad", { maxDepth: 2n });
    const key = job({ idempotencyKey: "k" });
    const missing = job({ payloadArtifact: `sha256:${"0".repeat(64)}` });
    const first = await enqueue("bad", key, key);
    expect(first.map(said)).toEqual(["CREATED", "DUPLICATE"]);
    const [rejected] = await enqueue("bad", missing);
    expect(rejected?.error?.code).toBe(Code.FailedPrecondition);
    expect((await enqueue("bad", job())).map(said)).toEqual(["CREATED"]);
  });

  it("has places again when jobs have left", async () => {
    await set("drain", { maxDepth: 1n });
    await enqueue("drain", job());
    await owner.query("delete from ready where tenant = 'drain'");
    await expect
      .poll(async () => (await enqueue("drain", job())).map(said), { timeout: 10_000 })
      .toEqual(["CREATED"]);
  });

  it("refuses a run as a whole, for the jobs that are ready at once", async () => {
    await set("run", { maxDepth: 2n });
    const named = (name: string, ...dependsOn: string[]) => ({
      name,
      spec: job(),
      dependsOn: dependsOn.map((one) => ({ name: one })),
    });
    const wide = [named("a"), named("b"), named("c")];
    expect(await failureOf(clients.runs.createRun({ jobs: wide }, as("run")))).toMatchObject({
      code: Code[Code.ResourceExhausted],
      reason: "QUEUE_FULL",
      retryAfterMs: 1_000,
    });
    expect(await jobCount("run")).toBe(0);
    const runId = newId();
    const chain = { runId, jobs: [named("a"), named("b"), named("c", "a", "b"), named("d", "c")] };
    expect((await clients.runs.createRun(chain, as("run"))).jobIds).toHaveLength(4);
    // Full now; the repeated call is answered all the same.
    const again = await clients.runs.createRun(chain, as("run"));
    expect(again.alreadyExisted).toBe(true);
    const one = clients.runs.createRun({ jobs: [named("x")] }, as("run"));
    expect(await failureOf(one)).toMatchObject({ reason: "QUEUE_FULL" });
  });
});

describe("a day's payload bytes", () => {
  const payload = (bytes: number) => new Uint8Array(bytes);
  const used = async (tenant: string) => {
    const { rows } = await owner.query(
      `select used::int from flow_usage where tenant = $1 and quota = 'payloadBytesPerDay'`,
      [tenant],
    );
    return rows.map((row) => row.used);
  };

  it("refuse what does not fit, and are counted exactly", async () => {
    await set("bytes", { quotas: { payloadBytesPerDay: 100n } });
    const sizes = [60, 50, 40, 1, 0];
    const results = await enqueue("bytes", ...sizes.map((n) => job({ payload: payload(n) })));
    const exceeded = { reason: "QUOTA_EXCEEDED", quota: "payload_bytes_per_day", limit: "100" };
    expect(results.map(said)).toMatchObject([
      "CREATED",
      { ...exceeded, used: "60" },
      "CREATED",
      { ...exceeded, used: "100" },
      "CREATED",
    ]);
    const { retrySeconds } = said(results[1] as EnqueueResult) as { retrySeconds: number };
    expect(retrySeconds).toBeGreaterThanOrEqual(0);
    expect(retrySeconds).toBeLessThanOrEqual(86_400);
    expect(await used("bytes")).toEqual([100]);
  });

  it("do not count what was there already or is refused otherwise", async () => {
    await set("once", { quotas: { payloadBytesPerDay: 100n } });
    const keyed = job({ idempotencyKey: "k", payload: payload(60) });
    const byId = job({ jobId: newId(), payload: payload(30) });
    expect((await enqueue("once", keyed, keyed, byId)).map(said)).toEqual([
      "CREATED",
      "DUPLICATE",
      "CREATED",
    ]);
    expect((await enqueue("once", keyed, byId)).map(said)).toEqual(["DUPLICATE", "DUPLICATE"]);
    const payloadArtifact = `sha256:${"0".repeat(64)}`;
    const [missing] = await enqueue("once", job({ payloadArtifact }));
    expect(missing?.error?.code).toBe(Code.FailedPrecondition);
    expect(await used("once")).toEqual([90]);
    const [conflict] = await enqueue("once", { ...keyed, payload: payload(5) });
    expect(conflict?.error?.code).toBe(Code.AlreadyExists);
    expect(await used("once")).toEqual([90]);
  });

  it("hold over many callers at once", async () => {
    await set("rush", { quotas: { payloadBytesPerDay: 1_000n } });
    const calls = Array.from({ length: 30 }, () =>
      enqueue("rush", job({ payload: payload(70) }), job({ payload: payload(30) })),
    );
    const outcomes = (await Promise.all(calls)).flat().map(said);
    const { rows } = await owner.query(
      "select sum(length(payload))::int as sum from job where tenant = 'rush'",
    );
    expect(await used("rush")).toEqual([rows[0].sum]);
    expect(rows[0].sum).toBeGreaterThan(970);
    expect(rows[0].sum).toBeLessThanOrEqual(1_000);
    expect(outcomes.filter((one) => one !== "CREATED").length).toBeGreaterThan(0);
  });

  it("refuse a run as a whole", async () => {
    await set("run-bytes", { quotas: { payloadBytesPerDay: 100n } });
    const jobs = ["a", "b"].map((name) => ({ name, spec: job({ payload: payload(51) }) }));
    expect(await failureOf(clients.runs.createRun({ jobs }, as("run-bytes")))).toMatchObject({
      code: Code[Code.ResourceExhausted],
      reason: "QUOTA_EXCEEDED",
    });
    expect(await jobCount("run-bytes")).toBe(0);
    expect(await used("run-bytes")).toEqual([]);
    const runId = newId();
    const small = { runId, jobs: [{ name: "a", spec: job({ payload: payload(100) }) }] };
    await clients.runs.createRun(small, as("run-bytes"));
    const again = await clients.runs.createRun(small, as("run-bytes"));
    expect(again.alreadyExisted).toBe(true);
    expect(await used("run-bytes")).toEqual([100]);
  });

  it("are not counted for tenants without the quota", async () => {
    await enqueue("free", job({ payload: payload(1_000) }));
    expect(await used("free")).toEqual([]);
  });
});

describe("the bytes of artifacts", () => {
  it("refuse an upload at its first message", async () => {
    await set("artifacts", { quotas: { artifactBytes: 100n } });
    const folder = await mkdtemp(join(tmpdir(), "orch-room-"));
    const { room } = server.limits;
    const artifacts = await startArtifactServer(database.pool(), folder, room.reserve.bind(room));
    try {
      const client = clientOf(artifacts.listener.url);
      const upload = (bytes: Uint8Array) => client.uploadArtifact(messages(bytes), as("artifacts"));
      const kept = randomBytes(80);
      await upload(kept);
      const header = headerOf(randomBytes(21));
      let more = () => {};
      const ended = new Promise<void>((resolve) => {
        more = resolve;
      });
      async function* onlyHeader() {
        yield header;
        await ended;
      }
      const refused = client.uploadArtifact(onlyHeader(), as("artifacts"));
      expect(await failureOf(refused)).toMatchObject({
        code: Code[Code.ResourceExhausted],
        reason: "QUOTA_EXCEEDED",
        retryAfterMs: 60_000,
      });
      more();
      await upload(kept);
      await upload(randomBytes(20));
      expect(await failureOf(upload(randomBytes(1)))).toMatchObject({ reason: "QUOTA_EXCEEDED" });
    } finally {
      await artifacts.listener.close(0);
      await rm(folder, { recursive: true, force: true });
    }
  });

  it("count what is on its way", async () => {
    await set("under-way", { quotas: { artifactBytes: 100n } });
    const { room } = server.limits;
    const first = await room.reserve("under-way", 60);
    expect(await room.reserve("under-way", 41)).toMatchObject({ kind: "quota_exceeded", used: 60 });
    const both = await Promise.all([room.reserve("under-way", 30), room.reserve("under-way", 30)]);
    expect(both.map(({ kind }) => kind).sort()).toEqual(["quota_exceeded", "reserved"]);
    if (first.kind === "reserved") first.release();
    expect(await room.reserve("under-way", 70)).toMatchObject({ kind: "reserved" });
  });
});

it("asks the ledger nothing for a tenant without settings once it is known", async () => {
  const tenant = `plain-${randomUUID().slice(0, 8)}`;
  await enqueue(tenant, job());
  const config = server.configs.peek(tenant);
  expect(config?.settings.get(scopeKey({ kind: "queue", name: "default" }))).toBeUndefined();
  const { admit } = server.limits;
  expect(await admit(tenant, [])).toBeUndefined();
  expect(server.configs.peek(tenant)).toBe(config);
});
