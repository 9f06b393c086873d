/** The clock on the wall of a time zone: milliseconds that UTC would show when the wall does. */
export type WallMs = number;

const DAY_MS = 86_400_000;
const FOUR_CENTURIES_MS = 146_097 * DAY_MS;

// Making a formatter costs about a hundred times as much as asking it. Every zone there is fits.
const MAX_FORMATTERS = 1_000;
const formatters = new Map<string, Intl.DateTimeFormat>();

/** Whether a name is an IANA time zone. Offsets such as "+01:00" are not: they know no summer. */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    formatterOf(name);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** How far the wall clock of a zone is ahead of UTC at an instant, in milliseconds. */
export function offsetMs(timeZone: string, instantMs: number): number {
  // Offsets are whole seconds, so the milliseconds take no part.
  const secondMs = Math.floor(instantMs / 1_000) * 1_000;
  const shown: Record<string, number> = {};
  for (const { type, value } of formatterOf(timeZone).formatToParts(secondMs)) {
    shown[type] = Number(value);
  }
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = shown;
  // Four centuries later the calendar is the same, and no year is taken for one of the 1900s.
  const wall = Date.UTC(year + 400, month - 1, day, hour, minute, second) - FOUR_CENTURIES_MS;
  // The last day before the year 1 is shown as one of the year 1, of the other era.
  return wall - secondMs > DAY_MS ? wall - secondMs - 365 * DAY_MS : wall - secondMs;
}

/**
 * The instants at which the clock of a zone shows a wall time, in order: one, or two in autumn. For
 * a time that is skipped, as in spring, the instant at which the clock jumps over it.
 */
export function instantsAt(timeZone: string, wall: WallMs): readonly [number, ...number[]] {
  const before = offsetMs(timeZone, wall - DAY_MS);
  const after = offsetMs(timeZone, wall + DAY_MS);
  if (before === after) return [wall - before];
  const changeMs = changeAround(timeZone, wall, before);
  const [first, second] = [wall - before, wall - after];
  if (first >= changeMs) return [Math.max(changeMs, second)];
  return second >= changeMs ? [first, second] : [first];
}

/** The least and the greatest offset that a zone has within a day of an instant. */
export function offsetsAround(
  timeZone: string,
  instantMs: number,
): { readonly least: number; readonly greatest: number } {
  const early = offsetMs(timeZone, instantMs - DAY_MS);
  const late = offsetMs(timeZone, instantMs + DAY_MS);
  return { least: Math.min(early, late), greatest: Math.max(early, late) };
}

/**
 * The instant within a day of a wall time at which the offset stops to be `before`. No zone is more
 * than a day from UTC, and none changes its offset twice in two days.
 */
function changeAround(timeZone: string, wall: WallMs, before: number): number {
  let [early, late] = [wall - DAY_MS, wall + DAY_MS];
  while (late - early > 1) {
    const middle = Math.floor((early + late) / 2);
    if (offsetMs(timeZone, middle) === before) early = middle;
    else late = middle;
  }
  return late;
}

function formatterOf(timeZone: string): Intl.DateTimeFormat {
  let formatter = formatters.get(timeZone);
  if (formatter !== undefined) return formatter;
  formatter = new Intl.DateTimeFormat("en-US", {
    timeZone,
    calendar: "iso8601",
    numberingSystem: "latn",
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  if (formatters.size >= MAX_FORMATTERS) formatters.clear();
  formatters.set(timeZone, formatter);
  return formatter;
}
