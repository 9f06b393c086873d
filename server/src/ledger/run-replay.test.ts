import type pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/support/database.ts";
import { ledgerOf, newJob, type TestLedger } from "../../../test/support/ledger.ts";
import { type ReplaySpec, replayRun } from "../app/runs/replay-run.ts";
import { newId } from "../lib/ids.ts";
import { StepFailed, takeStepIn } from "./operation-run.ts";
import type { OperationStep } from "./operation-steps.ts";
import { cancelRunIn } from "./run-cancel.ts";
import {
  describeJobsIn,
  findReplayIn,
  loadReplayIn,
  reusedByIn,
  storeReplayIn,
} from "./run-replay.ts";
import { replayRunStep } from "./run-replay-step.ts";
import { operatorOf, runSteps } from "./testing/operator.ts";

let database: TestDatabase;
let owner: pg.Pool;
let pool: pg.Pool;
let ledger: TestLedger;
let operator: ReturnType<typeof operatorOf>;

beforeAll(async () => {
  database = await createTestDatabase();
  owner = database.owner();
  pool = database.pool();
  ledger = ledgerOf(pool);
  operator = operatorOf(pool);
});
afterAll(() => database.drop());

const said = { actor: "ada", reason: "", ticket: "" };

type Shape = readonly (readonly [from: number, to: number])[];

/** Stores a run of jobs that are named after their indices; answers its id. */
async function store(size: number, shape: Shape): Promise<string> {
  const ids = Array.from({ length: size }, () => newId());
  const unmet = new Map<number, number>();
  for (const [, to] of shape) unmet.set(to, (unmet.get(to) ?? 0) + 1);
  const runId = newId();
  const edge = { condition: "success", onFailure: "cancel", includeFanOut: false } as const;
  await ledger.storeRun({
    ...{ tenant: ledger.tenant, runId, displayName: "", project: "", correlationId: runId },
    ...{ contentDigest: Buffer.alloc(32, 1), open: false },
    jobs: ids.map((id, at) => {
      return { job: newJob(ledger.tenant, {}, id), name: `${at}`, unmet: unmet.get(at) ?? 0 };
    }),
    edges: shape.map(([from, to]) => ({ from: ids[from] ?? "", to: ids[to] ?? "", ...edge })),
  });
  return runId;
}

const ports = () => ({
  load: loadReplayIn(pool),
  find: findReplayIn(pool),
  store: storeReplayIn(pool),
  describe: describeJobsIn(pool),
  reusedBy: reusedByIn(pool),
});

const replay = (runId: string, over: Partial<ReplaySpec> = {}, overPorts = {}) =>
  replayRun({ ...ports(), ...overPorts })(ledger.tenant, {
    ...{ runId, requestId: undefined, jobNames: [], includeDownstream: false },
    ...{ rerunUpstream: false, dryRun: false, ...said, ...over },
  });

/** Does what is due, but every step's first try fails after all that it did. */
async function workWithFailures(): Promise<number> {
  const inner = replayRunStep();
  let tries = 0;
  const failing: OperationStep = async (tx, operation) => {
    const answer = await inner(tx, operation);
    if (tries++ % 2 === 0) throw new Error("killed");
    return answer;
  };
  const step = takeStepIn(pool, { ...operatorSteps(), replay_run: failing });
  for (;;) {
    try {
      if ((await step(ledger.tenant, [])) === undefined) return tries;
    } catch (error) {
      if (!(error instanceof StepFailed)) throw error;
    }
  }
}

const operatorSteps = () => ({ ...runSteps(0), ...NO_STEPS });

const never: OperationStep = async () => {
  throw new Error("not of this test");
};
const NO_STEPS = {
  ...{ retry: never, cancel: never, discard: never },
  ...{ reprioritise: never, move: never, extend_deadline: never },
};

async function graphOf(runId: string) {
  const jobs = await owner.query(
    "select name, base_state, unmet from job where run_id = $1 order by run_position",
    [runId],
  );
  const edges = await owner.query(
    `select f.name as first, t.name as second from edge e join job f on f.id = e.from_job
     join job t on t.id = e.to_job where e.run_id = $1`,
    [runId],
  );
  return {
    jobs: jobs.rows.map((row) => `${row.name} ${row.base_state} ${row.unmet}`),
    edges: edges.rows.map((row) => `${row.first} ${row.second}`).sort(),
  };
}

/** What {@link graphOf} says of a run of some of the jobs, of which nothing has started. */
function expected(names: readonly number[], shape: Shape) {
  const kept = new Set(names);
  const edges = shape.filter(([from, to]) => kept.has(from) && kept.has(to));
  const unmet = new Map<number, number>();
  for (const [, to] of edges) unmet.set(to, (unmet.get(to) ?? 0) + 1);
  return {
    jobs: names.map((name) => {
      const count = unmet.get(name) ?? 0;
      return `${name} ${count > 0 ? "blocked" : "ready"} ${count}`;
    }),
    edges: edges.map(([from, to]) => `${from} ${to}`).sort(),
  };
}

describe("a replay that takes many steps", () => {
  it("is all there once, although each step was killed", async () => {
    const width = 5_300;
    const size = width + 601;
    // One job waits for more than a step looks at; the others for that one and one more.
    const shape: Shape = [
      ...Array.from({ length: width }, (_, at) => [at, width] as const),
      ...Array.from({ length: 600 }, (_, at) => [width, width + 1 + at] as const),
      ...Array.from({ length: 600 }, (_, at) => [at, width + 1 + at] as const),
    ];
    const runId = await store(size, shape);
    const request = { tenant: ledger.tenant, runId, requestId: newId(), graceMs: 0, ...said };
    await cancelRunIn(pool)(request);
    await operator.work();

    const all = await replay(runId);
    expect(all).toMatchObject({ kind: "replay", runningCount: size });
    expect(await workWithFailures()).toBeGreaterThan(60);
    const first = all.kind === "replay" ? (all.run?.runId ?? "") : "";
    expect(await graphOf(first)).toEqual(expected([...Array(size).keys()], shape));
    // Each step reads the selection.
    const { rows } = await owner.query(
      "select length(request::text) as size from operation where id = $1",
      [first],
    );
    expect(rows[0].size).toBeLessThan(size + 200);

    const odd = [...Array(size).keys()].filter((at) => at % 7 === 1 || at === width);
    const some = await replay(runId, { jobNames: odd.map(String) });
    await workWithFailures();
    const second = some.kind === "replay" ? (some.run?.runId ?? "") : "";
    expect(await graphOf(second)).toEqual(expected(odd, shape));
  });
});

describe("a run whose job is retried while a replay is planned", () => {
  it.each([false, true])("is not replayed; the job dies again: %s", async (again) => {
    await owner.query("truncate ready, lease, scheduled");
    const runId = await store(1, []);
    const lease = await ledger.claimOne();
    await ledger.fail(lease, "user", true);
    const load = async (tenant: string, id: string) => {
      const loaded = await loadReplayIn(pool)(tenant, id);
      await ledger.retry([lease.jobId]);
      if (again) await ledger.fail(await ledger.claimOne(), "user", true);
      return loaded;
    };
    expect(await replay(runId, {}, { load })).toEqual({ kind: "run_active" });
    const { rowCount } = await owner.query("select from run where replay_of = $1", [runId]);
    expect(rowCount).toBe(0);
    // Afterwards it is, if it is finished.
    const kind = again ? "replay" : "run_active";
    expect(await replay(runId)).toMatchObject({ kind });
  });

  it("is not replayed either if another one died later", async () => {
    await owner.query("truncate ready, lease, scheduled");
    const runId = await store(2, []);
    const leases = [await ledger.claimOne(), await ledger.claimOne()];
    for (const lease of leases) await ledger.fail(lease, "user", true);
    const load = async (tenant: string, id: string) => {
      const loaded = await loadReplayIn(pool)(tenant, id);
      await ledger.retry([leases[0]?.jobId ?? ""]);
      return loaded;
    };
    expect(await replay(runId, {}, { load })).toEqual({ kind: "run_active" });
  });
});
