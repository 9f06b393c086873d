import type pg from "pg";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { expectConservation } from "../../../test/support/conservation.ts";
import { createTestDatabase, type TestDatabase } from "../../../test/support/database.ts";
import { ledgerOf, newJob, type TestLedger, wholeLanes } from "../../../test/support/ledger.ts";
import type { Admit } from "../app/flow/admit-jobs.ts";
import type { JobAction, OperationTarget } from "../domain/operation.ts";
import { LostRace } from "./errors.ts";
import { jobSteps, type OperationSteps, StepFailed, takeStepIn } from "./operation-run.ts";
import type { OperationStep } from "./operation-steps.ts";
import { sql } from "./sql.ts";
import { jobFilter, letterFilter, operatorOf, runSteps } from "./testing/operator.ts";

let database: TestDatabase;
let owner: pg.Pool;
let pool: pg.Pool;
let ledger: TestLedger;
let operator: ReturnType<typeof operatorOf>;

beforeEach(async () => {
  database = await createTestDatabase();
  owner = database.owner();
  pool = database.pool();
  ledger = ledgerOf(pool);
  operator = operatorOf(pool);
});
afterEach(() => database.drop());

const MANY = 1_600;

const enqueue = async (count: number, over: Parameters<typeof newJob>[1] = {}) => {
  const ids: string[] = [];
  while (ids.length < count) {
    const size = Math.min(1_000, count - ids.length);
    const jobs = Array.from({ length: size }, () => newJob("acme", over));
    await ledger.store(jobs);
    ids.push(...jobs.map((job) => job.jobId));
  }
  return ids;
};

/** Claims what is ready in the lanes of a source. */
const claimOf = async (source: string) => {
  const lanes = wholeLanes("acme").map((one) => ({ ...one, lane: { ...one.lane, source } }));
  const [offer] = await ledger.claimWith({ limit: 1, choose: async () => lanes });
  if (offer === undefined) throw new Error(`nothing of ${source} is ready`);
  return offer.lease;
};

/** Lets a job of a source die as they do. */
const enqueueDead = async (source: string) => {
  const [jobId = ""] = await enqueue(1, { source });
  await ledger.fail(await claimOf(source), "user", true);
  return jobId;
};

const deadByHand = async (count: number) => {
  const ids = await enqueue(count);
  await owner.query(`with r as (delete from ready returning *),
    d as (insert into dead_letter (tenant, job_id, signature, pattern, failure_class, job_type,
      queue, source) select tenant, job_id, 's', 'p', 'user', job_type, queue, source from r)
    update job j set base_state = 'dead', ended_at = now() from r where j.id = r.job_id`);
  return ids;
};

const QUEUE = { queue: "narrow", maxDepth: 2, retryAfterMs: 1_000 };

const dueNow = () => owner.query("update operation set next_at = now()");

const matching = (over: Parameters<typeof jobFilter>[0] = {}): OperationTarget => ({
  kind: "matching",
  filter: jobFilter(over),
});

const backend = sql<readonly [], { readonly pid: number }>(
  "test_backend",
  "select pg_backend_pid() as pid",
);

/** Does a step and loses its connection before the commit, as often as `faults` says. */
const faulty =
  (step: OperationStep, faults: { left: number }): OperationStep =>
  async (tx, row) => {
    const [here] = await tx.run(backend);
    const answer = await step(tx, row);
    faults.left -= 1;
    // Every other one, until there are no more.
    if (faults.left >= 0 && faults.left % 2 === 0) {
      await owner.query("select pg_terminate_backend($1)", [here?.pid]);
    }
    return answer;
  };

/** A replica that works until an operation is done, whatever happens to its connections. */
async function replica(id: string, faults: { left: number }): Promise<number> {
  const steps = { ...jobSteps(1_000), ...runSteps(1_000) };
  const broken = Object.fromEntries(
    Object.entries(steps).map(([kind, step]) => [kind, faulty(step, faults)]),
  ) as unknown as OperationSteps;
  const own = database.pool();
  const take = takeStepIn(own, broken);
  let failed = 0;
  for (;;) {
    const state = (await operator.find(id))?.state;
    if (state !== "running") return failed;
    try {
      await take("acme", []);
    } catch (error) {
      if (!(error instanceof StepFailed)) throw error;
      failed += 1;
    }
  }
}

const EVENT_OF: Partial<Record<JobAction["kind"], string>> = {
  retry: "retried",
  cancel: "cancelled",
  discard: "discarded",
};

describe("an operation whose replicas lose their connections in mid-step", () => {
  const cases: readonly [JobAction, OperationTarget, "ready" | "dead"][] = [
    [{ kind: "cancel", graceMs: undefined }, matching(), "ready"],
    [{ kind: "reprioritise", priority: 5 }, matching(), "ready"],
    [{ kind: "move", queue: "elsewhere" }, matching({ queue: "default" }), "ready"],
    [{ kind: "extend_deadline", deadlineMs: 60_000 }, matching(), "ready"],
    [{ kind: "retry" }, { kind: "dead_letters", filter: letterFilter() }, "dead"],
    [{ kind: "discard" }, matching({ states: ["dead"] }), "dead"],
  ];

  it.each(cases)("does each job once: $kind", async (action, target, state) => {
    const ids = state === "dead" ? await deadByHand(MANY) : await enqueue(MANY);
    const id = await operator.start(target, action);
    const late = await enqueue(10);
    const faults = { left: 7 };
    const failed = await Promise.all([replica(id, faults), replica(id, faults)]);
    expect(failed[0] + failed[1]).toBe(4);
    const operation = await operator.find(id);
    expect(operation).toMatchObject({
      state: "done",
      matching: MANY,
      applied: MANY,
      unchanged: 0,
      refused: 0,
    });
    const results = await operator.results(id);
    expect([...results.keys()].sort()).toEqual(ids.sort());
    expect(new Set(results.values())).toEqual(new Set(["applied"]));
    // Exactly once, by the jobs' own history; and what came later is as it was.
    const { rows } = await owner.query(
      `select count(*)::int as events, count(distinct job_id)::int as jobs,
        bool_or(job_id = any ($2)) as late
      from job_event where kind = $1`,
      [EVENT_OF[action.kind] ?? "updated", late],
    );
    expect(rows).toEqual([{ events: MANY, jobs: MANY, late: false }]);
    await expectConservation(owner);
  });
});

describe("an operation", () => {
  it("answers what happened to jobs that were named, existing or not", async () => {
    const [ready = "", cancelled = ""] = await enqueue(2);
    await ledger.cancel([cancelled]);
    const missing = "0190a1b2-0000-7000-8000-000000000000";
    const jobIds = [cancelled, ready, missing, ready];
    const id = await operator.start({ kind: "jobs", jobIds }, { kind: "retry" });
    await operator.work();
    expect(await operator.find(id)).toMatchObject({ matching: 3, applied: 0, unchanged: 1 });
    expect(await operator.results(id)).toEqual(
      new Map([
        [missing, "JOB_NOT_FOUND"],
        [ready, "unchanged"],
        [cancelled, "JOB_NOT_DEAD"],
      ]),
    );
  });

  it("finds what matches among much that does not, in bounded steps", async () => {
    const first = await enqueue(1, { source: "rare" });
    await enqueue(3_000);
    const last = await enqueue(1, { source: "rare" });
    const counted = await operator.count(matching({ source: "rare" }), "cancel");
    expect(counted).toEqual({ matching: 2, sampleJobIds: [...first, ...last] });
    const id = await operator.start(matching({ source: "rare" }), {
      kind: "cancel",
      graceMs: undefined,
    });
    expect(await operator.step()).toMatchObject({ done: false, results: [{ jobId: first[0] }] });
    expect(await operator.step()).toMatchObject({ done: true, results: [{ jobId: last[0] }] });
    expect(await operator.find(id)).toMatchObject({ state: "done", applied: 2 });
  });

  it("keeps to its rate", async () => {
    const ids = await enqueue(7);
    const id = await operator.start(matching(), { kind: "reprioritise", priority: 1 }, 10);
    expect((await operator.step())?.results.map(({ jobId }) => jobId)).toEqual(ids.slice(0, 2));
    const { rows } = await owner.query(
      `select extract(epoch from o.next_at - max(e.at))::double precision as rest
      from operation o, job_event e where e.kind = 'updated' group by o.next_at`,
    );
    // Two at ten a second; the step itself may have taken a part of that.
    expect(rows[0].rest).toBeGreaterThan(0);
    expect(rows[0].rest).toBeLessThanOrEqual(0.2);
    await dueNow();
    expect((await operator.step())?.results.map(({ jobId }) => jobId)).toEqual(ids.slice(2, 4));
    await dueNow();
    await operator.step();
    await dueNow();
    expect(await operator.step()).toMatchObject({ done: true, results: [{ jobId: ids[6] }] });
    expect(await operator.find(id)).toMatchObject({ applied: 7 });
  });

  it("takes turns with others", async () => {
    await enqueue(1_200);
    const target = matching();
    const one = await operator.start(target, { kind: "reprioritise", priority: 1 });
    const other = await operator.start(target, { kind: "move", queue: "elsewhere" });
    const applied = async () =>
      [await operator.find(one), await operator.find(other)].map((found) => found?.applied);
    await operator.step();
    expect(await applied()).toEqual([500, 0]);
    await operator.step();
    expect(await applied()).toEqual([500, 500]);
    await operator.step();
    expect(await applied()).toEqual([1_000, 500]);
  });

  it("stops where it is", async () => {
    await enqueue(600);
    const id = await operator.start(matching(), { kind: "cancel", graceMs: undefined });
    await operator.step();
    const stopped = { kind: "ok", operation: { state: "stopped", applied: 500 } };
    expect(await operator.stop(id)).toMatchObject(stopped);
    expect(await operator.step()).toBeUndefined();
    expect(await operator.stop(id)).toMatchObject(stopped);
    const { rows } = await owner.query(
      "select kind, actor, reason, ticket from operator_action where target_name = $1 order by id",
      [id],
    );
    const said = { actor: "ada", reason: "because", ticket: "T-1" };
    expect(rows).toEqual([
      { kind: "operation_started", ...said },
      { kind: "operation_stopped", ...said },
    ]);
  });

  it("goes through a run in its order, whatever the ids", async () => {
    const jobs = Array.from({ length: 1_000 }, () => newJob("acme"));
    const inRun = jobs.toReversed();
    const runId = "0190a1b2-0000-7000-8000-00000000000a";
    await ledger.storeRun({
      tenant: "acme",
      runId,
      displayName: "",
      project: "",
      correlationId: runId,
      contentDigest: inRun[0]?.contentDigest ?? new Uint8Array(),
      jobs: inRun.map((job, at) => ({ job, name: `n${at}`, unmet: 0 })),
      edges: [],
    });
    await enqueue(5);
    const target = matching({ runId });
    expect(await operator.count(target, "cancel")).toEqual({
      matching: 1_000,
      sampleJobIds: inRun.slice(0, 10).map((job) => job.jobId),
    });
    const cancel = { kind: "cancel", graceMs: undefined } as const;
    // At once, and at rates that take small and large parts.
    const slow = await operator.start(target, { kind: "reprioritise", priority: 1 }, 1_000);
    const slower = await operator.start(target, { kind: "move", queue: "elsewhere" }, 160);
    for (let step = 0; step < 29; step++) {
      await operator.step();
      await dueNow();
    }
    expect(await operator.find(slow)).toMatchObject({ state: "done", applied: 1_000 });
    expect(await operator.find(slower)).toMatchObject({ state: "done", applied: 1_000 });
    const id = await operator.start(target, cancel);
    const seen: string[] = [];
    for (;;) {
      const step = await operator.step();
      if (step === undefined) break;
      // Within a step jobs are locked by id; which jobs a step has is what counts.
      seen.push(...step.results.map(({ jobId }) => jobId).toSorted(byPlace(inRun)));
    }
    expect(seen).toEqual(inRun.map((job) => job.jobId));
    expect(await operator.find(id)).toMatchObject({ matching: 1_000, applied: 1_000 });
  });

  it("looks at dead letters by what is known about them", async () => {
    const a = await enqueueDead("osv");
    const b = await enqueueDead("");
    const target = (over: Parameters<typeof letterFilter>[0]): OperationTarget => ({
      kind: "dead_letters",
      filter: letterFilter(over),
    });
    const matches = async (over: Parameters<typeof letterFilter>[0]) =>
      (await operator.count(target(over), "discard")).sampleJobIds;
    expect(await matches({})).toEqual([a, b]);
    expect(await matches({ source: "osv" })).toEqual([a]);
    expect(await matches({ queue: "elsewhere" })).toEqual([]);
    expect(await matches({ jobTypes: ["test.echo"] })).toEqual([a, b]);
    expect(await matches({ failureClasses: ["http_429"] })).toEqual([]);
    expect(await matches({ failureClasses: ["user", "http_429"] })).toEqual([a, b]);
    expect(await matches({ diedBefore: new Date(0) })).toEqual([]);
    expect(await matches({ diedFrom: new Date(0) })).toEqual([a, b]);
    const { rows } = await owner.query("select signature from dead_letter where job_id = $1", [a]);
    expect(await matches({ signature: rows[0].signature })).toEqual([a, b]);
    // Moments survive being stored.
    const id = await operator.start(target({ diedFrom: new Date(0), source: "osv" }), {
      kind: "retry",
    });
    await operator.work();
    expect([...(await operator.results(id))]).toEqual([[a, "applied"]]);
  });

  it("gives back places of jobs that did not move, and all if nothing is committed", async () => {
    const ids = await enqueue(3);
    const used: string[][] = [];
    const admit: Admit = async (_, jobs) => ({
      // A place less than is wanted.
      full: new Map([[jobs.length - 1, { kind: "queue_full", ...QUEUE }]]),
      settle: (isNew) => {
        used.push(ids.filter((_id, position) => isNew(position)));
      },
    });
    const move = jobSteps(1_000, admit).move;
    const steps = { ...jobSteps(1_000), ...runSteps(1_000), move: faulty(move, { left: 1 }) };
    const take = takeStepIn(pool, steps);
    const id = await operator.start(matching(), { kind: "move", queue: QUEUE.queue });
    await expect(take("acme", [])).rejects.toBeInstanceOf(StepFailed);
    expect(used).toEqual([[]]);
    await take("acme", []);
    expect(used).toEqual([[], ids.slice(0, 2)]);
    expect([...(await operator.results(id)).values()]).toEqual([
      "applied",
      "applied",
      "QUEUE_FULL",
    ]);
  });

  it("gives back the places of a step that fails, or is run again", async () => {
    const ids = await enqueue(2);
    const used: string[][] = [];
    const admit: Admit = async () => ({
      full: new Map(),
      settle: (isNew) => {
        used.push(ids.filter((_id, position) => isNew(position)));
      },
    });
    const move = jobSteps(1_000, admit).move;
    let isLost = false;
    // Loses a race after its work, once.
    const racing: OperationStep = async (tx, row) => {
      const answer = await move(tx, row);
      return {
        ...answer,
        get results() {
          if (isLost) return answer.results;
          isLost = true;
          throw new LostRace("the first time");
        },
      };
    };
    const take = takeStepIn(pool, { ...jobSteps(1_000), ...runSteps(1_000), move: racing });
    await operator.start(matching(), { kind: "move", queue: QUEUE.queue });
    await owner.query("revoke insert on job_event from orch_app");
    await expect(take("acme", [])).rejects.toBeInstanceOf(StepFailed);
    expect(used).toEqual([[]]);
    await owner.query("grant insert on job_event to orch_app");
    await take("acme", []);
    expect(used).toEqual([[], [], ids]);
  });

  it("narrows by everything that a job filter can say", async () => {
    const [a = ""] = await enqueue(1, { source: "osv", project: "p", labels: { team: "x" } });
    const [b = ""] = await enqueue(1, { jobType: "test.other", queue: "q2" });
    expect((await claimOf("osv")).jobId).toBe(a);
    const matches = async (over: Parameters<typeof jobFilter>[0]) =>
      (await operator.count(matching(over), "cancel")).sampleJobIds;
    expect(await matches({})).toEqual([a, b]);
    expect(await matches({ states: ["ready"] })).toEqual([b]);
    expect(await matches({ states: ["succeeded"] })).toEqual([]);
    expect(await matches({ workerId: "worker-1" })).toEqual([a]);
    expect(await matches({ jobTypes: ["test.other", "x"] })).toEqual([b]);
    expect(await matches({ queue: "q2" })).toEqual([b]);
    expect(await matches({ source: "osv" })).toEqual([a]);
    expect(await matches({ project: "p" })).toEqual([a]);
    expect(await matches({ labels: { team: "x" } })).toEqual([a]);
    expect(await matches({ labels: { team: "y" } })).toEqual([]);
    expect(await matches({ createdBefore: new Date(0) })).toEqual([]);
    expect(await matches({ createdFrom: new Date(0) })).toEqual([a, b]);
  });
});

const byPlace = (jobs: readonly { readonly jobId: string }[]) => {
  const places = new Map(jobs.map(({ jobId }, at) => [jobId, at]));
  return (a: string, b: string) => (places.get(a) ?? 0) - (places.get(b) ?? 0);
};
