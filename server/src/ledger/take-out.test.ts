import type pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/support/database.ts";
import { testPolicy } from "../../../test/support/ledger.ts";
import { insertRows } from "../../../test/support/ledger-rows.ts";
import { moveLeases } from "../app/fleet/move-leases.ts";
import { decideEnding } from "../domain/ending.ts";
import { newId } from "../lib/ids.ts";
import { findMoves, findTenantsWithMoves, moveLeasesIn, storeTakeOutIn } from "./take-out.ts";

const LEASES = 1_100;
const NOBODY = { actor: "operator", reason: "fire", ticket: "" };

let database: TestDatabase;
let owner: pg.Pool;
let pools: pg.Pool[];

beforeAll(async () => {
  database = await createTestDatabase();
  owner = database.owner();
  pools = [database.pool(), database.pool()];
  await owner.query("insert into replica values ('here', now() + interval '1 day')");
});
afterAll(() => database.drop());

const stepOn = (pool: pg.Pool | undefined) =>
  moveLeasesIn(pool as pg.Pool, (facts, cause) => decideEnding(facts, cause, testPolicy, 0.5));

/** Running jobs, a third of them with a worker that is connected, and a take-out of all hosts. */
async function scene(tenant: string) {
  await owner.query(
    `with jobs as (
       insert into job (tenant, id, job_type, queue, priority, project, source,
         payload_media_type, content_digest, base_state)
       select $1, gen_random_uuid(), 'test.echo', 'default', 0, '', '', '', sha256('x'), 'ready'
       from generate_series(1, $2::integer) returning id
     )
     insert into lease (tenant, job_id, lease_epoch, attempt, token, state, worker_id, queue,
       job_type, priority, seq, payload_bytes, linked, ttl_ms, deadline_ms, started_at,
       expires_at, deadline_at)
     select $1, id, 1, 1, 't', 'running', 'w-' || place % 3, 'default', 'test.echo', 0, place, 0,
       false, 60000, 60000, now(), now() + interval '1 hour', now() + interval '1 hour'
     from (select id, row_number() over () as place from jobs) numbered`,
    [tenant, LEASES],
  );
  const session = { tenant, sdk: "", server_id: "here", host: "h-1" };
  const ids = () => ({ session_id: newId(), instance_id: newId() });
  await insertRows(owner, "session", { ...session, ...ids(), worker_id: "w-0" });
  await insertRows(owner, "session", {
    ...{ ...session, ...ids(), worker_id: "w-1", closed_at: new Date() },
  });
  const selector = { workerIds: [], host: "h-1", labels: {} };
  const stored = await storeTakeOutIn(pools[0] as pg.Pool)({
    ...{ tenant, id: newId(), selector, moveLeases: true, graceMs: 60_000 },
    ...NOBODY,
    requestDigest: new Uint8Array(32),
  });
  if (stored.kind !== "created") throw new Error("expected a new take-out");
  return stored.takeOut.id;
}

const countOf = async (tenant: string, where: string): Promise<number> => {
  const { rows } = await owner.query<{ count: number }>(
    `select count(*)::integer as count from ${where} and tenant = $1`,
    [tenant],
  );
  return rows[0]?.count ?? -1;
};

it("is gone on with by another replica, page by page, and moves each lease once", async () => {
  const tenant = "pages";
  const id = await scene(tenant);
  // The replica that was asked dies after a page.
  const page = await stepOn(pools[0])(tenant, id, "00000000-0000-0000-0000-000000000000");
  expect(page).toMatchObject({ moved: 500, next: expect.any(String) });
  const loops = database.pool("orch_loops");
  expect(await findTenantsWithMoves(loops)()).toEqual([tenant]);
  expect(await findMoves(pools[1] as pg.Pool)(tenant)).toEqual([id]);
  const [one = 0, other = 0] = await Promise.all(
    pools.map((pool) => moveLeases({ step: stepOn(pool) })(tenant, id)),
  );
  const last = await moveLeases({ step: stepOn(pools[0]) })(tenant, id);
  // Of w-2 nothing is known but its name, so it is on no host.
  const moved = await countOf(tenant, "lease where worker_id = 'w-0'");
  const left = await countOf(tenant, "lease where worker_id = 'w-2' and cancel_reason is null");
  expect(left).toBeGreaterThan(300);
  expect(500 + one + other + last).toBe(LEASES - left);
  expect(await countOf(tenant, `take_out where moved = ${LEASES - left}`)).toBe(1);
  // Who is connected is asked, who is not loses them at once; none of it costs anything.
  expect(
    await countOf(tenant, "lease where worker_id = 'w-0' and cancel_reason = 'preempted'"),
  ).toBe(moved);
  expect(await countOf(tenant, "lease where worker_id = 'w-1'")).toBe(0);
  expect(await countOf(tenant, "ready where lease_epoch = 2 and attempt = 2")).toBe(
    LEASES - left - moved,
  );
  expect(await countOf(tenant, "attempt where failure_class <> 'cancelled'")).toBe(0);
  expect(await countOf(tenant, "job_event where kind = 'interrupted'")).toBe(LEASES - left - moved);
});
