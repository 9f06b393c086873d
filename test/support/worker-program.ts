// A worker as a process of its own, on the SDK's public surface. It says what happens to it in
// lines of JSON: node --conditions=source worker-program.ts '{"url": …, "workerId": …}'
import { type JobContext, type Logger, Worker } from "@stellaops/orchestrator";

/** What the program is told in its argument. */
export interface WorkerSettings {
  readonly url: string;
  readonly workerId: string;
  readonly tenant?: string;
  readonly concurrency?: number;
}

/** What it is told while it runs: lets every handler of test.hold go on, and those to come. */
export interface ReleaseMessage {
  readonly release: true;
}

const say = (event: string, fields: object = {}) => {
  const text = JSON.stringify({ event, ...fields }, (_key, value) =>
    typeof value === "bigint" ? value.toString() : value,
  );
  process.stdout.write(`${text}\n`);
};

const log = (level: string) => (fields: object, message: string) =>
  say("log", { level, message, ...fields });
const logger: Logger = {
  debug: log("debug"),
  info: log("info"),
  warn: log("warn"),
  error: log("error"),
};

const released = Promise.withResolvers<void>();
process.on("message", () => released.resolve());
let isDone = false;
process.on("disconnect", () => process.exit(isDone ? 0 : 1));

const telling = (handler: (job: JobContext) => Promise<object>) => async (job: JobContext) => {
  const facts = { jobId: job.jobId, attempt: job.attempt, lease: job.lease };
  say("started", facts);
  try {
    const result = await handler(job);
    say("finished", facts);
    return result;
  } catch (error) {
    say("stopped", { ...facts, why: String(error) });
    throw error;
  }
};

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });

/** Works until it is released; deaf to its signal, as a handler that hangs in a system call is. */
const hold = telling(async ({ attempt }) => {
  await released.promise;
  return { attempt };
});

/** Works until it is released or told to stop. */
const wait = telling(async (job) => {
  await Promise.race([released.promise, aborted(job.signal)]);
  return { attempt: job.attempt };
});

const quick = telling(async ({ attempt }) => ({ attempt }));

/** Takes its process down with it. */
const poison = telling(async () => {
  process.kill(process.pid, "SIGKILL");
  return await new Promise<never>(() => {});
});

const settings = JSON.parse(process.argv[2] ?? "") as WorkerSettings;
const worker = new Worker({
  ...settings,
  handlers: { "test.hold": hold, "test.wait": wait, "test.quick": quick, "test.poison": poison },
  logger,
});
await worker.run();
say("drained");
isDone = true;
process.disconnect();
