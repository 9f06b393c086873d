// A worker as a process of its own, for all tenants: node worker.ts '{"url": …, "workerId": …}'.
// It says in a journal what it does, works until its standard input ends, and lives by a clock
// that may be an hour off.
import type { JobContext, Logger, RunJobRequest } from "@stellaops/orchestrator";
import { shiftClock } from "./clock.ts";
import { Journal } from "./journal.ts";

/** What the program is told in its argument. */
export interface WorkerSettings {
  readonly url: string;
  readonly workerId: string;
  /** Counts the processes that bore the worker's id or stood in its place. */
  readonly incarnation: number;
  readonly tenants: readonly string[];
  /** Every tenant there is, to be looked for where it does not belong. */
  readonly marks: readonly string[];
  readonly concurrency: number;
  /** How far the clock is off. */
  readonly clockOffsetMs: number;
  readonly journal: string;
}

interface Payload {
  readonly nonce: string;
  readonly tenant: string;
  readonly workMs: number;
  readonly failures: number;
  readonly fanOut?: readonly (RunJobRequest & { readonly payload: Payload })[];
}

const settings = JSON.parse(process.argv[2] ?? "") as WorkerSettings;
shiftClock(settings.clockOffsetMs);
// Afterwards, so that nothing has kept the right clock.
const { TerminalError, Worker } = await import("@stellaops/orchestrator");

const journal = new Journal(settings.journal);
const processName = `${settings.workerId}#${settings.incarnation}`;
const note = (tenant: string, event: string, fields: object) =>
  journal.write({ process: processName, tenant, event, ...fields });

const factsOf = (job: JobContext) => ({
  jobId: job.jobId,
  attempt: job.attempt,
  leaseEpoch: Number(job.lease.leaseEpoch),
});

const marksIn = (job: JobContext): string[] => {
  const text = `${Buffer.from(job.payload)} ${JSON.stringify(job.labels)} ${job.source}`;
  return settings.marks.filter((mark) => text.includes(mark));
};

const telling =
  (tenant: string, handler: (job: JobContext, payload: Payload) => Promise<object>) =>
  async (job: JobContext) => {
    const payload = job.json<Payload>();
    const facts = factsOf(job);
    const { leaseToken } = job.lease;
    note(tenant, "started", { ...facts, leaseToken, nonce: payload.nonce, marks: marksIn(job) });
    try {
      const result = await handler(job, payload);
      note(tenant, "finished", facts);
      return result;
    } catch (error) {
      note(tenant, "thrown", { ...facts, why: String(error) });
      throw error;
    }
  };

const pass = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

async function work({ signal }: JobContext, { workMs }: Payload): Promise<object> {
  const stopped = new Promise<never>((_, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
  await Promise.race([pass(workMs), stopped]);
  return { worked: workMs };
}

/** Does not hear that it is to stop, as a handler in a system call. */
async function deaf(_job: JobContext, { workMs }: Payload): Promise<object> {
  await pass(workMs);
  return { worked: workMs };
}

async function flaky({ attempt }: JobContext, { failures }: Payload): Promise<object> {
  if (attempt <= failures) throw new Error(`attempt ${attempt} of ${failures} that fail`);
  return { attempt };
}

async function hopeless(): Promise<object> {
  throw new TerminalError("no attempt could succeed");
}

/** Appends to its run what it is told to, and fails after that as often as it is told. */
async function fan(job: JobContext, { workMs, failures, fanOut = [] }: Payload): Promise<object> {
  const { jobIds } = await job.fanOut(fanOut);
  const appended = Object.fromEntries(
    fanOut.map(({ name, payload }) => [payload.nonce, jobIds[name]]),
  );
  note(fanOut[0]?.payload.tenant ?? "", "fanned", { ...factsOf(job), appended });
  await pass(workMs);
  if (job.attempt <= failures) throw new Error("failed after it had fanned out");
  return { appended: fanOut.length };
}

/** One window in so many is bad. */
const BAD_EVERY = 9;

/** Fails for good at some windows, as often as it is told: somebody has to retry the letter. */
async function cover({ attempt, window }: JobContext, { failures }: Payload): Promise<object> {
  const { start, end } = window ?? { start: new Date(0), end: new Date(1) };
  const number = start.getTime() / (end.getTime() - start.getTime());
  if (number % BAD_EVERY === 0 && attempt <= failures) throw new TerminalError("a bad window");
  return { number };
}

async function poison(): Promise<object> {
  process.kill(process.pid, "SIGKILL");
  return await new Promise<never>(() => {});
}

const handlersOf = (tenant: string) => ({
  "chaos.quick": telling(tenant, work),
  "chaos.work": telling(tenant, work),
  "chaos.deaf": telling(tenant, deaf),
  "chaos.flaky": telling(tenant, flaky),
  "chaos.hopeless": telling(tenant, hopeless),
  "chaos.poison": telling(tenant, poison),
  "chaos.fan": telling(tenant, fan),
  "chaos.window": telling(tenant, cover),
});

/** Hears from the SDK's log what became of results, which no handler is told. */
function loggerOf(tenant: string): Logger {
  const hear = (fields: object, message: string) => {
    const { jobId, attempt, leaseEpoch } = fields as Partial<ReturnType<typeof factsOf>>;
    if (jobId === undefined) return;
    const facts = { jobId, attempt, leaseEpoch: Number(leaseEpoch) };
    if (message === "result dropped: the lease is stale") note(tenant, "refused", facts);
    else if (message === "lease lost") note(tenant, "lost", facts);
  };
  return { debug: () => {}, info: () => {}, warn: hear, error: hear };
}

const stop = new AbortController();
process.stdin.on("end", () => stop.abort()).on("error", () => stop.abort());
process.stdin.resume();
process.on("SIGTERM", () => stop.abort());

const runs = settings.tenants.map((tenant) =>
  new Worker({
    url: settings.url,
    tenant,
    workerId: settings.workerId,
    concurrency: settings.concurrency,
    handlers: handlersOf(tenant),
    logger: loggerOf(tenant),
  }).run({ signal: stop.signal, handleSignals: false }),
);
await Promise.all(runs);
process.exit(0);
