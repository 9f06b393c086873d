// Run by embedded.test.ts as a process of its own: starts the embedded Postgres in the folder
// given, prints its address and its supervisor's parent as one JSON line, and holds it until it
// is killed.
import { pino } from "pino";
import { startEmbeddedPostgres } from "../embedded.ts";

const dataDir = process.argv[2];
if (dataDir === undefined) throw new Error("usage: hold-postgres.ts DATA_DIR");
try {
  const { url } = await startEmbeddedPostgres({ dataDir, logger: pino({ level: "silent" }) });
  process.stdout.write(`${JSON.stringify({ url })}\n`);
  process.stdin.resume();
} catch (error) {
  process.stdout.write(`${JSON.stringify({ error: String(error) })}\n`);
  process.exitCode = 1;
}
