import type pg from "pg";
import { replayRun } from "../../server/src/app/runs/replay-run.ts";
import type { Dependency } from "../../server/src/domain/graph.ts";
import { contentDigest, type JobSpec } from "../../server/src/domain/job-spec.ts";
import type { Offer } from "../../server/src/domain/offer.ts";
import { cascadeIn } from "../../server/src/ledger/cascade.ts";
import { claimJobsIn } from "../../server/src/ledger/claim.ts";
import { completeAttemptsIn } from "../../server/src/ledger/complete.ts";
import { migrate } from "../../server/src/ledger/migrate.ts";
import { jobSteps, takeStepIn } from "../../server/src/ledger/operation-run.ts";
import { openPool } from "../../server/src/ledger/pool.ts";
import { appendJobsIn } from "../../server/src/ledger/run-append.ts";
import { cancelRunIn, cancelRunStep } from "../../server/src/ledger/run-cancel.ts";
import { readRun } from "../../server/src/ledger/run-read.ts";
import {
  describeJobsIn,
  findReplayIn,
  loadReplayIn,
  reusedByIn,
  storeReplayIn,
} from "../../server/src/ledger/run-replay.ts";
import { replayRunStep } from "../../server/src/ledger/run-replay-step.ts";
import { storeRunIn } from "../../server/src/ledger/runs.ts";
import { newId } from "../../server/src/lib/ids.ts";
import { startPostgres } from "./postgres.ts";

// Accepts, unblocks, cancels and replays one run of many jobs, and prints what each took. By hand:
// node bench/src/large-run.ts [jobs]

const TENANT = "acme";
const ROOTS = 10;
const BATCH = 1_000;
/** A size that there is a claim of, and that is more than the roots. */
const CLAIM = 16;
const AUDIT = { actor: "bench", reason: "measure", ticket: "" };

const SPEC: JobSpec = {
  ...{ jobType: "test.echo", queue: "default", project: "", source: "", priority: 0 },
  ...{ concurrencyKey: "", payload: new Uint8Array(256), payloadMediaType: "" },
  ...{ payloadArtifact: undefined, idempotencyKey: undefined, labels: {}, notBefore: undefined },
  ...{ retry: undefined, attemptDeadlineMs: undefined, correlationId: undefined },
  ...{ traceparent: undefined, tracestate: undefined, window: undefined },
};
const DIGEST = contentDigest(SPEC);
const newJob = () => ({ tenant: TENANT, jobId: newId(), spec: SPEC, contentDigest: DIGEST });

/** Steps of something that is measured: how long all took, and the longest of them. */
class Clock {
  readonly #name: string;
  readonly #begin = performance.now();
  #longest = 0;
  #steps = 0;

  constructor(name: string) {
    this.#name = name;
  }

  async step<T>(work: () => Promise<T>): Promise<T> {
    const begin = performance.now();
    const result = await work();
    this.#longest = Math.max(this.#longest, performance.now() - begin);
    this.#steps += 1;
    return result;
  }

  print(note = ""): void {
    const seconds = ((performance.now() - this.#begin) / 1_000).toFixed(2);
    const longest = this.#longest.toFixed(0);
    const steps = `${this.#steps} transactions, the longest ${longest} ms`;
    process.stdout.write(`${this.#name.padEnd(28)} ${seconds.padStart(8)} s  ${steps} ${note}\n`);
  }
}

const dependency = (name: string): Dependency => ({
  ...{ name, condition: "success", onFailure: "cancel", includeFanOut: false },
});

/** Writes a run: ten roots, and jobs that depend on all of them. */
async function accept(pool: pg.Pool, jobs: number): Promise<string> {
  const clock = new Clock("accept");
  const runId = newId();
  const roots = Array.from({ length: ROOTS }, (_, at) => ({
    job: newJob(),
    name: `r${at}`,
    unmet: 0,
  }));
  const texts = { displayName: "", project: "", correlationId: runId };
  const run = { tenant: TENANT, runId, ...texts, contentDigest: DIGEST, open: true };
  await clock.step(() => storeRunIn(pool, 60_000)({ ...run, jobs: roots, edges: [] }));
  const append = appendJobsIn(pool, 60_000);
  const dependsOn = roots.map(({ name }) => dependency(name));
  for (let at = ROOTS; at < jobs; at += BATCH) {
    const length = Math.min(BATCH, jobs - at);
    const batch = Array.from({ length }, (_, nth) => {
      return { job: newJob(), name: `j${at + nth}`, dependsOn };
    });
    const close = at + length >= jobs;
    const target = { tenant: TENANT, runId, fanOut: undefined, close };
    const { appended } = await clock.step(() => append({ ...target, jobs: batch }));
    if (appended.kind !== "appended") throw new Error(appended.kind);
  }
  clock.print();
  return runId;
}

async function claimRoots(pool: pg.Pool): Promise<Offer[]> {
  const lane = {
    ...{ tenant: TENANT, queue: "default", jobType: "test.echo", priority: 0, source: "" },
    concurrencyKey: "",
  };
  const range = { lane, after: 0, upTo: Number.MAX_SAFE_INTEGER, limit: CLAIM, rank: 0 };
  const { claimed } = await claimJobsIn(pool)({
    ...{ tenant: TENANT, workerId: "w", sessionId: undefined, limit: CLAIM, active: true },
    ...{ maxPayloadBytes: 262_144, offerDeadlineMs: 60_000, requestId: newId() },
    exact: undefined,
    choose: async () => [{ ...range, ttlMs: 600_000, deadlineMs: 600_000 }],
  });
  return claimed.map(({ offer }) => offer);
}

/** Ends all roots in one transaction, and tells everybody. */
async function unblock(pool: pg.Pool): Promise<void> {
  const offers = await claimRoots(pool);
  const clock = new Clock("unblock");
  const result = new Uint8Array();
  const requests = offers.map(({ lease }) => {
    return { lease, completionId: crypto.randomUUID(), result, artifacts: [] };
  });
  await clock.step(() => completeAttemptsIn(pool)(requests));
  const tell = cascadeIn(pool);
  while ((await clock.step(() => tell([TENANT]))).taken > 0);
  clock.print();
}

async function operate(pool: pg.Pool, clock: Clock): Promise<void> {
  const own = { cancel_run: cancelRunStep(0), replay_run: replayRunStep() };
  const step = takeStepIn(pool, { ...jobSteps(0), ...own });
  for (;;) {
    const answer = await clock.step(() => step(TENANT, []));
    if (answer === undefined || answer.done) return;
  }
}

async function cancel(pool: pg.Pool, runId: string, what: string): Promise<void> {
  const clock = new Clock(`cancel (${what})`);
  const request = { tenant: TENANT, runId, requestId: newId(), graceMs: 0, ...AUDIT };
  await clock.step(() => cancelRunIn(pool)(request));
  await operate(pool, clock);
  clock.print();
}

async function replay(pool: pg.Pool, runId: string): Promise<string> {
  const plan = new Clock("replay, planning");
  const result = await plan.step(() =>
    replayRun({
      load: loadReplayIn(pool),
      find: findReplayIn(pool),
      store: storeReplayIn(pool),
      describe: describeJobsIn(pool),
      reusedBy: reusedByIn(pool),
    })(TENANT, {
      ...{ runId, requestId: undefined, jobNames: [], includeDownstream: true },
      ...{ rerunUpstream: true, dryRun: false, ...AUDIT },
    }),
  );
  if (result.kind !== "replay") throw new Error(result.kind);
  plan.print("(one call of many short transactions)");
  const clock = new Clock(`replay, ${result.runningCount} jobs`);
  await operate(pool, clock);
  clock.print();
  return result.run?.runId ?? "";
}

async function look(pool: pg.Pool, runId: string): Promise<void> {
  const clock = new Clock("GetRun");
  const run = await clock.step(() => readRun(pool, () => 0)(TENANT, runId));
  clock.print(JSON.stringify(Object.fromEntries(run?.counts ?? [])));
}

const jobs = Number(process.argv[2] ?? 100_000);
const postgres = await startPostgres(undefined);
try {
  const url = await postgres.createDatabase("large_run");
  await migrate(url);
  const pool = openPool({ url, role: "orch_app", maxConnections: 4, onIdleError: () => {} });
  const blocked = await accept(pool, jobs);
  await cancel(pool, blocked, "blocked jobs");
  const runId = await accept(pool, jobs);
  await unblock(pool);
  await look(pool, runId);
  await cancel(pool, runId, "ready jobs");
  await look(pool, await replay(pool, runId));
  await pool.end();
} finally {
  await postgres.stop();
}
