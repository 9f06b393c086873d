import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pass } from "node:timers/promises";
import { clientsOf } from "../../server/src/rpc/testing/clients.ts";
import { sweepEmbedded } from "../support/postgres-process.ts";
import { killPrograms } from "../support/program.ts";
import { corrupt } from "./corrupt.ts";
import { limitsIn, setLimits } from "./flow-limits.ts";
import { Ghost } from "./ghost.ts";
import type { Ack, Drain, History, Terms, WorkLine } from "./history.ts";
import { readJournal } from "./journal.ts";
import { findUnfinished, readLedger, readStanding } from "./ledger-history.ts";
import { openLink } from "./link.ts";
import { Nemesis } from "./nemesis.ts";
import type { ChaosOptions } from "./options.ts";
import type { WatermarkSample } from "./plan-history.ts";
import { readPlans, sampleWatermarks } from "./plan-ledger.ts";
import { TENANTS } from "./planned-jobs.ts";
import { type ChaosPostgres, startPostgres } from "./postgres.ts";
import { readProduced, startProducer } from "./producers.ts";
import { startReadyService } from "./ready-service.ts";
import { Replicas } from "./replicas.ts";
import { planFaults } from "./schedule.ts";
import { putSeries } from "./window-series.ts";
import { TYPESCRIPT, type WorkerProgram, Workers } from "./workers.ts";

/** Short, so that minutes hold many leases' lives; longer than the ticker's idea of an outage. */
const TERMS: Omit<Terms, "runMs"> = {
  leaseTtlMs: 4_000,
  sweepMs: 500,
  maxInterruptions: 3,
  maxAttempts: 5,
  drainMs: 60_000,
};

const seconds = (ms: number): string => `${ms / 1_000}s`;

const POLICY = {
  leaseTtl: seconds(TERMS.leaseTtlMs),
  renewInterval: "0.8s",
  expirySweep: seconds(TERMS.sweepMs),
  offerAcceptDeadline: "3s",
  maxInterruptions: TERMS.maxInterruptions,
  retry: { maxAttempts: TERMS.maxAttempts, initialBackoff: "0.05s", maxBackoff: "0.5s" },
};

const CLOCK_OFFSETS_MS = [0, 3_600_000, -3_600_000, 0] as const;
const CONCURRENCY = 6;
const PROGRESS_MS = 5_000;
const DRAIN_LOOK_MS = 250;
const SAMPLE_MS = 500;

/** What a run says while it goes on. */
export type Tell = (line: string) => void;

/** What came out of a run. */
export interface RunOutcome {
  readonly history: History;
  readonly operations: ReadonlyMap<string, number>;
  /** Where the logs are, if they were to be kept. */
  readonly folder: string | undefined;
}

/**
 * Runs it: starts everything, breaks things while producers work, waits until all is done, and
 * reads what is left. Nothing of it stays behind, whatever happens. Throws the signal's reason
 * when it is aborted.
 */
export async function runChaos(
  options: ChaosOptions,
  programs: readonly WorkerProgram[],
  tell: Tell,
  signal: AbortSignal,
): Promise<RunOutcome> {
  const folder = await mkdtemp(join(tmpdir(), "orch-chaos-"));
  const undo: (() => unknown)[] = [
    () => (options.keep ? undefined : rm(folder, { recursive: true, force: true, maxRetries: 5 })),
  ];
  try {
    const outcome = await runIn(folder, undo, { options, programs, tell, signal });
    return { ...outcome, folder: options.keep ? folder : undefined };
  } finally {
    const failures: unknown[] = [];
    for (const step of undo.reverse()) {
      try {
        await step();
      } catch (error) {
        failures.push(error);
      }
    }
    for (const failure of failures) tell(`while cleaning up: ${failure}`);
  }
}

interface Scene {
  readonly options: ChaosOptions;
  readonly programs: readonly WorkerProgram[];
  readonly tell: Tell;
  readonly signal: AbortSignal;
}

async function runIn(folder: string, undo: (() => unknown)[], scene: Scene) {
  const { options, tell, signal } = scene;
  const { seed, rate } = options;
  const runMs = options.minutes * 60_000;
  const terms: Terms = { ...TERMS, runMs };
  const stage = await setUp(folder, undo, scene);
  const { postgres, replicas, workers, producerUrl } = stage;
  const ghost = new Ghost(join(folder, "journals"), producerUrl, seed);
  undo.push(() => ghost.stop());
  const journal = join(folder, "journals", "producer.jsonl");
  const poison = options.faults.length > 0;
  const { startedAtMs } = stage;
  const plan = { seed, runMs, rate, poison, startedAtMs };
  const producer = await startProducer({ ...plan, url: producerUrl, journal });
  undo.push(() => producer.kill());
  ghost.start();
  producer.begin();

  const nemesis = new Nemesis(stage);
  const stopTelling = tellProgress(postgres, nemesis, tell);
  undo.push(stopTelling);
  const samples: WatermarkSample[] = [];
  const stopLooking = watchWatermarks(postgres, samples);
  undo.push(stopLooking);
  const over = pass(runMs, undefined, { signal }).catch(() => {});
  await nemesis.run(planFaults(seed, runMs, options.faults), signal);
  await Promise.race([over, producer.done.then(() => over)]);
  signal.throwIfAborted();
  producer.finish();
  tell("faults are over: draining");
  const drain = await drained(postgres, producer.done, terms.drainMs, signal);
  stopTelling();
  stopLooking();
  ghost.stop();
  await workers.stop();
  await replicas.stop();

  if (options.corrupt !== undefined) await corrupt(postgres.insist, options.corrupt);
  const { operations, ...produced } = readProduced(journal);
  const ledger = await readLedger(postgres.insist, terms.maxAttempts);
  const plans = await readPlans(postgres.insist);
  const work = await readWork(join(folder, "journals"));
  const history: History = {
    terms,
    tenants: TENANTS,
    ...produced,
    acks: [...produced.acks, ...appendedBy(work)],
    work,
    writes: ghost.writes,
    faults: nemesis.faults,
    deaths: workers.deaths,
    crashes: [...replicas.crashes, ...workers.crashes],
    superseded: workers.superseded,
    ...ledger,
    ...plans,
    watermarks: samples,
    ...limitsIn(ledger.jobs, ledger.events, TENANTS),
    drain,
  };
  if (options.keep) await keepIn(folder, history, replicas);
  return { history, operations };
}

async function keepIn(folder: string, history: History, { logs }: Replicas): Promise<void> {
  await writeFile(join(folder, "history.json"), JSON.stringify(history, asText));
  for (const [index, { name, lines }] of logs.entries()) {
    const text = lines.map((line) => JSON.stringify(line)).join("\n");
    await writeFile(join(folder, "journals", `server-${name}-${index + 1}.log`), `${text}\n`);
  }
}

const asText = (_key: string, value: unknown): unknown =>
  typeof value === "bigint" ? value.toString() : value;

async function setUp(folder: string, undo: (() => unknown)[], { options, programs, tell }: Scene) {
  await mkdir(join(folder, "journals"));
  const dataDir = join(folder, "data");
  tell("starting Postgres");
  const postgres = await startPostgres(dataDir);
  undo.push(
    () => sweepEmbedded(dataDir),
    () => postgres.stop(),
  );
  const service = await startReadyService(options.readyQueue);
  undo.push(() => service?.stop());
  const databases = await Promise.all(
    Array.from({ length: options.replicas }, () => postgres.linked()),
  );
  const env = service?.env ?? {};
  const replicas = new Replicas({ folder, policy: POLICY, env, databases });
  undo.push(
    () => killPrograms(),
    () => replicas.abandon(),
  );
  tell(`starting ${options.replicas} servers`);
  await replicas.start();
  const admin = clientsOf(replicas.url);
  undo.push(() => admin.close());
  await setLimits(admin, TENANTS);
  const startedAtMs = Date.now();
  await putSeries(replicas.url, TENANTS, startedAtMs);

  const link = async () => {
    const opened = await openLink(() => replicas.next());
    undo.push(() => opened.close());
    return opened;
  };
  const slots = await Promise.all(
    [...Array.from({ length: options.workers }, () => TYPESCRIPT), ...programs].map(
      async (program, index) => ({
        program,
        link: await link(),
        // In the other languages only a library under the process could shift the clock.
        clockOffsetMs: program === TYPESCRIPT ? (CLOCK_OFFSETS_MS[index % 4] ?? 0) : 0,
      }),
    ),
  );
  const journals = join(folder, "journals");
  const tenants = [...TENANTS];
  const workers = new Workers({ folder: journals, tenants, concurrency: CONCURRENCY, slots });
  undo.push(() => workers.kill9());
  workers.start();
  const producerUrl = `http://127.0.0.1:${(await link()).port}`;
  return { postgres, replicas, workers, service, producerUrl, startedAtMs };
}

/** Waits until the producer has its answers and nothing that can finish is unfinished. */
async function drained(
  postgres: ChaosPostgres,
  producing: Promise<void>,
  withinMs: number,
  signal: AbortSignal,
): Promise<Drain> {
  const fromMs = Date.now();
  let isProduced = false;
  let failure: unknown;
  producing.then(
    () => {
      isProduced = true;
    },
    (error: unknown) => {
      failure = error;
    },
  );
  for (;;) {
    signal.throwIfAborted();
    if (failure !== undefined) throw failure;
    const unfinished = await findUnfinished(postgres.insist);
    if (isProduced && unfinished.length === 0) return { fromMs, doneMs: Date.now(), unfinished };
    if (Date.now() - fromMs > withinMs) return { fromMs, doneMs: undefined, unfinished };
    await pass(DRAIN_LOOK_MS);
  }
}

async function readWork(folder: string): Promise<WorkLine[]> {
  const names = (await readdir(folder)).filter((name) => name.startsWith("worker-"));
  return names.flatMap((name) =>
    readJournal<Omit<WorkLine, "monoNs"> & { readonly monoNs: string }>(
      join(folder, name),
    ).lines.map((line) => ({ ...line, monoNs: BigInt(line.monoNs) })),
  );
}

/** What handlers were told that they appended. */
const appendedBy = (work: readonly WorkLine[]): Ack[] =>
  work.flatMap(({ tenant, appended = {} }) =>
    Object.entries(appended).map(([nonce, jobId]) => {
      return { nonce, tenant, outcome: "created", jobId };
    }),
  );

/** Looks at the watermarks again and again, as far as Postgres is there; answers what ends it. */
function watchWatermarks(postgres: ChaosPostgres, samples: WatermarkSample[]): () => void {
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;
  const look = async () => {
    samples.push(...(await sampleWatermarks(postgres.query).catch(() => [])));
    if (!isOver) timer = setTimeout(look, SAMPLE_MS);
  };
  void look();
  return () => {
    isOver = true;
    clearTimeout(timer);
  };
}

/** A line now and then; answers what ends it. */
function tellProgress(postgres: ChaosPostgres, nemesis: Nemesis, tell: Tell): () => void {
  const startedMs = performance.now();
  const timer = setInterval(async () => {
    const at = `${Math.round((performance.now() - startedMs) / 1_000)} s`;
    const faults = `${nemesis.faults.length} faults, now ${nemesis.active.join(" ") || "none"}`;
    const standing = await readStanding(postgres.query).catch(() => undefined);
    if (standing === undefined) return tell(`${at}: ${faults}; Postgres is away`);
    const { jobs, ready, leased, scheduled, ended } = standing;
    const places = `${ready} ready, ${leased} held, ${scheduled} scheduled`;
    tell(`${at}: ${jobs} jobs, ${ended} ended, ${places}; ${faults}`);
  }, PROGRESS_MS);
  return () => clearInterval(timer);
}
