import type pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/support/database.ts";
import { insertOneOfEach } from "../../../test/support/ledger-rows.ts";

/** "new row violates row-level security policy" and "permission denied" share this SQLSTATE. */
const INSUFFICIENT_PRIVILEGE = "42501";

const TABLES_WITH_TENANT = `select c.relname as name from pg_class c
  join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant' and not a.attisdropped
  where c.relkind in ('r', 'p') and c.relnamespace = current_schema()::regnamespace
  order by 1`;

let database: TestDatabase;
let owner: pg.Pool;
let app: pg.Pool;
let tables: string[];

beforeAll(async () => {
  database = await createTestDatabase();
  owner = database.owner();
  app = database.pool("orch_app");
  await insertOneOfEach(owner, "a");
  await insertOneOfEach(owner, "b");
  const { rows } = await owner.query<{ name: string }>(TABLES_WITH_TENANT);
  tables = rows.map((row) => row.name);
});
afterAll(() => database.drop());

/** Runs a statement as orch_app with the setting as given, and takes back what it did. */
async function asApp(
  tenants: string | undefined,
  statement: string,
  values: unknown[] = [],
): Promise<pg.QueryResult | "refused"> {
  const client = await app.connect();
  try {
    await client.query("begin");
    if (tenants !== undefined) {
      await client.query("select set_config('orch.tenants', $1, true)", [tenants]);
    }
    return await client.query(statement, values);
  } catch (error) {
    if ((error as { code?: string }).code === INSUFFICIENT_PRIVILEGE) return "refused";
    throw error;
  } finally {
    await client.query("rollback");
    // Thrown away, so that "unset" means a session in which nobody has ever set it.
    client.release(true);
  }
}

const changed = (result: pg.QueryResult | "refused"): number =>
  result === "refused" ? 0 : (result.rowCount ?? 0);

describe("schema", () => {
  it("knows the tables", () => expect(tables.length).toBeGreaterThanOrEqual(14));

  it("has row-level security and a policy on every table with a tenant", async () => {
    const { rows } = await owner.query<{ name: string }>(
      `select c.relname as name from pg_class c
        where c.relname = any ($1) and c.relnamespace = current_schema()::regnamespace
          and (not c.relrowsecurity or not exists (
            select from pg_policy p where p.polrelid = c.oid
              and p.polroles @> array[(select oid from pg_roles where rolname = 'orch_app')]))`,
      [tables],
    );
    expect(rows).toEqual([]);
  });

  it("starts every primary and unique key with the tenant", async () => {
    const { rows } = await owner.query<{ table: string; index: string }>(
      `select i.indrelid::regclass::text as table, i.indexrelid::regclass::text as index
        from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
        where i.indrelid::regclass::text = any ($1) and i.indisunique and a.attname <> 'tenant'`,
      [tables],
    );
    expect(rows).toEqual([]);
    const keyed = await owner.query<{ name: string }>(
      "select indrelid::regclass::text as name from pg_index where indisprimary",
    );
    const names = keyed.rows.map((row) => row.name);
    expect(tables.filter((table) => !names.includes(table))).toEqual([]);
  });

  it("has the tenant in every foreign key, on both sides", async () => {
    const { rows } = await owner.query<{ name: string }>(
      `select conname as name from pg_constraint f
        where f.contype = 'f' and f.conrelid::regclass::text = any ($1) and not exists (
          select from unnest(f.conkey, f.confkey) as k(here, there)
            join pg_attribute h on h.attrelid = f.conrelid and h.attnum = k.here
            join pg_attribute t on t.attrelid = f.confrelid and t.attnum = k.there
            where h.attname = 'tenant' and t.attname = 'tenant')`,
      [tables],
    );
    expect(rows).toEqual([]);
  });

  it("gives its roles no way around", async () => {
    const { rows: roles } = await owner.query(
      `select rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication,
          (select count(*)::int from pg_auth_members m where m.member = r.oid) as memberships
        from pg_roles r where rolname in ('orch_app', 'orch_loops') order by 1`,
    );
    const none = {
      rolsuper: false,
      rolbypassrls: false,
      rolcreaterole: false,
      rolcreatedb: false,
      rolreplication: false,
      memberships: 0,
    };
    expect(roles).toEqual([
      { rolname: "orch_app", ...none },
      { rolname: "orch_loops", ...none },
    ]);
    const { rows: owned } = await owner.query(
      `select relname from pg_class c join pg_roles r on r.oid = c.relowner
        where r.rolname in ('orch_app', 'orch_loops')`,
    );
    expect(owned).toEqual([]);
  });

  it("lets the loops read no table that says what a job is", async () => {
    const { rows } = await owner.query<{ name: string }>(
      `select t.name from unnest($1::text[]) as t(name)
        where has_any_column_privilege('orch_loops', t.name, 'select') order by 1`,
      [tables],
    );
    expect(rows.map((row) => row.name)).toEqual([
      "backfill",
      "capability",
      "cascade",
      "claim_receipt",
      "flow_usage",
      "idempotency_key",
      "lease",
      "operation",
      "schedule",
      "scheduled",
      "take_out",
      "window_series",
    ]);
  });
});

describe("every table", () => {
  it("has a row of both tenants in this test", async () => {
    for (const table of tables) {
      const { rows } = await owner.query(`select distinct tenant from ${table} order by 1`);
      expect(rows, table).toEqual([{ tenant: "a" }, { tenant: "b" }]);
    }
  });

  it.each([undefined, ""])("shows nothing when the tenants are %o", async (tenants) => {
    for (const table of tables) {
      const result = await asApp(tenants, `select from ${table}`);
      expect(changed(result), table).toBe(0);
    }
  });

  it("shows a tenant its own rows only", async () => {
    for (const table of tables) {
      const result = await asApp("a", `select distinct tenant from ${table}`);
      expect(result === "refused" ? result : result.rows, table).toEqual([{ tenant: "a" }]);
    }
  });

  it("lets a tenant change or delete no row of another", async () => {
    for (const table of tables) {
      const update = `update ${table} set tenant = tenant where tenant = 'b'`;
      expect(changed(await asApp("a", update)), `${table}: update`).toBe(0);
      const remove = `delete from ${table} where tenant = 'b'`;
      expect(changed(await asApp("a", remove)), `${table}: delete`).toBe(0);
    }
  });

  it("lets a tenant give no row to another", async () => {
    for (const table of tables) {
      const result = await asApp("a", `update ${table} set tenant = 'b' where tenant = 'a'`);
      expect(result, table).toBe("refused");
    }
  });

  it("lets a tenant insert no row for another", async () => {
    for (const table of tables) {
      const { rows } = await owner.query(
        `select to_jsonb(t) as row from ${table} t where tenant = 'b' limit 1`,
      );
      const insert = `insert into ${table} overriding system value
        select * from jsonb_populate_record(null::${table}, $1)`;
      expect(await asApp("a", insert, [rows[0].row]), table).toBe("refused");
      expect(await asApp("", insert, [rows[0].row]), table).toBe("refused");
    }
  });
});
