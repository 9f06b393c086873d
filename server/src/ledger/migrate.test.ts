import pg from "pg";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/support/database.ts";
import { migrate } from "./migrate.ts";

let database: TestDatabase;
let owner: pg.Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  owner = database.owner();
});

afterAll(() => database.drop());

const setChecksum = (checksum: string) =>
  owner.query("update schema_migration set checksum = $1 where name like '0001%'", [checksum]);

describe("migrate", () => {
  it("has nothing to do the second time", async () => {
    expect(await migrate(database.url)).toEqual({ applied: [] });
  });

  it("refuses a migration that was edited after it had been applied", async () => {
    const { rows } = await owner.query(
      "select checksum from schema_migration where name like '0001%'",
    );
    await setChecksum("other");
    await expect(migrate(database.url)).rejects.toThrow("0001_ledger.sql was changed after");
    await setChecksum(rows[0].checksum);
  });

  it("refuses a database that a newer server has used", async () => {
    await owner.query(
      "insert into schema_migration (name, checksum) values ('9999_future.sql', '')",
    );
    await expect(migrate(database.url)).rejects.toThrow("start that version");
    await owner.query("delete from schema_migration where name = '9999_future.sql'");
  });

  it("is done once when replicas start together", async () => {
    const url = new URL(database.url);
    const name = `${url.pathname.slice(1)}_empty`;
    const admin = new pg.Client({ connectionString: inject("postgresUrl") });
    await admin.connect();
    await admin.query(`create database ${name}`);
    url.pathname = `/${name}`;
    const results = await Promise.all([1, 2, 3].map(() => migrate(url.href)));
    await admin.query(`drop database ${name} with (force)`);
    await admin.end();
    expect(results.filter(({ applied }) => applied.length > 0)).toHaveLength(1);
  });

  it("says what to do when the user may not make the roles", async () => {
    const url = new URL(database.url);
    const role = `limited_${process.pid}`;
    await owner.query(`create role ${role} login password 'x'`);
    const admin = new pg.Client({ connectionString: inject("postgresUrl") });
    await admin.connect();
    await admin.query(`create database ${role} owner ${role}`);
    Object.assign(url, { pathname: `/${role}`, username: role, password: "x" });
    await expect(migrate(url.href)).rejects.toThrow(/admin option|permission denied.*CREATEROLE/);
    await admin.query(`drop database ${role} with (force)`);
    await admin.query(`drop role ${role}`);
    await admin.end();
  });
});
