import { type Shares, sharesText } from "../agents/agents.ts";
import { LANGUAGE_NAMES } from "../agents/languages.ts";
import { attemptSeconds, type BoardJob } from "./board.ts";
import {
  type Colour,
  humanBytes,
  humanSeconds,
  padded,
  paint,
  plural,
  printable,
  shortened,
  type TextStream,
} from "./text.ts";

/** An artifact that the run made. */
export interface ReportArtifact {
  /** Its name. */
  readonly name: string;
  /** "sha256:" and 64 hexadecimal digits. */
  readonly digest: string;
  /** Its size in bytes. */
  readonly sizeBytes: number;
  /** Where it was written. */
  readonly path: string;
}

/** A job with the artifacts that it bound. */
export interface ReportJob extends BoardJob {
  /** Its artifacts. */
  readonly artifacts: readonly Omit<ReportArtifact, "path">[];
}

/** What the report tells. */
export interface Report {
  /** The jobs in the run's order. */
  readonly jobs: readonly ReportJob[];
  /** The artifacts that were written to disk; none when the run failed. */
  readonly artifacts: readonly ReportArtifact[];
  /** How many components the SBOM has; undefined when there is none. */
  readonly components: number | undefined;
  /** From the start of the demo to the end of its work. */
  readonly seconds: number;
  /** What scans had to leave out. */
  readonly warnings: readonly string[];
  /** Whose agents did the work; absent when there was the TypeScript one alone. */
  readonly shares?: Shares;
}

const MOST_ROWS = 24;
const MOST_WARNINGS = 10;
const SHORT_DIGEST = 12;
// What the columns after the name take, and how wide a table may be where nothing says.
const OTHER_COLUMNS = 59;
const AGENT_COLUMNS = 12;
// With agents a narrower table has no room for both names and digests.
const DIGESTS_FROM_COLUMNS = 96;
const LOG_COLUMNS = 140;
const COLOURS: Partial<Record<BoardJob["state"], Colour>> = {
  succeeded: "green",
  dead: "red",
  cancelled: "yellow",
};

/** The table of jobs, why some did not succeed, and where the artifacts are. */
export function reportText(stream: TextStream, report: Report): string {
  const lines = [...table(stream, report), ""];
  for (const job of report.jobs) {
    if (job.state !== "dead" || job.lastFailure === undefined) continue;
    const { failureClass, message } = job.lastFailure;
    const title = paint(stream, "red", `${printable(job.name)} (${failureClass})`);
    lines.push(title, `  ${printable(message)}`, "");
  }
  const notes = report.warnings.slice(0, MOST_WARNINGS).map(printable);
  for (const note of notes) lines.push(`${paint(stream, "yellow", "note")}  ${note}`);
  const more = report.warnings.length - notes.length;
  if (more > 0) lines.push(`      and ${plural(more, "more note")}`);
  for (const { name, digest, sizeBytes, path } of report.artifacts) {
    const parts = plural(report.components ?? 0, "component");
    lines.push(`${paint(stream, "bold", name)}  ${parts}, ${humanBytes(sizeBytes)}`);
    lines.push(`  ${digest}`, `  written to ${path}`);
  }
  if (report.artifacts.length === 0)
    lines.push(paint(stream, "red", "No SBOM was written: not every job succeeded."));
  if (report.shares !== undefined) lines.push(...sharesText(report.shares));
  lines.push(`  ${summary(report)}`);
  return lines.join("\n");
}

function summary({ jobs, seconds }: Report): string {
  const attempts = jobs.reduce((sum, job) => sum + job.attempt, 0);
  const jobCount = plural(jobs.length, "job");
  return `${jobCount}, ${plural(attempts, "attempt")}, ${humanSeconds(seconds)} in total`;
}

function table(stream: TextStream, { jobs, shares }: Report): string[] {
  const shown = jobs.length <= MOST_ROWS ? jobs : mostTelling(jobs);
  const cells = shown.map((job) => ({ job, name: printable(job.name), ...artifactCells(job) }));
  const columns = Math.max((stream.isTTY ? stream.columns : LOG_COLUMNS) ?? 80, 60);
  const agentColumns = shares === undefined ? 0 : AGENT_COLUMNS;
  const isNarrow = shares !== undefined && columns < DIGESTS_FROM_COLUMNS;
  const digestColumns = isNarrow ? 0 : SHORT_DIGEST;
  const others = OTHER_COLUMNS + agentColumns - (SHORT_DIGEST - digestColumns);
  const room = Math.max(columns - others, 16);
  const widest = Math.max(...cells.map((cell) => [...cell.name].length), 3);
  const nameColumns = Math.min(widest, room);
  const row = (name: string, agent: string, ...rest: string[]) =>
    `${padded(name, nameColumns)}  ${padded(agent, agentColumns)}${rest.join("  ")}`.trimEnd();
  const agentTitle = shares === undefined ? "" : "agent";
  const head = row("job", agentTitle, "state    ", "attempts", "seconds", "artifact");
  const lines = [paint(stream, "dim", head)];
  for (const { job, name, artifact, size } of cells) {
    const seconds = attemptSeconds(job)?.toFixed(2) ?? "–";
    const state = padded(job.state, 9);
    const colour = COLOURS[job.state];
    lines.push(
      row(
        shortened(name, nameColumns),
        agentName(job, shares),
        colour === undefined ? state : paint(stream, colour, state),
        padded(String(job.attempt), 8, "right"),
        padded(seconds, 7, "right"),
        `${padded(artifact.slice(0, digestColumns), digestColumns)}  ${padded(size, 9, "right")}`,
      ),
    );
  }
  const left = jobs.length - shown.length;
  if (left > 0) lines.push(paint(stream, "dim", `… and ${left} more that succeeded`));
  return lines;
}

function agentName(job: ReportJob, shares: Shares | undefined): string {
  const language = shares?.byJob.get(job.name);
  return language === undefined ? "" : LANGUAGE_NAMES[language];
}

/** All that did not go well, the merge, and as many of the others as there is room for. */
function mostTelling(jobs: readonly ReportJob[]): ReportJob[] {
  const isPlain = (job: ReportJob) => job.state === "succeeded" && job.attempt <= 1;
  const telling = new Set([...jobs.filter((job) => !isPlain(job)), ...jobs.slice(-1)]);
  for (const job of jobs) if (telling.size < MOST_ROWS) telling.add(job);
  return jobs.filter((job) => telling.has(job));
}

function artifactCells(job: ReportJob): { artifact: string; size: string } {
  const [first] = job.artifacts;
  if (first === undefined) return { artifact: "", size: "" };
  const digest = first.digest.replace(/^sha256:/, "").slice(0, SHORT_DIGEST);
  return { artifact: digest, size: humanBytes(first.sizeBytes) };
}
