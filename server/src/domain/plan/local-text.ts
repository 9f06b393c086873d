import { offsetMs } from "../flow/zone-clock.ts";

/** A moment as the clock of a zone shows it, with its offset: `2026-03-29T03:30:00+02:00`. */
export function localText(timeZone: string, at: Date): string {
  const offset = offsetMs(timeZone, at.getTime());
  const shown = new Date(at.getTime() + offset).toISOString().replace(/(\.000)?Z$/, "");
  return `${shown}${offsetText(offset)}`;
}

/** Offsets of long ago have seconds; RFC 3339 does not, and nobody fires then. */
function offsetText(offset: number): string {
  const minutes = Math.round(Math.abs(offset) / 60_000);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${offset < 0 ? "-" : "+"}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}
