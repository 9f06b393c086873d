import { formatFigure } from "./runner.ts";
import { type Summary, summarise } from "./stats.ts";
import type { Bar, EntryResult, WorkloadResult } from "./workload.ts";

/** One line of the table: a figure, what it is compared with, and whether a bar is held. */
export interface Row {
  readonly workload: string;
  readonly figure: string;
  readonly ours: Summary | undefined;
  readonly against: string;
  readonly theirs: Summary | undefined;
  /** Ours divided by theirs, of the medians. */
  readonly ratio: number | undefined;
  readonly bar: string;
  readonly verdict: "held" | "missed" | "no bar" | "failed";
}

/** The comparisons of a workload, a row for each. */
export function rowsOf(result: WorkloadResult): Row[] {
  return result.bars.map((bar) => rowOf(result, bar));
}

function rowOf(result: WorkloadResult, bar: Bar): Row {
  const { of, metric, against, againstMetric = metric } = bar;
  const ours = summaryOf(result, of, metric);
  const theirs = against === undefined ? undefined : summaryOf(result, against, againstMetric);
  const ratio = ours && theirs && theirs.median > 0 ? ours.median / theirs.median : undefined;
  const judged = against === undefined ? ours?.median : ratio;
  const figure = of === "ours" ? metric : `${of}: ${metric}`;
  const shared = { workload: result.id, figure, ours, against: against ?? "", theirs, ratio };
  return { ...shared, bar: barText(bar), verdict: verdictOf(bar, judged) };
}

function summaryOf(result: WorkloadResult, name: string, metric: string): Summary | undefined {
  const entry = result.entries.find((candidate) => candidate.name === name);
  if (entry === undefined || entry.failure !== undefined) return undefined;
  const values = entry.samples.flatMap(({ metrics }) => metrics[metric] ?? []);
  return values.length === 0 ? undefined : summarise(values);
}

function verdictOf(bar: Bar, value: number | undefined): Row["verdict"] {
  if (value === undefined) return "failed";
  if (bar.least !== undefined) return value >= bar.least ? "held" : "missed";
  if (bar.most !== undefined) return value <= bar.most ? "held" : "missed";
  return "no bar";
}

function barText({ against, least, most }: Bar): string {
  const limit = least ?? most;
  if (limit === undefined) return "";
  return `${least === undefined ? "≤" : "≥"} ${limit}${against === undefined ? "" : " ×"}`;
}

const HEADINGS = [
  "",
  "figure",
  "ours",
  "min … max",
  "against",
  "theirs",
  "min … max",
  "ratio",
  "bar",
  "",
];

/** The table as cells, headings first. */
export function cells(results: readonly WorkloadResult[]): string[][] {
  const rows = results
    .flatMap(rowsOf)
    .map((row) => [
      row.workload,
      row.figure,
      ...figures(row.ours),
      row.against,
      ...(row.against === "" ? ["", ""] : figures(row.theirs)),
      row.ratio === undefined ? "" : row.ratio.toFixed(2),
      row.bar,
      row.verdict === "no bar" ? "" : row.verdict,
    ]);
  return [HEADINGS, ...rows];
}

const figures = (summary: Summary | undefined): [string, string] =>
  summary === undefined
    ? ["failed", ""]
    : [formatFigure(summary.median), `${formatFigure(summary.min)} … ${formatFigure(summary.max)}`];

const RIGHT_ALIGNED = new Set([2, 3, 5, 6, 7]);

/** Cells as lines of text in columns. */
export function textTable(table: readonly (readonly string[])[]): string {
  const widths = (table[0] ?? []).map((_, column) =>
    Math.max(...table.map((row) => (row[column] ?? "").length)),
  );
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return RIGHT_ALIGNED.has(column) ? cell.padStart(width) : cell.padEnd(width);
      })
      .join("  ")
      .trimEnd();
  return table.map(line).join("\n");
}

/** Cells as a Markdown table. */
export function markdownTable(table: readonly (readonly string[])[]): string {
  const [head = [], ...rows] = table;
  const rule = head.map((_, column) => (RIGHT_ALIGNED.has(column) ? "--:" : "---"));
  return [head, rule, ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

/** What each contestant cost, for the second table: medians of CPU, log and dead tuples. */
export function costCells(results: readonly WorkloadResult[]): string[][] {
  const rows = results.flatMap(({ id, entries }) =>
    entries
      .filter(({ samples }) => samples.some(({ cpuUsPerJob }) => cpuUsPerJob !== undefined))
      .map((entry) => [id, entry.name, cpuText(entry), cost(entry, "walBytesPerJob"), dead(entry)]),
  );
  return [["", "contestant", "CPU µs a job, and share", "WAL B a job", "dead tuples"], ...rows];
}

const dead = (entry: EntryResult): string => cost(entry, "deadTuples");

function cost(entry: EntryResult, key: "walBytesPerJob" | "deadTuples"): string {
  const values = entry.samples.flatMap((sample) => sample[key] ?? []);
  return values.length === 0 ? "" : Math.round(summarise(values).median).toLocaleString("en-GB");
}

function cpuText({ samples }: EntryResult): string {
  const names = [...new Set(samples.flatMap(({ cpuUsPerJob = {} }) => Object.keys(cpuUsPerJob)))];
  const medians = names.map((name): [string, number] => [
    name,
    summarise(samples.map(({ cpuUsPerJob = {} }) => cpuUsPerJob[name] ?? 0)).median,
  ]);
  const total = medians.reduce((sum, [, value]) => sum + value, 0);
  const share = (value: number) => (total === 0 ? 0 : Math.round((100 * value) / total));
  return medians
    .map(([name, value]) => `${name} ${formatFigure(value)} (${share(value)} %)`)
    .join(", ");
}
