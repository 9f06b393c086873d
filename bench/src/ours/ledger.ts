import pg from "pg";
import { migrate } from "../../../server/src/ledger/migrate.ts";
import type { BenchPostgres } from "../postgres.ts";

// The only place of the benchmarks that knows the ledger's tables by name (the bound uses the
// server's own statements).

const IS_DRAINED = `
  select not exists (select from ready) and not exists (select from lease)
    and not exists (select from scheduled) as drained,
  extract(epoch from clock_timestamp()) * 1000 as at_ms`;

const SUCCEEDED = `
  select count(*)::integer as attempts, count(distinct (tenant, job_id))::integer as jobs,
    extract(epoch from min(offered_at)) * 1000 as first_claim_ms
  from attempt where outcome = 'succeeded' and offered_at >= $1`;

const READY = "select count(*)::integer as count from ready";

// Statistics come up to ten seconds late; transaction ids are given at once, to those that write.
const TRANSACTIONS = "select pg_snapshot_xmax(pg_current_snapshot())::text::float8 as count";

const ENDED_LONG_AGO = `
  update attempt set ended_at = ended_at - interval '2 h'
  where job_id < uuidv7(interval '-1 h') and ended_at > now() - interval '1 h'`;

const OLD = "select count(*)::integer as count from job where id < uuidv7(interval '-1 h')";

// As if it had only been restarted: a replica that nobody knows yet may not prune at once.
const KNOWN_REPLICA = `
  insert into replica (server_id) values ($1)
  on conflict (server_id) do update set last_seen = now()`;

const POLL_MS = 1;
const DRAIN_PATIENCE_MS = 30_000;

/** A migrated ledger of a contestant's own, seen by its owner. */
export interface Ledger {
  readonly url: string;
  /** The database's clock. */
  now(): Promise<Date>;
  /** Cleans up after the round before, so that each begins alike: vacuum, statistics. */
  tidy(): Promise<void>;
  /** Waits until no job is unfinished; when that was seen, in milliseconds since 1970. */
  drained(): Promise<number>;
  /**
   * The first claim since a time, in milliseconds since 1970. Throws unless exactly `count` jobs
   * have succeeded since, each once.
   */
  succeeded(since: Date, count: number): Promise<number>;
  /** How many jobs are ready. */
  ready(): Promise<number>;
  /** Lets jobs whose ids are more than an hour old have ended two hours earlier than they did. */
  backdate(): Promise<void>;
  /** How many jobs have ids that are more than an hour old. */
  countOld(): Promise<number>;
  /** Lets a server that is about to start prune from its start on. */
  noteReplica(serverId: string): Promise<void>;
  /** How many transactions of this Postgres have written so far. */
  transactions(): Promise<number>;
  readonly pool: pg.Pool;
  close(): Promise<void>;
}

/** Makes and migrates a database. */
export async function openLedger(postgres: BenchPostgres, name: string): Promise<Ledger> {
  const url = await postgres.createDatabase(name);
  await migrate(url);
  const pool = new pg.Pool({ connectionString: url, max: 2 });
  pool.on("error", () => undefined);
  return {
    url,
    pool,
    async now() {
      const { rows } = await pool.query<{ now: Date }>("select clock_timestamp() as now");
      return (rows[0] as { now: Date }).now;
    },
    async tidy() {
      // In this order: pages that vacuum touches need not be logged whole again later.
      await postgres.checkpoint();
      await pool.query("vacuum (analyze)");
    },
    async drained() {
      const deadline = performance.now() + DRAIN_PATIENCE_MS;
      for (;;) {
        const { rows } = await pool.query<{ drained: boolean; at_ms: string }>(IS_DRAINED);
        if (rows[0]?.drained === true) return Number(rows[0].at_ms);
        if (performance.now() > deadline) throw new Error("the ledger does not drain");
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    },
    async succeeded(since, count) {
      const { rows } = await pool.query(SUCCEEDED, [since]);
      const { attempts, jobs, first_claim_ms } = rows[0];
      if (attempts !== count || jobs !== count) {
        throw new Error(`${jobs} jobs in ${attempts} attempts succeeded, ${count} expected`);
      }
      return Number(first_claim_ms);
    },
    async ready() {
      const { rows } = await pool.query<{ count: number }>(READY);
      return rows[0]?.count ?? 0;
    },
    async backdate() {
      await pool.query(ENDED_LONG_AGO);
    },
    async countOld() {
      const { rows } = await pool.query<{ count: number }>(OLD);
      return rows[0]?.count ?? 0;
    },
    async noteReplica(serverId) {
      await pool.query(KNOWN_REPLICA, [serverId]);
    },
    async transactions() {
      const { rows } = await pool.query<{ count: number }>(TRANSACTIONS);
      return rows[0]?.count ?? 0;
    },
    async close() {
      await pool.end();
      await postgres.dropDatabase(name);
    },
  };
}
