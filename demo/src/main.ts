import { constants } from "node:os";
import path from "node:path";
import { inspect } from "node:util";
import { type Child, ChildFailedError } from "./children.ts";
import { type DemoOutcome, runDemo, ServerUnreachableError } from "./demo.ts";
import { progressDisplay } from "./display/progress.ts";
import { reportText } from "./display/report.ts";
import { type DemoOptions, parseOptions, UsageError } from "./options.ts";

const REPOSITORY = path.resolve(import.meta.dirname, "../..");
const STOP_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** The reason of the abort when a signal stops the demo. */
class StoppedError extends Error {
  override readonly name = "StoppedError";
  readonly exitCode: number;

  constructor(signal: (typeof STOP_SIGNALS)[number]) {
    super(`stopped by ${signal}`);
    this.exitCode = 128 + constants.signals[signal];
  }
}

const children = new Set<Child>();
const stop = new AbortController();

function endAtOnce(exitCode: number): never {
  for (const child of children) child.kill();
  process.exit(exitCode);
}

for (const signal of STOP_SIGNALS)
  process.on(signal, () => {
    const reason = new StoppedError(signal);
    if (stop.signal.aborted) endAtOnce(reason.exitCode);
    stop.abort(reason);
  });
// A reader that went away (`| head`) has nobody left to show anything to.
process.stdout.on("error", () => stop.abort(new StoppedError("SIGTERM")));
process.on("uncaughtException", (error) => {
  process.stderr.write(`${error.stack ?? error}\n`);
  endAtOnce(1);
});

async function main(): Promise<number> {
  const { env } = process;
  // npm runs scripts in the package's folder; INIT_CWD is where the user stands.
  const cwd = env.INIT_CWD || process.cwd();
  const options = parseOptions(process.argv.slice(2), { env, cwd, repository: REPOSITORY });
  const stream = options.json ? process.stderr : process.stdout;
  const display = progressDisplay(stream, env.TERM === "dumb" || Boolean(env.CI));
  try {
    const outcome = await runDemo({
      options,
      env,
      repository: REPOSITORY,
      display,
      signal: stop.signal,
      onChild: (child) => {
        children.add(child);
        child.ended.then(() => children.delete(child));
      },
    });
    display.end();
    stream.write(`${reportText(stream, outcome)}\n`);
    if (options.json) process.stdout.write(`${JSON.stringify(summary(options, outcome))}\n`);
    return outcome.ok ? 0 : 1;
  } catch (error) {
    const reason = stop.signal.aborted ? stop.signal.reason : error;
    if (options.json) process.stdout.write(`${JSON.stringify(failure(options, reason))}\n`);
    throw reason;
  } finally {
    display.end();
  }
}

function summary(options: DemoOptions, outcome: DemoOutcome) {
  const count = (state: string) => outcome.jobs.filter((job) => job.state === state).length;
  return {
    ok: outcome.ok,
    path: options.pathAsGiven,
    jobs: outcome.jobs.length,
    succeeded: count("succeeded"),
    dead: count("dead"),
    cancelled: count("cancelled"),
    attempts: outcome.jobs.reduce((sum, job) => sum + job.attempt, 0),
    components: outcome.components ?? 0,
    artifacts: outcome.artifacts,
    ...(outcome.shares && { agents: outcome.shares.agents, leftOut: outcome.shares.leftOut }),
    seconds: Math.round(outcome.seconds * 1000) / 1000,
    runId: outcome.runId,
    pipeline: outcome.pipeline.name,
    pipelineVersion: outcome.pipeline.version,
  };
}

function failure(options: DemoOptions, error: unknown) {
  const message = error instanceof Error ? error.message : String(error);
  return { ok: false, path: options.pathAsGiven, error: message.replace(/^error: /, "") };
}

function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) {
    const stream = error.exitCode === 0 ? process.stdout : process.stderr;
    stream.write(`${error.message}\n`);
    return error.exitCode;
  }
  if (error instanceof StoppedError) {
    process.stderr.write(`${error.message}\n`);
    return error.exitCode;
  }
  const isExpected = error instanceof ChildFailedError || error instanceof ServerUnreachableError;
  const said = isExpected ? error.message : inspect(error);
  process.stderr.write(`the demo broke: ${said}\n`);
  return 1;
}

const exitCode = await main().catch(exitCodeOf);
// Not left to the event loop: a socket that lingers must not keep a finished demo alive.
process.stdout.write("", () => process.exit(exitCode));
