import type pg from "pg";
import { createTestDatabase, type TestDatabase } from "../../../../test/support/database.ts";
import {
  attemptRow,
  digestOf,
  eventRow,
  insertRows,
  jobRow,
  leaseRow,
  readyRow,
  runRow,
} from "../../../../test/support/ledger-rows.ts";
import {
  firstIdOf,
  type Kept,
  type Pruned,
  type PrunerPorts,
  prune,
} from "../../app/retention/pruner.ts";
import {
  markRunIn,
  pruneJobsIn,
  pruneLeftoversIn,
  pruneRunIn,
  prunesIn,
  runPageOverIn,
  runsToPruneIn,
} from "../retention.ts";
import { findKnownTenants } from "../stuck.ts";

const HOUR_MS = 3_600_000;

/** What the scene keeps: 10 h, dead letters 30 h, operations 20 h. */
export const KEPT: Kept = {
  finishedMs: 10 * HOUR_MS,
  deadLettersMs: 30 * HOUR_MS,
  operationsMs: 20 * HOUR_MS,
};

/** How a job of the scene ended, or where it stands. */
export const FATES = [
  "ready",
  "running",
  "scheduled",
  "succeeded",
  "cancelled",
  "dead",
  "discarded",
] as const;
/** One of {@link FATES}. */
export type Fate = (typeof FATES)[number];

/** A job of the scene. */
export interface MadeJob {
  readonly id: string;
  readonly fate: Fate;
  readonly endedHoursAgo: number;
}

/** A run of the scene. */
export interface MadeChain {
  readonly runId: string;
  /** Of its jobs, each of which depends on the one before. */
  readonly jobIds: readonly string[];
}

/** The model: whether a job that nothing else keeps is over its time. */
export function isOver({ fate, endedHoursAgo }: MadeJob): boolean {
  if (fate === "ready" || fate === "running" || fate === "scheduled") return false;
  return endedHoursAgo > (fate === "dead" ? 30 : 10);
}

/** The moment so many hours ago. */
export const ago = (hours: number): Date => new Date(Date.now() - hours * HOUR_MS);

let made = 0;

/** A UUIDv7 of so many hours ago, unique in this process. */
export function idOf(hours: number): string {
  made += 1;
  const tail = (made + 0x8000_0000).toString(16).padStart(12, "0");
  return `${firstIdOf(ago(hours).getTime()).slice(0, 24)}${tail}`;
}

/** A ledger and the pruner over it. */
export interface RetentionScene {
  readonly database: TestDatabase;
  readonly owner: pg.Pool;
  readonly ports: PrunerPorts;
  /** Writes the artifact that succeeded jobs of a tenant have bound. */
  artifact(tenant: string): Promise<void>;
  /** Writes a job with everything that can be about it; it was made an hour before it ended. */
  job(tenant: string, fate: Fate, endedHoursAgo: number, over?: object): Promise<MadeJob>;
  /** Writes a run of jobs over their time, each of which depends on the one before. */
  chain(tenant: string, count: number, fate: "cancelled" | "dead"): Promise<MadeChain>;
  /** The distinct values of a column of ids, in order. */
  ids(tenant: string, table?: string, column?: string): Promise<string[]>;
  /** Passes until one removes nothing; answers what they removed. */
  pruneAll(): Promise<Pruned>;
  close(): Promise<void>;
}

/** Opens a ledger of a test's own. */
export async function openRetention(): Promise<RetentionScene> {
  const database = await createTestDatabase();
  const owner = database.owner();
  const pool = database.pool();
  const loops = database.pool("orch_loops");
  // Alive for as long as the test takes: nobody ticks here.
  await owner.query("insert into replica values ('here', now() + interval '1 day')");
  const ports: PrunerPorts = {
    kept: KEPT,
    mine: prunesIn(loops, "here"),
    tenants: findKnownTenants(loops),
    jobs: pruneJobsIn(pool, KEPT),
    runs: runsToPruneIn(pool, KEPT),
    runOver: runPageOverIn(pool, KEPT),
    mark: markRunIn(pool),
    run: pruneRunIn(pool),
    leftovers: pruneLeftoversIn(pool, KEPT),
    now: Date.now,
  };
  return {
    database,
    owner,
    ports,
    artifact: (tenant) =>
      insertRows(owner, "artifact", {
        ...{ tenant, digest: digestOf("artifact"), size_bytes: 8, media_type: "text/plain" },
      }),
    job: (tenant, fate, hours, over = {}) => makeJob(owner, tenant, fate, hours, over),
    chain: (tenant, count, fate) => makeChain(owner, tenant, count, fate),
    async ids(tenant, table = "job", column = "id") {
      const { rows } = await owner.query<{ id: string }>(
        `select distinct ${column}::text as id from ${table} where tenant = $1 order by 1`,
        [tenant],
      );
      return rows.map(({ id }) => id);
    },
    async pruneAll() {
      const all = { jobs: 0, runs: 0, leftovers: 0 };
      for (;;) {
        let pass = { jobs: 0, runs: 0, leftovers: 0 };
        for await (const pruned of prune(ports)) pass = { ...pruned };
        if (pass.jobs + pass.runs + pass.leftovers === 0) return all;
        all.jobs += pass.jobs;
        all.runs += pass.runs;
        all.leftovers += pass.leftovers;
      }
    },
    close: () => database.drop(),
  };
}

async function makeJob(
  owner: pg.Pool,
  tenant: string,
  fate: Fate,
  endedHoursAgo: number,
  over: object,
): Promise<MadeJob> {
  const id = idOf(endedHoursAgo + 1);
  const at = ago(endedHoursAgo);
  const when = { id, created_at: at };
  await insertRows(owner, "job", jobRow(tenant, { ...when, ...stateOf(fate, at), ...over }));
  await insertRows(owner, "job_event", eventRow(tenant, id), eventRow(tenant, id));
  const progress = { tenant, job_id: id, attempt: 1, fraction: 0.5, message: "" };
  await insertRows(owner, "progress", progress);
  const failed = attemptRow(tenant, id, { outcome: "failed", ended_at: at });
  await insertRows(owner, "attempt", failed);
  if (fate === "succeeded") {
    await insertRows(owner, "attempt", attemptRow(tenant, id, { attempt: 2, ended_at: at }));
    const bound = { tenant, job_id: id, attempt: 2, lease_epoch: 2, name: "out" };
    await insertRows(owner, "job_artifact", { ...bound, digest: digestOf("artifact") });
  }
  if (fate === "ready") await insertRows(owner, "ready", readyRow(tenant, id));
  if (fate === "running") await insertRows(owner, "lease", leaseRow(tenant, id));
  if (fate === "scheduled") {
    const token = { tenant, job_id: id, run_at: new Date(), attempt: 2, lease_epoch: 2 };
    await insertRows(owner, "scheduled", token);
  }
  if (fate === "dead") {
    const what = { job_type: "test.echo", queue: "default", source: "", failure_class: "user" };
    const why = { died_at: at, signature: "s", pattern: "p" };
    await insertRows(owner, "dead_letter", { tenant, job_id: id, ...why, ...what });
  }
  return { id, fate, endedHoursAgo };
}

function stateOf(fate: Fate, at: Date): object {
  const ended = { ended_at: at, end_reason: "test" };
  if (fate === "dead" || fate === "discarded") return { base_state: "dead", ...ended };
  if (fate === "cancelled") return { base_state: "cancelled", ...ended };
  return { base_state: fate === "scheduled" ? "scheduled" : "ready" };
}

async function makeChain(
  owner: pg.Pool,
  tenant: string,
  count: number,
  fate: "cancelled" | "dead",
): Promise<MadeChain> {
  const run = runRow(tenant, { id: idOf(50), created_at: ago(50), job_count: count });
  await insertRows(owner, "run", run);
  const { rows } = await owner.query<{ id: string }>(
    `insert into job (tenant, id, job_type, queue, priority, project, source, payload_media_type,
       content_digest, run_id, run_position, name, base_state, ended_at)
     select $1, (substr($2::text, 1, 24) || lpad(to_hex(n), 12, '0'))::uuid, 't', 'q', 0, '', '',
       '', $3, $2::uuid, n, 'n' || n, $6, $4 from generate_series(1, $5::integer) n
     returning id`,
    [tenant, run.id, jobRow(tenant).content_digest, ago(40), count, fate],
  );
  await owner.query(
    `insert into edge (tenant, run_id, from_job, to_job, on_failure)
     select j.tenant, j.run_id, j.id, k.id, 'hold' from job j
     join job k on k.tenant = j.tenant and k.run_id = j.run_id
       and k.run_position = j.run_position + 1 where j.tenant = $1`,
    [tenant],
  );
  await owner.query(
    `insert into dead_letter (tenant, job_id, signature, pattern, failure_class, job_type, queue,
       source, run_id)
     select tenant, id, 's', 'p', 'user', job_type, queue, source, run_id from job
     where tenant = $1 and base_state = 'dead'`,
    [tenant],
  );
  return { runId: run.id, jobIds: rows.map(({ id }) => id) };
}
