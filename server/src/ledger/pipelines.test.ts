import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/support/database.ts";
import { jobSpec } from "../../../test/support/ledger.ts";
import type { Pipeline } from "../domain/plan/pipeline.ts";
import { findPipelineIn, storePipelineIn } from "./pipelines.ts";

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const audit = { actor: "ada", reason: "", ticket: "" };

const pipeline: Pipeline = {
  name: "nightly",
  description: "",
  parameters: [{ name: "p", kind: "json", description: "", defaultValue: null }],
  jobs: [
    {
      name: "one",
      spec: jobSpec({ payload: new Uint8Array([0, 255]), retry: { maxAttempts: 3 } }),
      payloadTemplate: { b: "\0", a: [1] },
      dependsOn: [],
    },
  ],
};

describe("a pipeline", () => {
  it("is read as it was written, keys of templates in their order", async () => {
    const pool = database.pool();
    const stored = await storePipelineIn(pool)("acme", pipeline, audit, () => "write");
    if (stored.kind !== "stored") throw new Error(stored.kind);
    const { version, createdAt, ...rest } = stored.pipeline;
    expect(rest).toEqual(pipeline);
    expect(JSON.stringify(rest.jobs[0]?.payloadTemplate)).toBe('{"b":"\\u0000","a":[1]}');
    expect(await findPipelineIn(pool)("acme", "nightly", 0)).toEqual(stored.pipeline);
    expect(await findPipelineIn(pool)("other", "nightly", 0)).toBeUndefined();
  });

  it("is neither stored nor recorded if the history cannot be written", async () => {
    const owner = database.owner();
    // Fails after the version was inserted, as a backend that dies there would.
    await owner.query(
      "alter table operator_action add constraint half_way check (tenant <> 'half') not valid",
    );
    const store = storePipelineIn(database.pool());
    await expect(store("half", pipeline, audit, () => "write")).rejects.toThrow("half_way");
    const { rows } = await owner.query("select 1 from pipeline where tenant = 'half'");
    expect(rows).toEqual([]);
    await owner.query("alter table operator_action drop constraint half_way");
    expect(await store("half", pipeline, audit, () => "write")).toMatchObject({
      kind: "stored",
      pipeline: { version: 1 },
    });
  });
});
