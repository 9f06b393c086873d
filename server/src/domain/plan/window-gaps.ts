/** A run of windows; milliseconds since 1970, on the grid of its series. */
export interface WindowRun {
  readonly startMs: number;
  readonly endMs: number;
}

/**
 * What lies between runs of covered windows in a range, oldest first.
 *
 * @param runs in order, apart from each other; all that have a part in the range.
 */
export function gapsBetween(runs: readonly WindowRun[], { startMs, endMs }: WindowRun) {
  const gaps: WindowRun[] = [];
  let atMs = startMs;
  for (const run of runs) {
    const untilMs = Math.min(run.startMs, endMs);
    if (untilMs > atMs) gaps.push({ startMs: atMs, endMs: untilMs });
    atMs = Math.max(atMs, run.endMs);
  }
  if (atMs < endMs) gaps.push({ startMs: atMs, endMs });
  return gaps;
}

/** What is known of a series whose watermark is asked for. */
export interface SeriesFacts {
  readonly widthMs: number;
  readonly watermarkMs: number;
  /** Where the last window ends that is due. */
  readonly dueMs: number;
  /** Runs of covered windows after the watermark, before what is not due, and their windows. */
  readonly runs: number;
  readonly runWindows: number;
  /** The end of the last run. */
  readonly runsUntilMs: number | undefined;
}

/** How many windows of a series are due and not covered, and how many gaps they are. */
export function countMissing(facts: SeriesFacts): {
  readonly missingWindows: number;
  readonly gaps: number;
} {
  const { widthMs, watermarkMs, dueMs, runs, runWindows, runsUntilMs } = facts;
  // The watermark can lie within a window if the width was another one once.
  const fromMs = Math.floor(watermarkMs / widthMs) * widthMs;
  const missingWindows = Math.max(0, (dueMs - fromMs) / widthMs - runWindows);
  if (missingWindows === 0) return { missingWindows, gaps: 0 };
  // A gap begins at the watermark, and one behind each run, unless nothing follows.
  return { missingWindows, gaps: runs + (runsUntilMs === dueMs ? 0 : 1) };
}
