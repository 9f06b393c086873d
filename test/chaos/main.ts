import { INVARIANTS } from "./invariants/all.ts";
import { type ChaosOptions, commandOf, parseOptions, UsageError } from "./options.ts";
import { hasFailed, judge, reportText, violationText } from "./report.ts";
import { runChaos } from "./run.ts";
import { preparePrograms } from "./worker-programs.ts";

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
const EXIT_STOPPED = 130;

const tell = (line: string) => void process.stderr.write(`${line}\n`);
const stop = new AbortController();

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2), Math.random);
  if (typeof options === "string") {
    process.stdout.write(options);
    return 0;
  }
  // Before anything can go wrong: whoever wants to see it again needs this.
  tell(commandOf(options));
  const { programs, leftOut } = await preparePrograms(options.languages, tell, stop.signal);
  const { history, operations, folder } = await runChaos(options, programs, tell, stop.signal);
  const verdicts = judge(history, INVARIANTS);
  const languages = ["typescript", ...programs.map(({ language }) => language)];
  const absent = leftOut.map(({ language, why }) => `${language} LEFT OUT: ${why}`);
  process.stdout.write(`workers: ${[...languages, ...absent].join(", ")}\n`);
  process.stdout.write(`${reportText(history, verdicts, operations)}\n`);
  if (folder !== undefined) tell(`logs: ${folder}`);
  const failed = verdicts.filter(hasFailed);
  if (failed.length === 0) return 0;
  for (const verdict of failed) process.stdout.write(`\n${violationText(history, verdict)}\n`);
  process.stdout.write(`\n${repetition(options)}\n`);
  return EXIT_FAILED;
}

const repetition = (options: ChaosOptions): string =>
  `seed ${options.seed}; again: ${commandOf(options)}`;

function leave(signal: string): void {
  // The second time somebody means it: what was started ends with this process.
  if (stop.signal.aborted) process.exit(EXIT_STOPPED);
  stop.abort(new Error(`stopped by ${signal}`));
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => leave(signal));
}
process.on("disconnect", () => leave("its parent's end"));

process.exitCode = await main().catch((error: unknown) => {
  if (error instanceof UsageError) {
    tell(`${error.message}\nTry --help.`);
    return EXIT_USAGE;
  }
  tell(stop.signal.aborted ? String(stop.signal.reason) : String((error as Error).stack ?? error));
  return stop.signal.aborted ? EXIT_STOPPED : EXIT_FAILED;
});
process.exit();
