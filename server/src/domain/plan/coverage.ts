import type { EventWindow } from "./windows.ts";

/**
 * What of a source's event time is covered: ranges in order, none empty, none touching another.
 * They need not be on the grid of windows, whose width may have been another once.
 */
export type Coverage = readonly EventWindow[];

/** Coverage with a range added: whatever it overlaps or touches becomes one with it. */
export function coverRange(ranges: Coverage, added: EventWindow): Coverage {
  if (added.end <= added.start) return ranges;
  const from = firstEndingAtOrAfter(ranges, added.start);
  let to = from;
  let { start, end } = added;
  for (
    let range = ranges[to];
    range !== undefined && range.start <= added.end;
    range = ranges[to]
  ) {
    if (range.start < start) start = range.start;
    if (range.end > end) end = range.end;
    to++;
  }
  return [...ranges.slice(0, from), { start, end }, ...ranges.slice(to)];
}

/** What of a range is not covered, oldest first. */
export function gapsIn(ranges: Coverage, within: EventWindow): EventWindow[] {
  const gaps: EventWindow[] = [];
  let { start } = within;
  for (let at = firstEndingAtOrAfter(ranges, start); start < within.end; at++) {
    const range = ranges[at];
    const end = range === undefined || range.start > within.end ? within.end : range.start;
    if (start < end) gaps.push({ start, end });
    if (range === undefined) break;
    if (range.end > start) start = range.end;
  }
  return gaps;
}

/** Whether all of a range is covered; an empty one is. */
export function isCovered(ranges: Coverage, within: EventWindow): boolean {
  if (within.end <= within.start) return true;
  const range = ranges[firstEndingAtOrAfter(ranges, within.end)];
  return range !== undefined && range.start <= within.start;
}

/**
 * The watermark: up to where everything is covered without a gap, beginning at the origin. As
 * coverage only grows, it only moves forward. Without coverage it is the origin.
 */
export function coveredPrefix(ranges: Coverage, origin: Date): Date {
  const range = ranges[firstEndingAtOrAfter(ranges, origin)];
  return range !== undefined && range.start <= origin ? range.end : origin;
}

/** The position of the first range whose end is at or after a moment; bisected. */
function firstEndingAtOrAfter(ranges: Coverage, moment: Date): number {
  let [low, high] = [0, ranges.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const range = ranges[middle];
    if (range !== undefined && range.end < moment) low = middle + 1;
    else high = middle;
  }
  return low;
}
