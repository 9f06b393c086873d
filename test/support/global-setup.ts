import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import type { TestProject } from "vitest/node";
import { findService } from "../../scripts/services.mjs";
import { migrate } from "../../server/src/ledger/migrate.ts";
import { silentLogger } from "./logger.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** A superuser's URL of the Postgres that this run's databases live in. */
    postgresUrl: string;
    /** The migrated database that {@link createTestDatabase} clones. */
    postgresTemplate: string;
  }
}

/**
 * One Postgres for the whole run, migrated once into a template that every test file clones.
 * TEST_DATABASE_URL (a superuser's) names one that runs already; otherwise the embedded one is
 * started in a temporary folder.
 */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  // Fetched once, before tests ask for them; what cannot be had is said in the last lines.
  const services = await Promise.all([findService("valkey"), findService("nats")]);
  const outside = process.env.TEST_DATABASE_URL;
  const postgres = outside === undefined ? await startThrowaway() : { url: outside, stop: none };
  const template = `orch_template_${process.pid}`;
  try {
    await inDatabase(postgres.url, "postgres", `create database ${template}`);
    await migrate(urlOf(postgres.url, template));
  } catch (error) {
    await postgres.stop();
    throw error;
  }
  project.provide("postgresUrl", postgres.url);
  project.provide("postgresTemplate", template);
  return async () => {
    await inDatabase(postgres.url, "postgres", `drop database ${template} with (force)`);
    await postgres.stop();
    for (const service of services) {
      if (service.kind === "found") continue;
      process.stderr.write(`LEFT OUT the tests of a service: ${service.why}\n`);
    }
  };
}

// Loaded by Node itself: embedded.ts asks import.meta.resolve where the package is, and Vite's
// module runner has none.
const { startEmbeddedPostgres } = createRequire(import.meta.url)(
  "../../server/src/ledger/embedded.ts",
) as typeof import("../../server/src/ledger/embedded.ts");

const none = async () => {};

async function startThrowaway(): Promise<{ url: string; stop(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "orch-test-"));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    const postgres = await startEmbeddedPostgres({ dataDir: folder, logger: silentLogger });
    // Nothing here has to survive a power cut.
    for (const setting of ["fsync", "full_page_writes", "synchronous_commit"]) {
      await inDatabase(postgres.url, "postgres", `alter system set ${setting} = off`);
    }
    await inDatabase(postgres.url, "postgres", "select pg_reload_conf()");
    return { url: postgres.url, stop: () => postgres.stop().then(remove) };
  } catch (error) {
    await remove();
    throw error;
  }
}

const urlOf = (server: string, database: string): string => {
  const url = new URL(server);
  url.pathname = `/${database}`;
  return url.href;
};

async function inDatabase(server: string, database: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: urlOf(server, database) });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
