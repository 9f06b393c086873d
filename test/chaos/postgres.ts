import { setTimeout as pass } from "node:timers/promises";
import pg from "pg";
import { startEmbeddedPostgres } from "../../server/src/ledger/embedded.ts";
import { silentLogger } from "../support/logger.ts";
import { crashPostgres, pausePostgres } from "../support/postgres-process.ts";
import { type Link, openLink } from "./link.ts";

/** The Postgres of a run, and what the nemesis can do to it. */
export interface ChaosPostgres {
  /** A link for one server: its address as the server gets it, and the link. */
  linked(): Promise<{ readonly url: string; readonly link: Link }>;
  /** Rows of a statement, past all links; throws when Postgres is away. */
  query<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]>;
  /** The same, again and again until Postgres is back. */
  insist<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]>;
  /** Immediate stop; it comes back by itself. */
  crash(): Promise<void>;
  /** Stops every process of it; answers what wakes them. */
  pause(): Promise<() => Promise<void>>;
  /** Takes connections until there are none left; answers what gives them back. */
  exhaust(): Promise<() => Promise<void>>;
  stop(): Promise<void>;
}

// So that faults spare the run's own sessions.
const OWN = "chaos";
const PATIENCE_MS = 60_000;
const RETRY_MS = 100;
const EXHAUST_MS = 3_000;

/** Starts the Postgres that comes with the server, durable as it ships, in the folder. */
export async function startPostgres(dataDir: string): Promise<ChaosPostgres> {
  const postgres = await startEmbeddedPostgres({ dataDir, logger: silentLogger });
  const pool = new pg.Pool({
    connectionString: postgres.url,
    application_name: OWN,
    max: 3,
    connectionTimeoutMillis: 5_000,
    // A frozen Postgres answers nothing: whoever asks must not wait for ever.
    query_timeout: 20_000,
  });
  pool.on("error", () => {}); // cut on purpose
  const links: Link[] = [];
  const query = async <Row extends pg.QueryResultRow>(text: string, values?: unknown[]) =>
    (await pool.query<Row>(text, values)).rows;
  return {
    linked: async () => {
      const link = await openLink(() => socketOf(postgres.url));
      links.push(link);
      return { url: through(postgres.url, link.port), link };
    },
    query,
    insist: (text, values) => insist(() => query(text, values)),
    crash: () => crashPostgres(dataDir),
    pause: () => pausePostgres(dataDir),
    exhaust: () => exhaust(postgres.url),
    async stop() {
      await pool.end();
      await Promise.all(links.map((link) => link.close()));
      await postgres.stop();
    },
  };
}

async function insist<T>(call: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await pass(RETRY_MS);
    }
  }
}

async function exhaust(url: string): Promise<() => Promise<void>> {
  const held: pg.Client[] = [];
  // Taking is a part of the fault: on a busy machine it must not become most of the run.
  const deadline = performance.now() + EXHAUST_MS;
  while (performance.now() < deadline) {
    const client = new pg.Client({ connectionString: url, application_name: OWN });
    client.on("error", () => {});
    try {
      await client.connect();
      held.push(client);
    } catch {
      break;
    }
  }
  return async () => {
    await Promise.all(held.map((client) => client.end().catch(() => {})));
  };
}

/** Where the embedded Postgres listens: a Unix socket, or TCP on Windows. */
function socketOf(text: string) {
  const url = new URL(text);
  const host = url.searchParams.get("host") ?? "127.0.0.1";
  const port = Number(url.searchParams.get("port"));
  return host.startsWith("/") ? { path: `${host}/.s.PGSQL.${port}` } : { host, port };
}

function through(text: string, port: number): string {
  const url = new URL(text);
  url.search = "";
  url.hostname = "127.0.0.1";
  url.port = String(port);
  return url.href;
}
