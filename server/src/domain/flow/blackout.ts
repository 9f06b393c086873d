import { Cron } from "croner";
import { instantsAt, isTimeZone, offsetsAround, type WallMs } from "./zone-clock.ts";

/**
 * A time in which nothing may start: plain JSON. `startMs` and `endMs` are milliseconds since the
 * epoch, the end not included.
 *
 * A recurring window begins when the clock of its zone shows a time of `cron` (five fields), and
 * lasts for `durationMs` of elapsed time. Where the clock changes:
 *
 * - A time that it shows twice, in autumn, begins a window twice: no half past two is left out.
 * - A time that it skips, in spring, begins one when it jumps: whoever set the window wanted to
 *   keep something away from an upstream, whose own work is then late as well.
 */
export type BlackoutWindow =
  | { readonly kind: "once"; readonly startMs: number; readonly endMs: number }
  | {
      readonly kind: "recurring";
      readonly cron: string;
      readonly timeZone: string;
      readonly durationMs: number;
    };

/** A blackout that is in force. */
export interface ActiveBlackout<W extends BlackoutWindow = BlackoutWindow> {
  /** The window to name: of those in force, the one that ends last. */
  readonly window: W;
  /**
   * When it is over, windows that follow without a gap included. Where that goes on for ever it
   * is a moment at which to ask again.
   */
  readonly untilMs: number;
}

/** A field that cannot be, as the caller's request names it within the window. */
export interface BlackoutViolation {
  readonly field: "start" | "end" | "cron" | "time_zone" | "duration";
  readonly message: string;
}

/** The longest recurring window, in milliseconds: a week. A longer stop is a pause. */
export const MAX_RECURRING_MS = 7 * 86_400_000;

/** The longest one-off window, in milliseconds: a year and a day. */
export const MAX_ONCE_MS = 366 * 86_400_000;

const MINUTE_MS = 60_000;

// How many windows are joined to one blackout before the caller is told to ask again.
const MAX_JOINED = 16;

// Bounds the search through times that a change of the clock throws together: a day of minutes.
const MAX_STEPS = 1_500;

/** Everything that is wrong with a window, empty if nothing is. The other functions rely on it. */
export function validateBlackout(window: BlackoutWindow): BlackoutViolation[] {
  if (window.kind === "once") {
    if (!Number.isFinite(window.startMs)) return [{ field: "start", message: "is no moment" }];
    if (!Number.isFinite(window.endMs)) return [{ field: "end", message: "is no moment" }];
    const lengthMs = window.endMs - window.startMs;
    if (lengthMs <= 0) return [{ field: "end", message: "must be after the start" }];
    if (lengthMs > MAX_ONCE_MS) return [{ field: "end", message: "must be within 366 days" }];
    return [];
  }
  const violations: BlackoutViolation[] = [];
  const cron = cronFault(window.cron);
  if (cron !== undefined) violations.push({ field: "cron", message: cron });
  if (!isTimeZone(window.timeZone)) {
    const message = "must be a zone of the IANA database, such as Europe/Berlin";
    violations.push({ field: "time_zone", message });
  }
  const { durationMs } = window;
  if (!(durationMs > 0)) violations.push({ field: "duration", message: "must be above zero" });
  if (durationMs > MAX_RECURRING_MS) {
    violations.push({ field: "duration", message: "must be at most 7 days" });
  }
  return violations;
}

/**
 * The blackout in force, if any. Overlapping windows are one. Costs 0.2 to 0.7 ms a recurring
 * window, so ask once and keep the answer: until `untilMs` if one is in force, until
 * {@link nextChange} if none is. Throws on a window that {@link validateBlackout} refuses.
 */
export function activeBlackout<W extends BlackoutWindow>(
  windows: readonly W[],
  nowMs: number,
): ActiveBlackout<W> | undefined {
  const first = lastToEnd(windows, nowMs);
  if (first === undefined) return undefined;
  let { untilMs } = first;
  for (let joined = 0; joined < MAX_JOINED; joined++) {
    const next = lastToEnd(windows, untilMs);
    if (next === undefined) break;
    untilMs = next.untilMs;
  }
  return { window: first.window, untilMs };
}

/**
 * The next moment at which {@link activeBlackout} can answer otherwise: the end of the blackout in
 * force or the start of the next. Undefined: there is none any more.
 */
export function nextChange(windows: readonly BlackoutWindow[], nowMs: number): number | undefined {
  const active = activeBlackout(windows, nowMs);
  if (active !== undefined) return active.untilMs;
  const starts = windows
    .map((window) => nextStart(window, nowMs))
    .filter((startMs) => startMs !== undefined);
  return starts.length === 0 ? undefined : Math.min(...starts);
}

function lastToEnd<W extends BlackoutWindow>(
  windows: readonly W[],
  atMs: number,
): ActiveBlackout<W> | undefined {
  let last: ActiveBlackout<W> | undefined;
  for (const window of windows) {
    const untilMs = endOf(window, atMs);
    if (untilMs !== undefined && untilMs > (last?.untilMs ?? atMs)) last = { window, untilMs };
  }
  return last;
}

/** When the window ends that is in force at an instant, by itself; undefined if it is not. */
function endOf(window: BlackoutWindow, atMs: number): number | undefined {
  if (window.kind === "once") {
    return window.startMs <= atMs && atMs < window.endMs ? window.endMs : undefined;
  }
  const begunMs = lastBeginning(window, atMs);
  const endMs = begunMs + window.durationMs;
  return atMs < endMs ? endMs : undefined;
}

/** When the window began last, -Infinity if never. */
function lastBeginning({ timeZone, cron }: Recurring, atMs: number): number {
  const times = new Cron(cron, CRON);
  const { least, greatest } = offsetsAround(timeZone, atMs);
  let latest = -Infinity;
  let wall: WallMs | undefined = afterMinute(atMs + greatest);
  for (let step = 0; step < MAX_STEPS; step++) {
    wall = times.previousRuns(1, new Date(wall))[0]?.getTime();
    // Where the clock went back, an earlier time can have begun later, but not later than this.
    if (wall === undefined || wall - least <= latest) break;
    const begun = instantsAt(timeZone, wall).findLast((instant) => instant <= atMs);
    latest = Math.max(latest, begun ?? -Infinity);
  }
  return latest;
}

function nextStart(window: BlackoutWindow, nowMs: number): number | undefined {
  if (window.kind === "once") return window.startMs > nowMs ? window.startMs : undefined;
  const { timeZone } = window;
  const times = new Cron(window.cron, CRON);
  const { least, greatest } = offsetsAround(timeZone, nowMs);
  let earliest = Infinity;
  let wall: WallMs | undefined = afterMinute(nowMs + least) - 2 * MINUTE_MS;
  for (let step = 0; step < MAX_STEPS; step++) {
    wall = times.nextRun(new Date(wall))?.getTime();
    if (wall === undefined || wall - greatest >= earliest) break;
    const begins = instantsAt(timeZone, wall).find((instant) => instant > nowMs);
    earliest = Math.min(earliest, begins ?? Infinity);
  }
  return earliest === Infinity ? undefined : earliest;
}

type Recurring = Extract<BlackoutWindow, { kind: "recurring" }>;

// The times of a pattern are found on a clock without changes and put on the zone's clock here:
// the library has rules of its own for changes, which are for runs and not for windows.
const CRON = { timezone: "UTC", mode: "5-part" } as const;

const afterMinute = (wall: WallMs): WallMs => (Math.floor(wall / MINUTE_MS) + 1) * MINUTE_MS;

/** Why a pattern cannot be, in the words of the library, or undefined. */
function cronFault(cron: string): string | undefined {
  if (cron.trim().split(/\s+/).length !== 5) return "must have five fields";
  // In that place the library puts the time at which the pattern is read.
  if (cron.includes("?")) return "must not contain '?'";
  try {
    // Four years and a century's missing leap day: if nothing comes by then, nothing ever does.
    const next = new Cron(cron, CRON).nextRun(new Date(0));
    return next === null ? "names a time that never comes" : undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
