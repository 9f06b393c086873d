import { glob } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/support/database.ts";
import type { LedgerRole } from "./pool.ts";
import { isStatement, type Statement } from "./sql.ts";

interface Found {
  readonly file: string;
  readonly exportName: string;
  readonly role: LedgerRole;
  readonly statement: Statement<readonly unknown[], unknown>;
}

/** A part of a plan. */
interface Plan {
  readonly "Index Name"?: string;
  readonly "Index Cond"?: string;
  readonly Plans?: readonly Plan[];
}

const scans = (plan: Plan): readonly Plan[] => [plan, ...(plan.Plans ?? []).flatMap(scans)];

const FOLDER = new URL("../", import.meta.url);

/** Every statement there is. They run as orch_app, unless their name starts with "loops_". */
async function findStatements(): Promise<Found[]> {
  const found: Found[] = [];
  for await (const file of glob("**/*.sql.ts", { cwd: fileURLToPath(FOLDER) })) {
    const exported: Record<string, unknown> = await import(new URL(file, FOLDER).href);
    for (const [exportName, value] of Object.entries(exported)) {
      // A family of variants is a map of statements.
      for (const statement of value instanceof Map ? value.values() : [value]) {
        if (!isStatement(statement)) continue;
        const role = statement.name.startsWith("loops_") ? "orch_loops" : "orch_app";
        found.push({ file, exportName, role, statement });
      }
    }
  }
  return found;
}

const statements = await findStatements();

describe("statements", () => {
  let database: TestDatabase;
  const pools = new Map<LedgerRole, pg.Pool>();

  beforeAll(async () => {
    database = await createTestDatabase();
    for (const role of ["orch_app", "orch_loops"] as const) pools.set(role, database.pool(role));
  });
  afterAll(() => database.drop());

  it("are found", () => expect(statements.length).toBeGreaterThan(0));

  it("have names of their own, because a name is a plan", () => {
    const owners = new Map<string, string[]>();
    for (const { file, exportName, statement } of statements) {
      const key = statement.name;
      owners.set(key, [...(owners.get(key) ?? []), `${file}:${exportName}`]);
    }
    expect([...owners].filter(([, where]) => where.length > 1)).toEqual([]);
    // Postgres cuts names at 63 bytes, and what is cut can clash.
    expect([...owners.keys()].filter((name) => name.length > 63)).toEqual([]);
  });

  it.each(statements)("$file $exportName can be prepared and run by its role", async (found) => {
    const client = await pools.get(found.role)?.connect();
    if (client === undefined) throw new Error(`no pool for ${found.role}`);
    try {
      await client.query("set plan_cache_mode = force_generic_plan");
      await client.query(`prepare probe as ${found.statement.text}`);
      const { rows } = await client.query<{ count: number }>(
        `select cardinality(parameter_types) as count from pg_prepared_statements
          where name = 'probe'`,
      );
      // PREPARE checks names and types; EXPLAIN also checks what the role may do, and runs nothing.
      const nulls = Array.from({ length: rows[0]?.count ?? 0 }, () => "null").join(", ");
      const explained = await client.query<{ "QUERY PLAN": readonly { Plan: Plan }[] }>(
        `explain (format json) execute probe${nulls === "" ? "" : `(${nulls})`}`,
      );
      // By names alone the jobs of a run are found by reading all of it, or worse.
      for (const scan of explained.rows[0]?.["QUERY PLAN"].flatMap((one) => scans(one.Plan)) ??
        []) {
        if (scan["Index Name"] === "job_name_in_run")
          expect(scan["Index Cond"]).toContain("name =");
      }
    } finally {
      client.release(true);
    }
  });
});
