// `npm run bench`: see README.md.
import { writeFile } from "node:fs/promises";
import { cpus, loadavg } from "node:os";
import type { Lab } from "./lab.ts";
import { describeMachine } from "./machine.ts";
import { readOptions } from "./options.ts";
import { startPostgres } from "./postgres.ts";
import { stopAll } from "./processes.ts";
import { RESULTS_FILE, type Run, resultsPage } from "./results.ts";
import { runWorkload } from "./runner.ts";
import { cells, costCells, textTable } from "./table.ts";
import type { WorkloadResult } from "./workload.ts";
import { PLANS } from "./workloads/workloads.ts";

const EXIT_FAILED = 1;
const EXIT_INTERRUPTED = 130;

const stop = new AbortController();
const say = (text: string) => process.stderr.write(`${text}\n`);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    if (stop.signal.aborted) process.exit(EXIT_INTERRUPTED);
    say("stopping …");
    stop.abort(new Error("stopped"));
    void stopAll();
  });
}
process.on("disconnect", () => {
  stop.abort(new Error("the parent is gone"));
  void stopAll();
});

const exitCode = await main().catch((error: unknown) => {
  if (stop.signal.aborted) return EXIT_INTERRUPTED;
  say(error instanceof Error ? (error.stack ?? error.message) : String(error));
  return EXIT_FAILED;
});
// Not left to the event loop: what was given up on may still wait for something.
process.stdout.write("", () => process.exit(exitCode));

/** The load average of the last minute. */
function minuteLoad(): number {
  return loadavg()[0] ?? 0;
}

async function main(): Promise<number> {
  const read = readOptions(process.argv.slice(2), [...PLANS.keys()]);
  if (read.kind === "leave") {
    (read.code === 0 ? process.stdout : process.stderr).write(read.text);
    return read.code;
  }
  const { options } = read;
  const before = minuteLoad();
  const cores = cpus().length;
  if (before > cores / 2) {
    say(`the machine is busy (load ${before.toFixed(1)} on ${cores} cores): trust ratios only`);
  }
  const date = new Date().toISOString();
  const startedAt = performance.now();
  const results: WorkloadResult[] = [];
  const postgres = await startPostgres(options.dataDir);
  const settings = postgres.settings;
  const size = (full: number, quick: number) =>
    Math.max(1, Math.round((options.quick ? quick : full) * options.scale));
  const lab: Lab = { postgres, options, size, earlier: results, say };
  try {
    for (const [id, plan] of PLANS) {
      if (options.only.length > 0 && !options.only.includes(id)) continue;
      stop.signal.throwIfAborted();
      results.push(await runWorkload(lab, await plan(lab), stop.signal));
    }
  } finally {
    await stopAll();
    await postgres.stop();
  }
  const seconds = (performance.now() - startedAt) / 1000;
  const load = { before, after: minuteLoad() };
  const machine = describeMachine();
  const run: Run = { date, seconds, machine, load, options, settings, results };
  print(run);
  if (options.json !== undefined)
    await writeFile(options.json, `${JSON.stringify(run, null, 1)}\n`);
  if (options.writeResults) await writeFile(RESULTS_FILE, resultsPage(run));
  return results.some(({ entries }) => entries.some(({ failure }) => failure)) ? EXIT_FAILED : 0;
}

function print({ results, seconds }: Run): void {
  const out = (text: string) => process.stdout.write(`${text}\n`);
  out(textTable(cells(results)));
  out("");
  out(textTable(costCells(results)));
  out("");
  for (const { id, leftOut, entries } of results) {
    for (const { name, why } of leftOut) out(`LEFT OUT ${id} ${name}: ${why}`);
    for (const { name, failure } of entries) {
      if (failure !== undefined) out(`FAILED ${id} ${name}: ${failure.split("\n")[0]}`);
    }
  }
  out(`${Math.round(seconds)} s`);
}
