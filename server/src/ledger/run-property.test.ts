import fc from "fast-check";
import type pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/support/database.ts";
import { ledgerOf, newJob, type TestLedger } from "../../../test/support/ledger.ts";
import type { NewRun } from "../app/runs/create-run.ts";
import { type Dependency, edgeEffect, type JobEnd } from "../domain/graph.ts";
import type { NewJob } from "../domain/job-spec.ts";
import type { LeaseRef } from "../domain/lease.ts";
import { newId } from "../lib/ids.ts";
import { cascadeIn } from "./cascade.ts";
import { appendJobsIn } from "./run-append.ts";

let database: TestDatabase;
let owner: pg.Pool;
let pool: pg.Pool;
let ledger: TestLedger;

beforeAll(async () => {
  database = await createTestDatabase();
  owner = database.owner();
  pool = database.pool();
  ledger = ledgerOf(pool);
});
afterAll(() => database.drop());

type State = "blocked" | "ready" | "running" | "succeeded" | "dead" | "cancelled" | "skipped";

interface ModelEdge extends Omit<Dependency, "name"> {
  readonly from: string;
  readonly to: string;
  /** What the end of its first job means, once it has been told; taken back by a retry. */
  effect: "met" | undefined;
  /** Made after the end of its first job: a retry does not take it back. */
  readonly settled: boolean;
}

/** What the contract says about a run, one thing after the other and without a database. */
class Model {
  readonly states = new Map<string, State>();
  readonly edges: ModelEdge[] = [];

  add(name: string, dependsOn: readonly Dependency[]): void {
    this.states.set(name, "blocked");
    for (const { name: from, ...policy } of dependsOn) {
      const settled = this.#endOf(from) !== undefined;
      this.edges.push({ ...policy, from, to: name, effect: undefined, settled });
    }
  }

  /** What is appended by a handler: those wait for it that wait for the handler's fan-out. */
  fanOut(by: string, added: readonly string[], before: ReadonlySet<string>): void {
    const joins = this.edges.filter(
      ({ from, to, includeFanOut }) => from === by && includeFanOut && before.has(to),
    );
    for (const join of joins) {
      for (const from of added) {
        this.edges.push({ ...join, from, effect: undefined, settled: false });
      }
    }
  }

  /** Tells those that are new what ended before them, and lets go what waits for nothing. */
  settle(names: readonly string[]): void {
    const ended: string[] = [];
    for (const name of names) {
      const effects = this.edges
        .filter((edge) => edge.to === name)
        .map((edge) => {
          const end = this.#endOf(edge.from);
          const effect = end === undefined ? "none" : edgeEffect(edge, end);
          if (effect === "met") edge.effect = "met";
          return names.includes(edge.from) ? "none" : effect;
        });
      if (effects.includes("cancel")) this.states.set(name, "cancelled");
      else if (effects.includes("skip")) this.states.set(name, "skipped");
      else continue;
      ended.push(name);
    }
    for (const name of ended) this.#tell(name);
    for (const name of names) this.#free(name);
  }

  start(name: string): void {
    expect(this.states.get(name)).toBe("ready");
    this.states.set(name, "running");
  }

  end(name: string, state: "succeeded" | "dead" | "cancelled"): void {
    this.states.set(name, state);
    this.#tell(name);
  }

  retry(name: string): void {
    this.states.set(name, "ready");
    for (const edge of this.edges) {
      if (edge.from === name && !edge.settled && this.states.get(edge.to) === "blocked") {
        edge.effect = undefined;
      }
    }
  }

  #endOf(name: string): JobEnd | undefined {
    const state = this.states.get(name);
    if (state === "succeeded" || state === "skipped") return state;
    return state === "dead" || state === "cancelled" ? "failed" : undefined;
  }

  /** Level by level, as the ledger does: of what ends at once "cancelled" says more. */
  #tell(first: string): void {
    for (let level = [first]; level.length > 0; ) {
      const doomed = new Map<string, State>();
      const met = new Set<string>();
      for (const edge of this.edges.filter(({ from }) => level.includes(from))) {
        if (this.states.get(edge.to) !== "blocked" || edge.settled) continue;
        const effect = edgeEffect(edge, this.#endOf(edge.from) as JobEnd);
        if (effect === "met") {
          edge.effect = "met";
          met.add(edge.to);
        }
        if (effect === "cancel") doomed.set(edge.to, "cancelled");
        if (effect === "skip" && !doomed.has(edge.to)) doomed.set(edge.to, "skipped");
      }
      for (const [name, state] of doomed) this.states.set(name, state);
      for (const name of met) this.#free(name);
      level = [...doomed.keys()];
    }
  }

  #free(name: string): void {
    const waits = this.edges.some((edge) => edge.to === name && edge.effect === undefined);
    if (this.states.get(name) === "blocked" && !waits) this.states.set(name, "ready");
  }
}

const policy = fc.oneof(
  ...(["cancel", "hold", "continue"] as const).map((onFailure) =>
    fc.constant({ condition: "success" as const, onFailure }),
  ),
  fc.constant({ condition: "completion" as const, onFailure: "cancel" as const }),
  fc.constant({ condition: "failure" as const, onFailure: "cancel" as const }),
);

/** Jobs to be added: each depends on some of those before it, by how far back they stand. */
const batch = fc.array(
  fc.uniqueArray(fc.record({ back: fc.nat(9), policy, includeFanOut: fc.boolean() }), {
    maxLength: 3,
    selector: ({ back }) => back,
  }),
  { minLength: 1, maxLength: 6 },
);

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("end" as const), fails: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("append" as const), jobs: batch }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("fan_out" as const), jobs: batch }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("retry" as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("cancel" as const) }) },
);

const scenario = fc.record({
  first: batch,
  steps: fc.array(fc.tuple(step, fc.nat()), { maxLength: 25 }),
  drain: fc.infiniteStream(fc.nat()),
});

type Batch = typeof batch extends fc.Arbitrary<infer T> ? T : never;

/** A job of a batch, ready to be written. */
interface Described {
  readonly job: NewJob;
  readonly name: string;
  readonly dependsOn: readonly Dependency[];
}

/** A run in the ledger and the same run in the model. */
class Pair {
  readonly model = new Model();
  readonly #runId = newId();
  readonly #ids = new Map<string, string>();
  readonly #leases = new Map<string, LeaseRef>();

  #describe(jobs: Batch, mayWaitFor: (name: string) => boolean): Described[] {
    return jobs.map((dependsOn, index) => {
      const before = [...this.model.states.keys()].filter(mayWaitFor);
      before.push(...jobs.slice(0, index).map((_, at) => `${this.model.states.size + at}`));
      const named = dependsOn.flatMap(({ back, policy: edge, includeFanOut }): Dependency[] => {
        const name = before.at(-1 - back);
        return name === undefined ? [] : [{ name, ...edge, includeFanOut }];
      });
      const job = newJob(ledger.tenant);
      return { job, name: `${this.model.states.size + index}`, dependsOn: named };
    });
  }

  async create(jobs: Batch): Promise<void> {
    const described = this.#describe(jobs, () => true);
    const ids = new Map(described.map(({ name, job }) => [name, job.jobId]));
    const run: NewRun = {
      tenant: ledger.tenant,
      runId: this.#runId,
      displayName: "",
      project: "",
      correlationId: this.#runId,
      contentDigest: Buffer.alloc(32, 1),
      open: true,
      jobs: described.map(({ job, name, dependsOn }) => ({ job, name, unmet: dependsOn.length })),
      edges: described.flatMap(({ job, dependsOn }) =>
        dependsOn.map(({ name, ...rest }) => ({
          ...rest,
          from: ids.get(name) ?? "",
          to: job.jobId,
        })),
      ),
    };
    expect((await ledger.storeRun(run)).stored.kind).toBe("created");
    this.#note(described);
  }

  async append(jobs: Batch, by?: string): Promise<void> {
    // A handler's jobs wait for nothing that may wait for them; graph.test.ts has the cycles.
    const isBehind = (name: string) => this.#isBehindJoin(name, by);
    const described = this.#describe(jobs, (name) => !isBehind(name));
    const before = new Set(this.model.states.keys());
    const { appended } = await appendJobsIn(
      pool,
      60_000,
    )({
      tenant: ledger.tenant,
      runId: this.#runId,
      jobs: described,
      fanOut: by === undefined ? undefined : this.#leases.get(by),
      close: false,
    });
    expect(appended).toMatchObject({ kind: "appended", existing: 0 });
    this.#note(described, by, before);
  }

  #isBehindJoin(name: string, by: string | undefined): boolean {
    if (by === undefined) return false;
    const { edges } = this.model;
    const behind = new Set(edges.filter((e) => e.from === by && e.includeFanOut).map((e) => e.to));
    for (let size = -1; size !== behind.size; ) {
      size = behind.size;
      for (const edge of edges) if (behind.has(edge.from)) behind.add(edge.to);
    }
    return behind.has(name);
  }

  #note(
    described: readonly Described[],
    by?: string,
    before: ReadonlySet<string> = new Set(),
  ): void {
    for (const { name, job, dependsOn } of described) {
      this.#ids.set(name, job.jobId);
      this.model.add(name, dependsOn);
    }
    const names = described.map(({ name }) => name);
    if (by !== undefined) this.model.fanOut(by, names, before);
    this.model.settle(names);
  }

  /** Claims what is ready, checks that this is what the model says, and lets it run. */
  async start(): Promise<void> {
    const offers = await ledger.claimWith({ limit: 64 });
    const byId = new Map([...this.#ids].map(([name, id]) => [id, name]));
    const started = offers.map(({ lease }) => byId.get(lease.jobId) ?? "?");
    expect(started.sort()).toEqual(this.#in("ready").sort());
    for (const { lease } of offers) {
      const name = byId.get(lease.jobId) ?? "";
      this.#leases.set(name, lease);
      this.model.start(name);
    }
  }

  #in = (state: State) =>
    [...this.model.states].filter(([, s]) => s === state).map(([name]) => name);

  pick(state: State, choice: number): string | undefined {
    const names = this.#in(state);
    return names[choice % names.length];
  }

  async end(name: string, fails: boolean): Promise<void> {
    const lease = this.#leases.get(name) as LeaseRef;
    if (fails) await ledger.fail(lease, "user", true);
    else await ledger.complete(lease);
    this.model.end(name, fails ? "dead" : "succeeded");
  }

  async retry(name: string): Promise<void> {
    await ledger.retry([this.#ids.get(name) ?? ""]);
    this.model.retry(name);
  }

  async cancel(name: string): Promise<void> {
    await ledger.cancel([this.#ids.get(name) ?? ""]);
    this.model.end(name, "cancelled");
  }

  /** What the loop has left to tell; all of it. */
  async tellAll(): Promise<void> {
    const tell = cascadeIn(pool);
    while ((await tell([ledger.tenant])).taken > 0);
  }

  async check(): Promise<void> {
    const { rows } = await owner.query(
      `select j.name, j.skipped, j.base_state, l.state as lease, exists (
         select from attempt a where a.job_id = j.id and a.outcome = 'succeeded') as done
       from job j left join lease l on l.job_id = j.id where j.run_id = $1`,
      [this.#runId],
    );
    const found = rows.map(({ name, skipped, base_state, lease, done }) => {
      const state = base_state === "ready" && done ? "succeeded" : base_state;
      return [name, lease ?? (skipped ? "skipped" : state)];
    });
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(this.model.states));
  }
}

async function play({
  first,
  steps,
  drain,
}: typeof scenario extends fc.Arbitrary<infer T> ? T : never) {
  await owner.query("truncate ready, lease, scheduled, cascade");
  const pair = new Pair();
  await pair.create(first);
  for (const [one, choice] of steps) {
    await pair.start();
    const running = pair.pick("running", choice);
    const dead = pair.pick("dead", choice);
    const blocked = pair.pick("blocked", choice);
    if (one.kind === "end" && running !== undefined) await pair.end(running, one.fails);
    if (one.kind === "append") await pair.append(one.jobs);
    if (one.kind === "fan_out" && running !== undefined) await pair.append(one.jobs, running);
    if (one.kind === "retry" && dead !== undefined) await pair.retry(dead);
    if (one.kind === "cancel" && blocked !== undefined) await pair.cancel(blocked);
    await pair.tellAll();
    await pair.check();
  }
  for (;;) {
    await pair.start();
    const choice = drain.next().value as number;
    const running = pair.pick("running", choice);
    if (running === undefined) return;
    await pair.end(running, choice % 4 === 0);
    await pair.tellAll();
    await pair.check();
  }
}

describe("a run that grows, fails and is retried", () => {
  it("does what the model says, step by step", async () => {
    await fc.assert(fc.asyncProperty(scenario, play), { numRuns: 40 });
  }, 120_000);
});
