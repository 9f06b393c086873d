/**
 * A stretch of event time: [start, end), the end not included. Windows of a source have the same
 * width and are aligned on the epoch (1970-01-01T00:00Z), so that everybody who asks for one means
 * the same: days of width 86,400,000 ms begin at midnight UTC, weeks on Thursday.
 */
export interface EventWindow {
  readonly start: Date;
  readonly end: Date;
}

/** The narrowest window, in milliseconds. */
export const MIN_WIDTH_MS = 1_000;

/** The widest window, in milliseconds: 365 days, as in the contract's WindowSeries. */
export const MAX_WIDTH_MS = 365 * 86_400_000;

/** Why windows cannot have a width, or undefined. The other functions rely on it. */
export function widthFault(widthMs: number): string | undefined {
  if (!Number.isInteger(widthMs / 1_000)) return "must be whole seconds";
  if (widthMs < MIN_WIDTH_MS) return "must be at least 1 s";
  return widthMs > MAX_WIDTH_MS ? "must be at most 365 days" : undefined;
}

/** Why a stretch of event time is no window of a width, or undefined. */
export function windowFault({ start, end }: EventWindow, widthMs: number): string | undefined {
  if (Number.isNaN(start.getTime()) || Number.isNaN(end.getTime())) return "is no moment";
  if (alignDown(start, widthMs).getTime() !== start.getTime()) {
    return `must start at a multiple of ${widthMs} ms since 1970-01-01T00:00Z`;
  }
  const lengthMs = end.getTime() - start.getTime();
  return lengthMs === widthMs ? undefined : `must be ${widthMs} ms wide, not ${lengthMs}`;
}

/** Names a window within its source and scope; two that are the same have the same key. */
export const windowKey = ({ start, end }: EventWindow): string =>
  `${start.toISOString()}/${end.toISOString()}`;

/** The last boundary of the grid at or before a moment. */
export const alignDown = (at: Date, widthMs: number): Date =>
  new Date(Math.floor(at.getTime() / widthMs) * widthMs);

/** The first boundary of the grid at or after a moment. */
export const alignUp = (at: Date, widthMs: number): Date =>
  new Date(Math.ceil(at.getTime() / widthMs) * widthMs);

/**
 * The windows that have any part in a range, oldest first: a page of at most `max`, those that
 * start at `from` or later. The next page is from the end of the last one. An empty range has none.
 *
 * @param from undefined: from the beginning of the range.
 */
export function windowsBetween(
  range: EventWindow,
  widthMs: number,
  from: Date | undefined,
  max: number,
): EventWindow[] {
  if (range.end <= range.start) return [];
  const firstMs = Math.max(
    alignDown(range.start, widthMs).getTime(),
    from === undefined ? -Infinity : alignUp(from, widthMs).getTime(),
  );
  const windows: EventWindow[] = [];
  const endMs = range.end.getTime();
  for (let startMs = firstMs; startMs < endMs && windows.length < max; startMs += widthMs) {
    windows.push({ start: new Date(startMs), end: new Date(startMs + widthMs) });
  }
  return windows;
}

/** How many windows have any part in a range. */
export function countWindows({ start, end }: EventWindow, widthMs: number): number {
  if (end <= start) return 0;
  return (alignUp(end, widthMs).getTime() - alignDown(start, widthMs).getTime()) / widthMs;
}

/** The event time up to which everything should be there: windows that end by then are due. */
export const dueUntil = (now: Date, latenessMs: number): Date =>
  new Date(now.getTime() - latenessMs);

/**
 * Whether the success of an attempt covers a window. One that started before the window's end
 * plus the lateness that is allowed does not: it may have read before the last data came.
 */
export const countsAsCovered = (success: {
  readonly window: EventWindow;
  readonly attemptStartedAt: Date;
  readonly latenessMs: number;
}): boolean => success.window.end <= dueUntil(success.attemptStartedAt, success.latenessMs);

/**
 * How long a backfill takes, in milliseconds: full rounds of `parallel` windows. Undefined where
 * there is no history to measure by. It knows of no limit but `parallel`.
 *
 * @param meanMs how long a window took on average; undefined: none was measured.
 */
export function estimateBackfill(backfill: {
  readonly windows: number;
  readonly meanMs: number | undefined;
  readonly parallel: number;
}): number | undefined {
  const { windows, meanMs, parallel } = backfill;
  if (windows === 0) return 0;
  return meanMs === undefined ? undefined : Math.ceil(windows / Math.max(1, parallel)) * meanMs;
}
