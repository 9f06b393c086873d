import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import type pg from "pg";
import { afterEach, beforeEach, expect, it } from "vitest";
import { LedgerUnavailable } from "../../server/src/app/ledger-unavailable.ts";
import { openPool } from "../../server/src/ledger/pool.ts";
import { inTransaction } from "../../server/src/ledger/transaction.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";

// ReadyForQuery, idle: the end of Postgres's greeting.
const READY = Buffer.from([0x5a, 0, 0, 0, 5, 0x49]);
// The pool goes by its role.
const APPLICATION = "orch_app";

let database: TestDatabase;
let owner: pg.Pool;

beforeEach(async () => {
  database = await createTestDatabase();
  owner = database.owner();
});
afterEach(() => database.drop());

/**
 * A link that holds the greeting back until Postgres has ended the session as well, and hands
 * over both in one piece, as a client reads them that was busy meanwhile.
 */
async function openStillbornLink() {
  const url = new URL(database.url);
  const port = url.searchParams.get("port") ?? (url.port || "5432");
  const folder = url.searchParams.get("host");
  const target =
    folder === null
      ? { host: url.hostname, port: Number(port) }
      : { path: `${folder}/.s.PGSQL.${port}` };
  const listener = createServer((near) => {
    const far = connect(target);
    let greeting: Buffer | undefined;
    near.on("error", () => {}).on("close", () => far.destroy());
    far.on("error", () => {});
    far.on("close", () => near.destroy());
    near.pipe(far, { end: false });
    far.on("data", (chunk) => {
      if (greeting !== undefined) return void near.write(Buffer.concat([greeting, chunk]));
      if (!chunk.includes(READY)) return void near.write(chunk);
      greeting = chunk;
      void owner.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1",
        [APPLICATION],
      );
    });
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  url.search = "";
  url.hostname = "127.0.0.1";
  url.port = String((listener.address() as AddressInfo).port);
  return { url: url.href, close: () => listener.close() };
}

// Found by chaos: seed 5, a session that was ended while the server was busy. Without a listener
// on the new connection the error is nobody's, and ends the process.
it("a session that Postgres ends with its greeting is an outage, not the end", async () => {
  const link = await openStillbornLink();
  const pool = openPool({
    url: link.url,
    role: "orch_app",
    maxConnections: 1,
    onIdleError: () => {},
  });
  try {
    const work = inTransaction(pool, ["acme"], async () => "done");
    await expect(work).rejects.toBeInstanceOf(LedgerUnavailable);
  } finally {
    await pool.end();
    link.close();
  }
});
