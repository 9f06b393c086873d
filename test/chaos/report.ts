import type { History } from "./history.ts";
import { NOT_YET } from "./invariants/all.ts";
import { balanceOf } from "./invariants/conservation.ts";
import type { Finding, Invariant, Violation } from "./invariants/invariant.ts";

/** What became of one invariant. */
export interface Verdict {
  readonly invariant: Invariant;
  readonly finding: Finding;
  readonly word: "held" | "VIOLATED" | "not exercised" | "PROVED NOTHING";
}

/** Checks a history for all of them. */
export function judge(history: History, invariants: readonly Invariant[]): Verdict[] {
  return invariants.map((invariant) => {
    const finding = invariant.check(history);
    return { invariant, finding, word: wordFor(finding, invariant.leastChecked?.(history) ?? 0) };
  });
}

function wordFor({ checked, violations }: Finding, least: number): Verdict["word"] {
  if (violations.length > 0) return "VIOLATED";
  if (checked < least) return "PROVED NOTHING";
  return checked === 0 ? "not exercised" : "held";
}

/** Whether the run may count as passed. */
export const hasFailed = ({ word }: Verdict): boolean =>
  word === "VIOLATED" || word === "PROVED NOTHING";

/** The table at the end of a run. */
export function reportText(
  history: History,
  verdicts: readonly Verdict[],
  operations: ReadonlyMap<string, number>,
): string {
  const { drain, terms } = history;
  const took =
    drain.doneMs === undefined
      ? `not in ${terms.drainMs / 1_000} s`
      : `in ${((drain.doneMs - drain.fromMs) / 1_000).toFixed(1)} s`;
  const balance = Object.entries(balanceOf(history)).map(([name, count]) => `${count} ${name}`);
  return [
    `operations: ${counted(operations)}`,
    `faults: ${counted(tally(history.faults.map(({ kind }) => kind)))}`,
    ...fizzled(history),
    ...superseded(history),
    `jobs: ${balance.join(", ")}; drained ${took}`,
    `attempts: ${counted(tally(history.attempts.map(outcomeOf)))}`,
    "",
    ...table(verdicts),
  ].join("\n");
}

const outcomeOf = ({
  outcome,
  failureClass,
}: {
  outcome: string;
  failureClass?: string | undefined;
}) => (failureClass === undefined ? outcome : `${outcome} (${failureClass})`);

/** Faults that came to nothing, so that nobody takes them for survived. */
function fizzled({ faults }: History): string[] {
  const nothing = faults.filter(({ target }) => target.startsWith("came to nothing"));
  if (nothing.length === 0) return [];
  return [`faults that came to nothing: ${counted(tally(nothing.map(({ kind }) => kind)))}`];
}

/** Not a violation, and not what an operator expects either. */
const superseded = ({ superseded: workers }: History): string[] =>
  workers.length === 0 ? [] : [`workers that ended as superseded: ${workers.join(", ")}`];

function table(verdicts: readonly Verdict[]): string[] {
  const rows = verdicts.map(({ invariant: { number, title }, finding, word }) => [
    number,
    title,
    String(finding.checked),
    String(finding.violations.length),
    word,
  ]);
  const later = NOT_YET.map(({ number, feature }) => [number, "", "–", "–", `not yet: ${feature}`]);
  const all = [...rows, ...later].sort((a, b) => rank(a[0]) - rank(b[0]));
  const header = ["", "invariant", "checked", "violations", ""];
  const widths = header.map((_, column) =>
    Math.max(...[header, ...all].map((row) => (row[column] ?? "").length)),
  );
  const isNumber = (column: number) => column === 0 || column === 2 || column === 3;
  return [header, ...all].map((row) =>
    row
      .map((cell, column) =>
        isNumber(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join("  ")
      .trimEnd(),
  );
}

const rank = (number: string | undefined): number => Number(number) || Number.MAX_SAFE_INTEGER;

/** How often each text occurs. */
export function tally(texts: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return counts;
}

const counted = (counts: ReadonlyMap<string, number>): string => {
  const sum = [...counts.values()].reduce((total, count) => total + count, 0);
  const parts = [...counts].sort(([a], [b]) => a.localeCompare(b));
  const list = parts.map(([name, count]) => `${count} ${name}`).join(", ");
  return list === "" ? String(sum) : `${sum}: ${list}`;
};

const SHOWN = 3;

/**
 * The violations of one verdict, with everything that is known of the job that has the least of
 * it, and of no other.
 */
export function violationText(history: History, { invariant, finding }: Verdict): string {
  const { violations } = finding;
  const head = `${invariant.number}. ${invariant.title}: ${violations.length} violations`;
  const some = violations.slice(0, SHOWN).map(({ jobId, text }) => `  ${jobId ?? ""} ${text}`);
  const shortest = violations
    .filter((one): one is Violation & { jobId: string } => one.jobId !== undefined)
    .map(({ jobId, text }) => ({ text, lines: linesOf(history, jobId) }))
    .sort((a, b) => a.lines.length - b.lines.length)[0];
  if (shortest === undefined) return [head, ...some].join("\n");
  return [head, ...some, `  the shortest history: ${shortest.text}`, ...shortest.lines].join("\n");
}

/** Everything about one job: its rows, what was said about it, and its dependencies. */
function linesOf(history: History, jobId: string): string[] {
  const job = history.jobs.find(({ id }) => id === jobId);
  const line = (kind: string) => (row: object) => `    ${kind} ${JSON.stringify(row, asText)}`;
  const own = <Row extends { readonly jobId: string }>(rows: readonly Row[]) =>
    rows.filter((row) => row.jobId === jobId);
  const nonces = new Set([job?.nonce, ...own(history.acks).map(({ nonce }) => nonce)]);
  return [
    ...history.intents.filter(({ nonce }) => nonces.has(nonce)).map(line("intent")),
    ...own(history.acks).map(line("ack")),
    ...(job === undefined ? ["    no row in the ledger"] : [line("row")(job)]),
    ...history.edges
      .filter(({ fromJob, toJob }) => fromJob === jobId || toJob === jobId)
      .map(line("edge")),
    ...own(history.tokens).map(line("token")),
    ...own(history.attempts).map(line("attempt")),
    ...own(history.events).map(line("event")),
    ...own(history.work).map(line("worker")),
    ...own(history.writes).map(line("write")),
  ];
}

const asText = (_key: string, value: unknown): unknown =>
  typeof value === "bigint" ? value.toString() : value;
