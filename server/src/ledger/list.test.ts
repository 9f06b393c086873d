import type pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/support/database.ts";
import {
  attemptRow,
  insertRows,
  jobRow,
  leaseRow,
  type Row,
  readyRow,
  runRow,
} from "../../../test/support/ledger-rows.ts";
import { listJobs } from "../app/jobs/list-jobs.ts";
import type { JobState } from "../domain/job-machine.ts";
import type { JobFilter } from "../domain/job-view.ts";
import { newId } from "../lib/ids.ts";
import { listStatements } from "./list.sql.ts";
import { drivingTable, listJobViews } from "./read.ts";

const EVERYTHING: JobFilter = {
  states: [],
  jobTypes: [],
  queue: undefined,
  project: undefined,
  source: undefined,
  runId: undefined,
  labels: {},
  createdFrom: undefined,
  createdBefore: undefined,
  workerId: undefined,
};

const STATES = [
  "blocked",
  "scheduled",
  "ready",
  "offered",
  "running",
  "succeeded",
  "dead",
  "cancelled",
] as const satisfies JobState[];

let database: TestDatabase;
let owner: pg.Pool;
let pool: pg.Pool;
/** Of each job: its id and state, oldest first. */
const jobs: { id: string; state: JobState; over: Row }[] = [];
const run = runRow("a");

const list = (filter: Partial<JobFilter>, pageSize = 0, token = "", tenant = "a") =>
  listJobs({ list: listJobViews(pool, () => 0) })(
    tenant,
    { ...EVERYTHING, ...filter },
    { pageSize, pageToken: token },
  );

const page = (result: Awaited<ReturnType<typeof list>>) => {
  if (result.kind !== "page") throw new Error(result.kind);
  return result;
};

async function idsOf(filter: Partial<JobFilter>, pageSize: number): Promise<string[]> {
  const ids: string[] = [];
  let token = "";
  do {
    const { items: found, nextPageToken } = page(await list(filter, pageSize, token));
    expect(found.length).toBeLessThanOrEqual(pageSize);
    ids.push(...found.map((job) => job.jobId));
    token = nextPageToken;
  } while (token !== "");
  return ids;
}

const expected = (matches: (job: (typeof jobs)[number]) => boolean): string[] =>
  jobs
    .filter(matches)
    .map((job) => job.id)
    .reverse();

async function insertJob(state: JobState, over: Row): Promise<void> {
  const rest = { blocked: "blocked", scheduled: "scheduled", dead: "dead", cancelled: "cancelled" };
  const ended = state === "dead" || state === "cancelled";
  const row = jobRow("a", {
    base_state: rest[state as keyof typeof rest] ?? "ready",
    ended_at: ended ? new Date() : null,
    run_id: run.id,
    run_position: jobs.length,
    name: `job-${jobs.length}`,
    ...over,
  });
  await insertRows(owner, "job", row);
  jobs.push({ id: row.id, state, over });
  if (state === "ready") await insertRows(owner, "ready", readyRow("a", row.id));
  if (state === "offered" || state === "running") {
    await insertRows(owner, "lease", leaseRow("a", row.id, { state }));
  }
  if (state === "scheduled") {
    const token = { tenant: "a", job_id: row.id, run_at: new Date(), attempt: 1, lease_epoch: 1 };
    await insertRows(owner, "scheduled", token);
  }
  if (state === "succeeded") await insertRows(owner, "attempt", attemptRow("a", row.id));
}

beforeAll(async () => {
  database = await createTestDatabase();
  owner = database.owner();
  pool = database.pool();
  await insertRows(owner, "run", run);
  for (let round = 0; round < 5; round++) {
    for (const state of STATES) {
      await insertJob(state, {
        job_type: round % 2 === 0 ? "even" : "odd",
        queue: `q-${round % 3}`,
        project: round === 0 ? "p" : "",
        source: round === 1 ? "s" : "",
        labels: { round: String(round), state },
        created_at: new Date(Date.UTC(2026, 0, round + 1)),
      });
    }
  }
  await insertRows(owner, "job", jobRow("b"));
});
afterAll(() => database.drop());

describe("a list of jobs", () => {
  it("has everything, newest first, and nothing of another tenant", async () => {
    expect(await idsOf({}, 7)).toEqual(expected(() => true));
    expect(page(await list({}, 0, "", "b")).items).toHaveLength(1);
    expect(page(await list({}, 0, "", "nobody")).items).toHaveLength(0);
  });

  it.each(STATES)("of %s jobs has those", async (state) => {
    expect(await idsOf({ states: [state] }, 2)).toEqual(expected((job) => job.state === state));
    const { items: found } = page(await list({ states: [state, state] }));
    expect(new Set(found.map((job) => job.state))).toEqual(new Set([state]));
  });

  it.each([
    [["ready", "running", "offered", "scheduled", "blocked"]],
    [["dead", "cancelled", "running"]],
    [["succeeded", "dead"]],
  ] satisfies [JobState[]][])("of several states has them in one order: %j", async (states) => {
    const wanted = expected((job) => states.some((state) => state === job.state));
    expect(await idsOf({ states }, 3)).toEqual(wanted);
    expect(await idsOf({ states, runId: run.id }, 1_000)).toEqual(wanted);
  });

  it.each([
    [{ jobTypes: ["odd"] }, { job_type: "odd" }],
    [{ queue: "q-2" }, { queue: "q-2" }],
    [{ project: "p" }, { project: "p" }],
    [{ source: "s" }, { source: "s" }],
  ] satisfies [Partial<JobFilter>, Row][])("narrows by %j", async (filter, row) => {
    const [[column, value]] = Object.entries(row) as [[string, unknown]];
    const wanted = expected((job) => job.over[column] === value);
    expect(wanted.length).toBeGreaterThan(0);
    expect(await idsOf(filter, 4)).toEqual(wanted);
    for (const states of [["dead", "ready", "running"], ["succeeded"]] as JobState[][]) {
      expect(await idsOf({ ...filter, states }, 4)).toEqual(
        expected((job) => job.over[column] === value && states.includes(job.state)),
      );
    }
  });

  it("narrows by all labels and by time", async () => {
    const labels = { round: "2", state: "dead" };
    expect(await idsOf({ labels }, 10)).toHaveLength(1);
    const createdFrom = new Date(Date.UTC(2026, 0, 2));
    const createdBefore = new Date(Date.UTC(2026, 0, 4));
    expect(await idsOf({ createdFrom, createdBefore }, 10)).toEqual(
      expected((job) => {
        const at = job.over.created_at as Date;
        return at >= createdFrom && at < createdBefore;
      }),
    );
    expect(await idsOf({ runId: newId() }, 10)).toEqual([]);
  });

  it("takes a token back only with its tenant and its filter", async () => {
    const states: JobState[] = ["dead", "ready"];
    const { nextPageToken } = page(await list({ states }, 2));
    expect(nextPageToken).not.toBe("");
    expect((await list({ states: ["ready", "dead"] }, 5, nextPageToken)).kind).toBe("page");
    const invalid = { kind: "page_token_invalid" };
    expect(await list({ states: ["dead"] }, 2, nextPageToken)).toEqual(invalid);
    expect(await list({ states }, 2, nextPageToken, "b")).toEqual(invalid);
    expect(await list({ states }, 2, `${nextPageToken}x`)).toEqual(invalid);
    expect(await list({ states }, 2, "rubbish")).toEqual(invalid);
  });

  it("ends a page early rather than make a message nobody can read", async () => {
    const labels = Object.fromEntries(
      Array.from({ length: 32 }, (_, index) => [`k${index}`, "v".repeat(255)]),
    );
    const rows = Array.from({ length: 150 }, () => jobRow("large", { labels }));
    await insertRows(owner, "job", ...rows);
    const found: string[] = [];
    let pages = 0;
    for (let token = "", more = true; more; pages++) {
      const result = page(await list({}, 1_000, token, "large"));
      found.push(...result.items.map((job) => job.jobId));
      token = result.nextPageToken;
      more = token !== "";
    }
    expect(pages).toBeGreaterThan(1);
    expect(found).toEqual(rows.map((row) => row.id).reverse());
  });
});

describe("what a list reads", () => {
  it.each([
    [["running"], "byState"],
    [["succeeded", "dead"], "byState"],
    [[], "all"],
  ] satisfies [JobState[], string][])("for %j is %s", (states, table) => {
    expect(drivingTable({ ...EVERYTHING, states })).toBe(table);
    expect(drivingTable({ ...EVERYTHING, states, runId: run.id })).toBe("run");
  });

  it("for a small state is not the finished jobs", async () => {
    await owner.query(
      `insert into job (tenant, id, job_type, queue, priority, project, source,
          payload_media_type, content_digest, base_state)
        select 'many', gen_random_uuid(), 't', 'default', 0, '', '', '', sha256('x'), 'ready'
        from generate_series(1, 50000)`,
    );
    const few = ["blocked", "dead", "running"].map((state) => ({ state, row: jobRow("many") }));
    for (const { state, row } of few) {
      const base_state = state === "dead" ? "dead" : "ready";
      const ended_at = state === "dead" ? new Date() : null;
      await insertRows(owner, "job", { ...row, base_state, ended_at });
      if (state === "running") await insertRows(owner, "lease", leaseRow("many", row.id));
    }
    await owner.query("analyze");
    const buffers = async (states: JobState[]) => {
      const client = await pool.connect();
      try {
        await client.query("begin");
        await client.query("set local plan_cache_mode = force_custom_plan");
        await client.query("select set_config('orch.tenants', 'many', true)");
        await client.query(`prepare probe as ${listStatements.small.byState.text}`);
        const asked = `'{${states.join(",")}}'`;
        const { rows } = await client.query<{ "QUERY PLAN": { Plan: Record<string, number> }[] }>(
          `explain (analyze, buffers, format json) execute probe ('many',
            'ffffffff-ffff-ffff-ffff-ffffffffffff', null, null, null, null, null, null, null,
            ${asked}, null, null)`,
        );
        const plan = rows[0]?.["QUERY PLAN"][0]?.Plan;
        return (plan?.["Shared Hit Blocks"] ?? 0) + (plan?.["Shared Read Blocks"] ?? 0);
      } finally {
        await client.query("rollback");
        client.release(true);
      }
    };
    // The 50,000 jobs alone are more than 600 pages.
    for (const state of STATES) {
      expect(await buffers([state]), state).toBeLessThan(60);
    }
    expect(await buffers([...STATES])).toBeLessThan(100);
  });
});
