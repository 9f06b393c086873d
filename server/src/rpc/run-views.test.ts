import type pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/support/database.ts";
import { ledgerOf } from "../../../test/support/ledger.ts";
import { insertRows, jobRow, runRow } from "../../../test/support/ledger-rows.ts";
import { type ServerHere, startServerHere } from "../../../test/support/server.ts";
import { JobState } from "../gen/stellaops/orchestrator/v1/job_pb.ts";
import { EdgeCondition, OnFailure, SpanKind } from "../gen/stellaops/orchestrator/v1/run_pb.ts";
import { type Clients, clientsOf, failureOf } from "./testing/clients.ts";

let database: TestDatabase;
let owner: pg.Pool;
let pool: pg.Pool;
let server: ServerHere;
let clients: Clients;

beforeAll(async () => {
  database = await createTestDatabase();
  owner = database.owner();
  pool = database.pool();
  server = await startServerHere(database.url);
  clients = clientsOf(server.url);
});
afterAll(async () => {
  clients.close();
  await server.stop();
  await database.drop();
});

const as = (tenant: string) => ({ headers: { "orch-tenant": tenant } });

const spec = { jobType: "test.echo" };

/** a → b (hold) → c, and d by itself later; a is dead, d runs. */
async function startRun(tenant: string) {
  const ledger = ledgerOf(pool, tenant);
  const { run, jobIds } = await clients.runs.createRun(
    {
      displayName: "a run",
      jobs: [
        { name: "a", spec },
        { name: "b", spec, dependsOn: [{ name: "a", onFailure: OnFailure.HOLD }] },
        { name: "c", spec, dependsOn: [{ name: "b" }] },
        { name: "d", spec: { ...spec, priority: -1 } },
      ],
    },
    as(tenant),
  );
  await ledger.fail(await ledger.claimOne(), "user", true);
  await ledger.claimOne();
  const [a = "", b = "", c = "", d = ""] = jobIds;
  return { runId: run?.runId ?? "", a, b, c, d, ledger };
}

/** A run of so many jobs without tokens, which look ready; the last one waits for the others. */
async function insertRun(tenant: string, size: number): Promise<string> {
  const run = runRow(tenant, { job_count: size });
  await insertRows(owner, "run", run);
  await owner.query(
    `insert into job (tenant, id, job_type, queue, priority, project, source, payload_media_type,
       content_digest, run_id, run_position, name, base_state, unmet)
     select $1, ('01890000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
       'test.echo', 'default', 0, '', '', '',
       decode(repeat('00', 32), 'hex'), $2::uuid, n, 'j' || n,
       case when n = $3 then 'blocked' else 'ready' end, case when n = $3 then $3 - 1 else 0 end
     from generate_series(1, $3::int) n`,
    [tenant, run.id, size],
  );
  return run.id;
}

describe("ListRuns", () => {
  it("lists runs newest first, by what they were made from", async () => {
    const rows = ["", "p", "p", ""].map((project, at) =>
      runRow("lists", {
        project,
        ...(at === 1 && { pipeline: "nightly", pipeline_version: 3, schedule: "daily" }),
      }),
    );
    const [first, second, third, fourth] = rows.map(({ id }) => id);
    await insertRows(owner, "run", ...rows);
    await owner.query("update run set replay_of = $1, open = true where id = $2", [first, fourth]);
    const list = async (request: object, pageSize = 100) => {
      const found: string[] = [];
      for (let pageToken = ""; ; ) {
        const page = await clients.runs.listRuns({ ...request, pageSize, pageToken }, as("lists"));
        found.push(...page.runs.map(({ runId }) => runId));
        pageToken = page.nextPageToken;
        if (pageToken === "") return found;
      }
    };
    expect(await list({})).toEqual([fourth, third, second, first]);
    expect(await list({}, 1)).toEqual([fourth, third, second, first]);
    expect(await list({ project: "p" }, 1)).toEqual([third, second]);
    expect(await list({ pipeline: "nightly" })).toEqual([second]);
    expect(await list({ pipeline: "nightly", project: "other" })).toEqual([]);
    expect(await list({ replayOf: first?.toUpperCase() })).toEqual([fourth]);
    const { runs } = await clients.runs.listRuns({ pipeline: "nightly" }, as("lists"));
    expect(runs[0]).toMatchObject({ pipelineVersion: 3, schedule: "daily", counts: [], state: 0 });
    const page = await clients.runs.listRuns({ pageSize: 1 }, as("lists"));
    expect(page.runs[0]).toMatchObject({ open: true, replayOf: first });
    const elsewhere = { project: "p", pageToken: page.nextPageToken };
    expect(await failureOf(clients.runs.listRuns(elsewhere, as("lists")))).toMatchObject({
      reason: "PAGE_TOKEN_INVALID",
    });
  });
});

describe("GetRunGraph", () => {
  it("says of each job what ExplainJob says", async () => {
    const { runId, a, b, c, d } = await startRun("graph");
    const graph = await clients.runs.getRunGraph({ runId }, as("graph"));
    expect(graph.nextPageToken).toBe("");
    expect(graph.nodes).toMatchObject([
      { jobId: a, name: "a", state: JobState.DEAD, attempt: 1 },
      { jobId: b, state: JobState.BLOCKED, attempt: 0, queue: "default", jobType: "test.echo" },
      { jobId: c, state: JobState.BLOCKED },
      { jobId: d, state: JobState.RUNNING, attempt: 1, reusedFromRun: "" },
    ]);
    for (const { jobId, blockedBy, state } of graph.nodes) {
      const explained = await clients.jobs.explainJob({ jobId }, as("graph"));
      expect({ state, blockedBy }).toEqual({
        state: explained.state,
        blockedBy: explained.blockedBy,
      });
    }
    expect(graph.nodes.map(({ blockedBy }) => blockedBy?.cause)).toMatchObject([
      undefined,
      { case: "dependency", value: { jobIds: [a], count: 1, held: true } },
      { case: "dependency", value: { jobIds: [b], count: 1, held: false } },
      undefined,
    ]);
    expect(graph.edges).toMatchObject([
      { fromJobId: a, toJobId: b, onFailure: OnFailure.HOLD },
      { fromJobId: b, toJobId: c, onFailure: OnFailure.CANCEL },
    ]);
  });

  it("names only what a job still waits for, by the condition of each edge", async () => {
    const { runs, jobs } = clients;
    const dependsOn = [
      { name: "dead", condition: EdgeCondition.COMPLETION },
      { name: "open", condition: EdgeCondition.COMPLETION },
    ];
    const { run, jobIds } = await runs.createRun(
      {
        jobs: [
          { name: "dead", spec },
          { name: "open", spec: { ...spec, priority: -1 } },
          { name: "join", spec, dependsOn },
        ],
      },
      as("conditions"),
    );
    const ledger = ledgerOf(pool, "conditions");
    await ledger.fail(await ledger.claimOne(), "user", true);
    const { nodes } = await runs.getRunGraph({ runId: run?.runId ?? "" }, as("conditions"));
    const waits = { jobIds: [jobIds[1]], count: 1, held: false };
    expect(nodes[2]?.blockedBy?.cause).toMatchObject({ case: "dependency", value: waits });
    const explained = await jobs.explainJob({ jobId: jobIds[2] ?? "" }, as("conditions"));
    expect(explained.blockedBy).toEqual(nodes[2]?.blockedBy);
  });

  it("shows first what a replay reuses", async () => {
    const [old, mine] = [runRow("reuse"), runRow("reuse")];
    await insertRows(owner, "run", old, { ...mine, replay_of: old.id });
    const reused = Array.from({ length: 3 }, (_, at) =>
      jobRow("reuse", { run_id: old.id, run_position: at, name: `r${at}` }),
    );
    const own = jobRow("reuse", { run_id: mine.id, run_position: 1, name: "own" });
    await insertRows(owner, "job", ...reused, own);
    for (const { id } of reused) {
      await insertRows(owner, "reused_job", { tenant: "reuse", run_id: mine.id, job_id: id });
    }
    const first = await clients.runs.getRunGraph({ runId: mine.id, pageSize: 2 }, as("reuse"));
    const rest = [];
    for (let { nextPageToken: pageToken } = first; pageToken !== ""; ) {
      const page = await clients.runs.getRunGraph({ runId: mine.id, pageToken }, as("reuse"));
      rest.push(...page.nodes);
      pageToken = page.nextPageToken;
    }
    const seen = [...first.nodes, ...rest].map(({ name, reusedFromRun }) => [name, reusedFromRun]);
    expect(seen).toEqual([...reused.map(({ name }) => [name, old.id]), ["own", ""]]);
  });

  const slowWhereBusy = { timeout: 90_000 };

  it("is told in bounded pages, also of a job with very many edges", slowWhereBusy, async () => {
    const size = 22_000;
    const runId = await insertRun("large", size);
    await owner.query(
      `insert into edge (tenant, run_id, from_job, to_job, on_failure)
       select 'large', $1, one.id, last.id, 'cancel' from job one, job last
       where one.run_id = $1 and last.run_id = $1 and last.run_position = $2
         and one.run_position < $2`,
      [runId, size],
    );
    const jobs: string[] = [];
    const edges = new Set<string>();
    let last: unknown;
    for (let pageToken = ""; ; ) {
      const request = { runId, pageSize: 1_000, pageToken };
      const page = await clients.runs.getRunGraph(request, as("large"));
      expect(page.nodes.length).toBeLessThanOrEqual(1_000);
      expect(page.edges.length).toBeLessThanOrEqual(20_000);
      jobs.push(...page.nodes.map(({ name }) => name));
      for (const { fromJobId } of page.edges) edges.add(fromJobId);
      last = page.nodes.at(-1)?.blockedBy?.cause.value;
      pageToken = page.nextPageToken;
      if (pageToken === "") break;
    }
    // The join comes twice, because its edges fill more than a page.
    expect(jobs).toHaveLength(size + 1);
    expect(new Set(jobs).size).toBe(size);
    expect(edges.size).toBe(size - 1);
    expect(last).toMatchObject({ count: size - 1, held: false });
    const timeline = await clients.runs.getRunTimeline({ runId, pageSize: 1_000 }, as("large"));
    expect(timeline.jobs).toHaveLength(1_000);
    expect(timeline.nextPageToken).not.toBe("");
    const path = await clients.runs.getCriticalPath({ runId }, as("large"));
    expect(path.steps).toHaveLength(1);
  });
});

describe("GetRunTimeline", () => {
  it("tells what each job spent its time on, and on which task runner", async () => {
    const { runId, a, d, ledger } = await startRun("timeline");
    await ledger.retry([a]);
    await ledger.complete(await ledger.claimOne());
    const { jobs } = await clients.runs.getRunTimeline({ runId }, as("timeline"));
    const kinds = jobs.map(({ spans }) =>
      spans.filter(({ kind }) => kind !== SpanKind.WAITING).map(({ kind }) => kind),
    );
    const { BLOCKED, RUNNING } = SpanKind;
    expect(kinds).toEqual([[RUNNING, RUNNING], [BLOCKED], [BLOCKED], [RUNNING]]);
    const [one, two, , four] = jobs;
    expect(one?.spans.filter(({ kind }) => kind === RUNNING)).toMatchObject([
      { attempt: 1, workerId: "worker-1", outcome: 2 },
      { attempt: 2, workerId: "worker-1", outcome: 1 },
    ]);
    expect(two?.spans.map(({ kind, endTime }) => [kind, endTime !== undefined])).toEqual([
      [BLOCKED, true],
      [SpanKind.WAITING, false],
    ]);
    expect(four).toMatchObject({ jobId: d, name: "d", state: JobState.RUNNING });
    expect(four?.spans.at(-1)?.endTime).toBeUndefined();
    const ids: string[] = [];
    for (let pageToken = ""; ; ) {
      const request = { runId, pageSize: 3, pageToken };
      const page = await clients.runs.getRunTimeline(request, as("timeline"));
      ids.push(...page.jobs.map(({ name }) => name));
      pageToken = page.nextPageToken;
      if (pageToken === "") break;
    }
    expect(ids).toEqual(["a", "b", "c", "d"]);
  });
});

describe("GetCriticalPath", () => {
  it("goes back along what ended last", async () => {
    const run = runRow("path", { created_at: new Date(1_000_000) });
    await insertRows(owner, "run", run);
    const times = [
      ["quick", 0, 1],
      ["slow", 0, 8],
      ["join", 9, 12],
      ["late", 2, 3],
    ] as const;
    const jobs = times.map(([name], at) =>
      jobRow("path", { run_id: run.id, run_position: at + 1, name }),
    );
    await insertRows(owner, "job", ...jobs);
    const second = (at: number) => new Date(1_000_000 + at * 1_000);
    const [quick, slow, join, late] = jobs.map(({ id }) => id);
    for (const [at, [, started, ended]] of times.entries()) {
      await insertRows(owner, "attempt", {
        tenant: "path",
        job_id: jobs[at]?.id,
        attempt: 1,
        lease_epoch: 1,
        worker_id: "w",
        offered_at: second(started),
        started_at: second(started),
        ended_at: second(ended),
        outcome: "succeeded",
      });
    }
    for (const [from_job, to_job] of [
      [quick, join],
      [slow, join],
      [quick, late],
    ]) {
      const edge = { tenant: "path", run_id: run.id, from_job, to_job, on_failure: "cancel" };
      await insertRows(owner, "edge", edge);
    }
    const path = await clients.runs.getCriticalPath({ runId: run.id }, as("path"));
    expect(path.steps).toMatchObject([
      { name: "slow", state: JobState.SUCCEEDED, waited: seconds(0n), ran: seconds(8n) },
      { name: "join", waited: seconds(1n), ran: seconds(3n), finishTime: seconds(1_012n) },
    ]);
    expect(path.total).toMatchObject(seconds(12n));
    // Asked by many at once, it is found once; all get the same.
    const many = Array.from({ length: 5 }, () =>
      clients.runs.getCriticalPath({ runId: run.id }, as("path")),
    );
    expect(new Set((await Promise.all(many)).map(({ steps }) => steps.length))).toEqual(
      new Set([2]),
    );
  });

  const seconds = (count: bigint) => ({ seconds: count, nanos: 0 });

  it("of what is under way ends now", async () => {
    const { runId, d } = await startRun("under-way");
    const path = await clients.runs.getCriticalPath({ runId }, as("under-way"));
    expect(path.steps).toMatchObject([{ jobId: d, state: JobState.RUNNING }]);
    expect(path.steps[0]?.finishTime).toBeUndefined();
  });
});

describe("the views", () => {
  it("are NOT_FOUND for other tenants, and refuse tokens that are not theirs", async () => {
    const { runId } = await startRun("mine");
    const { runs } = clients;
    const missing = { code: "NotFound", reason: "RUN_NOT_FOUND" };
    const bad = { code: "InvalidArgument", reason: "PAGE_TOKEN_INVALID" };
    const { nextPageToken } = await runs.getRunGraph({ runId, pageSize: 1 }, as("mine"));
    const forged = { runId, pageToken: nextPageToken };
    expect(await failureOf(runs.getRunTimeline(forged, as("mine")))).toMatchObject(bad);
    expect(await failureOf(runs.getRunGraph(forged, as("yours")))).toMatchObject(bad);
    expect(await failureOf(runs.getRunGraph({ runId }, as("yours")))).toMatchObject(missing);
    expect(await failureOf(runs.getRunTimeline({ runId }, as("yours")))).toMatchObject(missing);
    expect(await failureOf(runs.getCriticalPath({ runId }, as("yours")))).toMatchObject(missing);
    for (const pageSize of [-1, 1_001]) {
      const wrong = runs.getRunGraph({ runId, pageSize }, as("mine"));
      expect(await failureOf(wrong)).toMatchObject({ code: "InvalidArgument" });
    }
  });

  it("are JSON for whoever posts JSON", async () => {
    const { runId, a, b } = await startRun("json");
    const post = async (method: string, body: object) => {
      const path = `/stellaops.orchestrator.v1.RunService/${method}`;
      const answer = await fetch(`${server.url}${path}`, {
        method: "POST",
        headers: { "content-type": "application/json", "orch-tenant": "json" },
        body: JSON.stringify(body),
      });
      expect(answer.status).toBe(200);
      return (await answer.json()) as Record<string, Record<string, unknown>[]>;
    };
    const { nodes, edges } = await post("GetRunGraph", { runId });
    expect(nodes?.[1]).toEqual({
      jobId: b,
      name: "b",
      jobType: "test.echo",
      queue: "default",
      state: "JOB_STATE_BLOCKED",
      blockedBy: { dependency: { jobIds: [a], count: 1, held: true } },
    });
    expect(edges?.[0]).toEqual({
      fromJobId: a,
      toJobId: b,
      onFailure: "ON_FAILURE_HOLD",
      condition: "EDGE_CONDITION_SUCCESS",
    });
    const { jobs } = await post("GetRunTimeline", { runId });
    const spans = (jobs?.[0]?.spans ?? []) as unknown[];
    expect(spans.at(-1)).toMatchObject({
      kind: "SPAN_KIND_RUNNING",
      attempt: 1,
      workerId: "worker-1",
      outcome: "ATTEMPT_OUTCOME_FAILED",
    });
    const { steps } = await post("GetCriticalPath", { runId });
    expect(steps?.[0]).toMatchObject({ name: "d", state: "JOB_STATE_RUNNING" });
  });
});
