import { fileURLToPath } from "node:url";
import type { Machine } from "./machine.ts";
import type { Options } from "./options.ts";
import { cells, costCells, markdownTable } from "./table.ts";
import type { WorkloadResult } from "./workload.ts";

/** A whole run, as `--json` writes it. */
export interface Run {
  /** ISO 8601, when it began. */
  readonly date: string;
  readonly seconds: number;
  readonly machine: Machine;
  /** How many processes wanted a core in the minute before it, and in its last minute. */
  readonly load: { readonly before: number; readonly after: number };
  readonly options: Options;
  /** Postgres's, the same for all contestants. */
  readonly settings: Readonly<Record<string, string>>;
  readonly results: readonly WorkloadResult[];
}

/** Where {@link resultsPage} goes. */
export const RESULTS_FILE = fileURLToPath(new URL("../RESULTS.md", import.meta.url));

/** bench/RESULTS.md: every figure of one run. */
export function resultsPage(run: Run): string {
  const { date, machine, load, options, settings, results, seconds } = run;
  const part = options.only.length === 0 ? "" : ` of ${options.only.join(", ")} alone`;
  const how = (options.quick ? "a quick run (`--quick`)" : "a full run") + part;
  const packages = Object.entries(machine.packages).map(([name, version]) => `${name} ${version}`);
  const postgres = Object.entries(settings).map(([name, value]) => `${name} ${value}`);
  return [
    "# Results",
    "",
    `Written by \`npm run bench -- --write-results\` on ${date.slice(0, 10)}: every figure is of ` +
      `${how} of ${Math.round(seconds)} s. Figures are medians of the rounds, with the smallest ` +
      "and the largest; [README.md](README.md) says how to read them.",
    "",
    `- Machine: ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ` +
      `${machine.system}; Node ${machine.node}; load ${load.before.toFixed(1)} before the run, ` +
      `${load.after.toFixed(1)} at its end`,
    `- Packages: ${packages.join(", ")}`,
    `- Postgres, the same for all: ${postgres.join(", ")}`,
    "",
    markdownTable(cells(results)),
    "",
    "## What was measured",
    "",
    ...results.map(({ id, title, setting }) => `- **${id}** ${title}: ${setting}`),
    "",
    "## What it cost",
    "",
    "Medians of the rounds. All processes shared the machine's cores.",
    "",
    markdownTable(costCells(results)),
    "",
    "## Left out",
    "",
    ...leftOut(results),
    "",
  ].join("\n");
}

function leftOut(results: readonly WorkloadResult[]): string[] {
  const lines = results.flatMap((result) => [
    ...result.leftOut.map(({ name, why }) => `- ${result.id} ${name}: ${why}`),
    ...result.entries.flatMap(({ name, failure }) =>
      failure === undefined ? [] : [`- ${result.id} ${name} failed: ${failure.split("\n")[0]}`],
    ),
  ]);
  return lines.length === 0 ? ["Nothing."] : lines;
}
