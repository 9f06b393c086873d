import type pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/support/database.ts";
import { ledgerOf, newJob } from "../../../test/support/ledger.ts";
import {
  findNextDueOperation,
  findTenantsWithDueOperations,
  jobSteps,
  type OperationSteps,
  StepFailed,
  takeStepIn,
} from "../ledger/operation-run.ts";
import { jobFilter, operatorOf, runSteps } from "../ledger/testing/operator.ts";
import type { Loop } from "../lib/loop.ts";
import { operations } from "./operations.ts";

let database: TestDatabase;
let loopsPool: pg.Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  loopsPool = database.pool("orch_loops");
});
afterAll(() => database.drop());

const PATIENCE = { timeout: 20_000 };

/** A replica's loop on a pool of its own. */
function replica(over: Partial<OperationSteps> = {}) {
  const steps = { ...jobSteps(1_000), ...runSteps(1_000), ...over };
  const take = takeStepIn(database.pool(), steps);
  const errors: unknown[] = [];
  let stepped = () => {};
  const firstStep = new Promise<void>((resolve) => {
    stepped = resolve;
  });
  const loop: Loop = operations({
    tenantsWithDue: findTenantsWithDueOperations(loopsPool),
    step: async (tenant, except) => {
      try {
        if ((await take(tenant, except)) === undefined) return "nothing";
        stepped();
        return "done";
      } catch (error) {
        if (!(error instanceof StepFailed)) throw error;
        return { failed: error.operationId, error };
      }
    },
    nextDueMs: findNextDueOperation(loopsPool),
    now: () => performance.now(),
    onError: (_, error) => errors.push(error),
  });
  return { loop, errors, firstStep };
}

const jobsOf = async (tenant: string, count: number) => {
  const jobs = Array.from({ length: count }, () => newJob(tenant));
  for (let at = 0; at < count; at += 1_000) {
    await ledgerOf(database.pool(), tenant).store(jobs.slice(at, at + 1_000));
  }
};

const everything = { kind: "matching", filter: jobFilter() } as const;
const cancel = { kind: "cancel", graceMs: undefined } as const;

it("goes on where a replica stopped, and shares with others", async () => {
  const tenants = ["one", "two", "three"];
  const operators = tenants.map((tenant) => operatorOf(database.pool(), tenant));
  await Promise.all(tenants.map((tenant) => jobsOf(tenant, 1_700)));
  const ids = await Promise.all(operators.map((operator) => operator.start(everything, cancel)));
  const first = replica();
  first.loop.start();
  await first.firstStep;
  await first.loop.stop();
  const others = [replica(), replica()];
  for (const { loop } of others) loop.start();
  for (const [at, operator] of operators.entries()) {
    await expect
      .poll(async () => (await operator.find(ids[at] ?? ""))?.state, PATIENCE)
      .toBe("done");
    expect(await operator.find(ids[at] ?? "")).toMatchObject({ applied: 1_700, refused: 0 });
    expect((await operator.results(ids[at] ?? "")).size).toBe(1_700);
  }
  for (const { loop } of others) await loop.stop();
  expect([first, ...others].flatMap(({ errors }) => errors)).toEqual([]);
});

it("leaves alone what fails, so that others go on", async () => {
  const operator = operatorOf(database.pool(), "fails");
  await jobsOf("fails", 10);
  const bad = await operator.start(everything, { kind: "move", queue: "x" });
  const { loop, errors } = replica({
    move: async () => {
      throw new Error("a bug");
    },
  });
  loop.start();
  await expect.poll(() => errors.length, PATIENCE).toBe(1);
  const good = await operator.start(everything, cancel);
  loop.wake();
  await expect.poll(async () => (await operator.find(good))?.state, PATIENCE).toBe("done");
  await loop.stop();
  expect(errors).toHaveLength(1);
  expect(errors[0]).toMatchObject({ operationId: bad, cause: { message: "a bug" } });
  expect(await operator.find(bad)).toMatchObject({ state: "running", applied: 0 });
  // Whoever can do it does it.
  expect(await operator.work()).toBe(1);
  expect(await operator.find(bad)).toMatchObject({ state: "done" });
});
