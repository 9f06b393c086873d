import { randomUUID } from "node:crypto";
import type pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/support/database.ts";
import { insertRows, runRow } from "../../../test/support/ledger-rows.ts";
import { readUnmet } from "./read.sql.ts";
import { readPathJobs, readPathSteps } from "./run-path.sql.ts";
import { readRunEdges, readRunJobs } from "./run-read.sql.ts";
import {
  readGraphEdges,
  readGraphNodes,
  readParents,
  readReusedNodes,
  readTimelineJobs,
} from "./run-view.sql.ts";
import { announceHeld, forgetHeld } from "./stuck.sql.ts";

/** Of a plan of `explain (analyze, buffers, format json)`. */
interface Plan {
  readonly "Actual Rows": number;
  readonly "Actual Loops": number;
  readonly "Rows Removed by Join Filter"?: number;
  readonly "Shared Hit Blocks": number;
  readonly "Shared Read Blocks": number;
  readonly Plans?: readonly Plan[];
}

/** All rows that the parts of a plan handed on or looked at in vain. */
const rowsOf = (plan: Plan): number =>
  plan["Actual Loops"] * (plan["Actual Rows"] + (plan["Rows Removed by Join Filter"] ?? 0)) +
  (plan.Plans ?? []).reduce((sum, part) => sum + rowsOf(part), 0);

const run = runRow("wide");
const JOBS = 1_000;
let database: TestDatabase;
let owner: pg.Pool;
let ids: string[];

type Asked = readonly [statement: { readonly text: string } | undefined, parameters: string[]];

/** Of the first calls on a connection, or the one for any parameters that it comes to later. */
async function planOf(mode: "custom" | "generic", [statement, parameters]: Asked) {
  const client = await database.pool().connect();
  try {
    await client.query("begin");
    await client.query(`set local plan_cache_mode = force_${mode}_plan`);
    await client.query("select set_config('orch.tenants', 'wide', true)");
    await client.query(`prepare probe as ${statement?.text}`);
    const values = ["wide", ...parameters].map((value) => `'${value}'`).join(", ");
    const { rows } = await client.query<{ "QUERY PLAN": [{ Plan: Plan }] }>(
      `explain (analyze, buffers, format json) execute probe (${values})`,
    );
    return (rows[0] as (typeof rows)[number])["QUERY PLAN"][0].Plan;
  } finally {
    client.release(true);
  }
}

const array = (values: readonly string[]) => `{${values.join(",")}}`;

beforeAll(async () => {
  database = await createTestDatabase();
  owner = database.owner();
  // A tenant that grew since the statistics were made.
  await owner.query("alter table job set (autovacuum_enabled = off)");
  await owner.query("alter table lease set (autovacuum_enabled = off)");
  await insertRows(owner, "run", run);
  const { rows } = await owner.query<{ id: string }>(
    `insert into job (tenant, id, job_type, queue, priority, project, source,
        payload_media_type, content_digest, base_state, run_id, run_position, name)
      select 'wide', gen_random_uuid(), 't', 'default', 0, '', '', '', sha256('x'), 'ready', $1,
        n, 'job-' || n
      from generate_series(1, ${JOBS}) n returning id`,
    [run.id],
  );
  ids = rows.map(({ id }) => id);
  await owner.query(
    `insert into lease (tenant, job_id, lease_epoch, attempt, token, state, worker_id, queue,
        job_type, priority, seq, payload_bytes, linked, ttl_ms, deadline_ms, offered_at,
        expires_at)
      select 'wide', id, 1, 1, gen_random_uuid(), 'offered', 'w', 'default', 't', 0, 1, 0, true,
        60000, 60000, now(), now() + interval '1 minute'
      from job where tenant = 'wide'`,
  );
  await owner.query(
    "insert into reused_job (tenant, run_id, job_id) select 'wide', $1, id from job",
    [run.id],
  );
  await owner.query(
    `insert into edge (tenant, run_id, from_job, to_job, on_failure)
      select 'wide', $1, id, $2, 'cancel' from job where id <> $2`,
    [run.id, ids[0]],
  );
});
afterAll(() => database.drop());

describe("views of a large run", () => {
  it.each<[string, () => Asked]>([
    ["where parents stand", () => [readParents, [array(ids)]]],
    ["nodes", () => [readGraphNodes.get(1_000), [run.id, "-1"]]],
    ["reused nodes", () => [readReusedNodes, [run.id, "00000000-0000-0000-0000-000000000000"]]],
    ["a timeline", () => [readTimelineJobs.get(1_000), [run.id, "-1"]]],
    ["jobs of a critical path", () => [readPathJobs, [run.id, "-1"]]],
    ["steps of a critical path", () => [readPathSteps, [array(ids)]]],
    ["all jobs", () => [readRunJobs, [run.id]]],
    ["all edges", () => [readRunEdges, [run.id]]],
    ["what a job waits for", () => [readUnmet, [ids[0] ?? ""]]],
  ])("look up %s job by job", async (_, query) => {
    for (const mode of ["custom", "generic"] as const) {
      expect(rowsOf(await planOf(mode, query())), mode).toBeLessThan(20 * JOBS);
    }
  });

  it("look edges up by the jobs they lead to, however many the tenant has", async () => {
    await owner.query(
      `insert into edge (tenant, run_id, from_job, to_job, on_failure)
        select 'wide', $1, gen_random_uuid(), t.id, 'cancel'
        from (select gen_random_uuid() as id from generate_series(1, 5)) t,
          generate_series(1, 4000)`,
      [run.id],
    );
    await owner.query("analyze edge");
    const to = Array.from({ length: 200 }, () => randomUUID());
    const after = to.map(() => "00000000-0000-0000-0000-000000000000");
    const plan = await planOf("generic", [readGraphEdges, [array(to), array(after)]]);
    // A few pages of an index for each job; the index of all edges has more than a hundred.
    expect(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]).toBeLessThan(2_000);
  });
});

describe("the reaper of stuck work", () => {
  it("looks at blocked jobs one by one, and at what each waits for", async () => {
    const HELD = 200;
    await owner.query(
      `insert into job (tenant, id, job_type, queue, priority, project, source,
          payload_media_type, content_digest, base_state, ended_at, run_id, run_position, name)
        select 'wide', gen_random_uuid(), 't', 'default', 0, '', '', '', sha256('x'), state,
          case state when 'dead' then now() end, $1, ${JOBS} + n, state || n
        from generate_series(1, ${HELD}) n, unnest('{blocked,dead}'::text[]) state`,
      [run.id],
    );
    await owner.query(
      `insert into edge (tenant, run_id, from_job, to_job, on_failure)
        select 'wide', $1, first.id, waits.id, 'hold'
        from (select id, row_number() over () as n from job where base_state = 'dead') first
        join (select id, row_number() over () as n from job where base_state = 'blocked') waits
          using (n)`,
      [run.id],
    );
    const none = "00000000-0000-0000-0000-000000000000";
    for (const mode of ["custom", "generic"] as const) {
      const rows = rowsOf(await planOf(mode, [announceHeld, [none, "why"]]));
      // All of them are found, and written down.
      expect(rows, mode).toBeGreaterThan(HELD);
      expect(rows, mode).toBeLessThan(40 * HELD);
    }
    await owner.query(
      `insert into stuck (tenant, kind, subject, cause, advice, announced)
        select 'wide', 'job', id::text, 'dependency', '', true from job
        where base_state = 'blocked'`,
    );
    for (const mode of ["custom", "generic"] as const) {
      expect(rowsOf(await planOf(mode, [forgetHeld, [""]])), mode).toBeLessThan(40 * HELD);
    }
  });
});
