import type { History, JobRow } from "../history.ts";
import type { BackfillRow, BackfillWindowRow, SeriesRow } from "../plan-history.ts";
import { byJob, type Invariant, type Violation } from "./invariant.ts";
import { endBefore, endIn, wasRetried } from "./steps.ts";
import { coveringJobs, seriesKey, wrongSeries } from "./watermarks.ts";

const windowKey = (of: Parameters<typeof seriesKey>[0], startMs: number): string =>
  `${seriesKey(of)} ${startMs}`;

/** A run as long as this has backfills. */
const LONG_RUN_MS = 60_000;

/**
 * 11: what is covered is what succeeded, the watermark is where that begins to have gaps and never
 * went back, and of a backfill that has ended every window was covered once, or says that it was
 * not: by one job of its own or by somebody else's, and by no job that was not needed.
 */
export const windowsCoveredOnce: Invariant = {
  number: "11",
  title: "every window covered once, watermark monotone",
  check(history) {
    const facts = factsOf(history);
    const violations = [
      ...wrongSeries(history),
      ...history.backfills.flatMap((backfill) => wrongBackfill(facts, backfill)),
      ...needless(facts, history),
    ];
    return { checked: history.backfillWindows.length, violations };
  },
  leastChecked: ({ terms }) => (terms.runMs >= LONG_RUN_MS ? 1 : 0),
};

interface Facts {
  readonly history: History;
  readonly steps: ReturnType<typeof byJob<History["events"][number]>>;
  readonly covering: ReadonlySet<string>;
  readonly covered: ReadonlySet<string>;
  readonly jobsOf: ReadonlyMap<string, readonly JobRow[]>;
  readonly rowsOf: ReadonlyMap<string, readonly BackfillWindowRow[]>;
  readonly series: ReadonlyMap<string, SeriesRow>;
}

function factsOf(history: History): Facts {
  const covering = coveringJobs(history);
  const covered = history.jobs
    .filter(({ id }) => covering.has(id))
    .map((job) => windowKey({ ...job, scope: job.scope ?? "" }, job.windowStartMs ?? 0));
  return {
    history,
    covering,
    covered: new Set(covered),
    steps: byJob(history.events),
    jobsOf: Map.groupBy(history.jobs, ({ nonce = "" }) => nonce),
    rowsOf: Map.groupBy(history.backfillWindows, ({ backfillId }) => backfillId),
    series: new Map(history.series.map((one) => [seriesKey(one), one])),
  };
}

function wrongBackfill(facts: Facts, backfill: BackfillRow): Violation[] {
  const rows = facts.rowsOf.get(backfill.id) ?? [];
  const jobs = facts.jobsOf.get(backfill.wish) ?? [];
  const whole = [...wrongSum(facts, backfill, rows), ...tooMany(facts, backfill, jobs)];
  const own = new Set(jobs.map(({ id }) => id));
  const named = new Map(rows.map((row) => [row.jobId, row]));
  const strays = jobs.flatMap((job) => {
    const row = named.get(job.id);
    const isMeant = row?.startMs === job.windowStartMs && row?.endMs === job.windowEndMs;
    return isMeant && job.scope === backfill.scope && job.source === backfill.source
      ? []
      : [{ jobId: job.id, text: "is for none of the windows of its backfill" }];
  });
  const windows = rows.flatMap((row) => {
    const text = wrongWindow(facts, backfill, row, own);
    const jobId = row.jobId === undefined ? {} : { jobId: row.jobId };
    return text === undefined ? [] : [{ ...jobId, text: `${introduction(backfill, row)} ${text}` }];
  });
  return [
    ...whole.map((text) => ({ text: `backfill ${backfill.id} ${text}` })),
    ...strays,
    ...windows,
  ];
}

const introduction = ({ id }: BackfillRow, { startMs, state }: BackfillWindowRow): string =>
  `the window from ${startMs} of backfill ${id} is ${state}:`;

/** Its counts, its state and its rows must say the same. */
function wrongSum(
  facts: Facts,
  backfill: BackfillRow,
  rows: readonly BackfillWindowRow[],
): string[] {
  const { state, covered, shared, failed, windows, startMs, endMs, createdMs } = backfill;
  const series = facts.series.get(seriesKey(backfill));
  if (series === undefined) return ["is of no series"];
  const count = (which: BackfillWindowRow["state"]) =>
    rows.filter((row) => row.state === which).length;
  const texts: string[] = [];
  const say = (is: number, should: number, what: string) => {
    if (is !== should) texts.push(`says ${is} ${what}, of which there are ${should}`);
  };
  say(windows, (endMs - startMs) / series.widthMs, "windows");
  say(covered, count("covered"), "covered");
  say(failed, count("failed"), "failed");
  if (shared < count("shared")) texts.push(`says ${shared} shared, with ${count("shared")} rows`);
  if (state === "running" || state === "paused" || state === "cancelling") return texts;
  const open = count("in_progress") + count("waiting");
  if (open > 0) texts.push(`is ${state} with ${open} windows that are open`);
  if (state === "cancelled") return texts;
  if ((state === "failed") !== failed > 0) texts.push(`is ${state} with ${failed} failed windows`);
  const due = starts(backfill, series).filter((startMs) => {
    return startMs + series.widthMs + series.latenessMs <= createdMs;
  });
  say(covered + shared + failed, due.length, "windows that are settled and were due");
  const unsettled = new Set(rows.filter((row) => row.state === "failed").map((row) => row.startMs));
  const gaps = due.filter((startMs) => {
    return !unsettled.has(startMs) && !facts.covered.has(windowKey(backfill, startMs));
  });
  if (gaps.length > 0) texts.push(`left ${gaps.length} windows uncovered, from ${gaps[0]} on`);
  return texts;
}

const starts = ({ startMs, endMs }: BackfillRow, { widthMs }: SeriesRow): number[] =>
  Array.from({ length: Math.max(0, (endMs - startMs) / widthMs) }, (_, n) => startMs + n * widthMs);

/** What a row says must be so. */
function wrongWindow(
  { steps, covering, covered }: Facts,
  backfill: BackfillRow,
  { state, jobId = "", startMs }: BackfillWindowRow,
  own: ReadonlySet<string>,
): string | undefined {
  const isCovered = covered.has(windowKey(backfill, startMs));
  const job = steps.get(jobId) ?? [];
  if (state === "covered") {
    // Somebody may have retried the dead letter of its job, or covered the window without it.
    if (!isCovered) return "nobody covered it";
    if (!own.has(jobId)) return `by ${jobId}, which is not its own`;
  }
  if (state === "shared") {
    if (!isCovered) return "nobody covered it";
    if (own.has(jobId) && covering.has(jobId) && !wasRetried(job)) return "its own job covered it";
  }
  if (state === "failed" && covering.has(jobId) && !wasRetried(job)) return "its job covered it";
  return undefined;
}

/** Never more than so many of its jobs are unfinished; those that were retried are not counted. */
function tooMany(
  { steps }: Facts,
  { maxParallel }: BackfillRow,
  jobs: readonly JobRow[],
): string[] {
  const turns = jobs
    .map(({ id }) => steps.get(id) ?? [])
    .filter((own) => own.length > 0 && !wasRetried(own))
    .flatMap((own) => {
      const end = own.find((step) => endIn(step) !== undefined);
      const begin = { id: own[0]?.id ?? 0, by: 1 };
      return end === undefined ? [begin] : [begin, { id: end.id, by: -1 }];
    })
    .sort((a, b) => a.id - b.id);
  let unfinished = 0;
  let most = 0;
  for (const { by } of turns) {
    unfinished += by;
    most = Math.max(most, unfinished);
  }
  return most > maxParallel ? [`had ${most} jobs unfinished at once, at most ${maxParallel}`] : [];
}

/**
 * No backfill makes a job for a window that another's unfinished job is to cover, or has covered.
 * Only backfills' jobs are compared: they are decided about one after the other, others are not.
 */
function needless({ steps, covering, jobsOf }: Facts, { backfills }: History): Violation[] {
  const made = backfills.flatMap((backfill) =>
    (jobsOf.get(backfill.wish) ?? []).map((job) => ({
      job,
      backfill,
      steps: steps.get(job.id) ?? [],
    })),
  );
  const same = Map.groupBy(made, ({ job, backfill }) =>
    windowKey(backfill, job.windowStartMs ?? 0),
  );
  return [...same.values()].flatMap((group) =>
    group.flatMap((later) => {
      const born = later.steps[0]?.id ?? 0;
      const before = group.filter((other) => {
        return (other.steps[0]?.id ?? 0) < born && !wasRetried(other.steps);
      });
      return before.flatMap((other) => {
        const end = endBefore(other.steps, born);
        const isCovered = end === "succeeded" && covering.has(other.job.id);
        if (end !== undefined && (!isCovered || later.backfill.repeatCovered)) return [];
        const why = end === undefined ? "was to cover" : "had covered";
        return [{ jobId: later.job.id, text: `was made for a window that ${other.job.id} ${why}` }];
      });
    }),
  );
}
