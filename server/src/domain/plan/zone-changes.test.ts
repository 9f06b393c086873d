import { describe, expect, it } from "vitest";
import { firstChange, lastChange } from "./zone-changes.ts";

const HOUR_MS = 3_600_000;
const at = (text: string) => Date.parse(text);

describe("the changes of a zone's clock", () => {
  it("are found in both directions, with both offsets", () => {
    const spring = {
      atMs: at("2026-03-29T01:00Z"),
      beforeMs: HOUR_MS,
      afterMs: 2 * HOUR_MS,
    };
    const autumn = {
      atMs: at("2026-10-25T01:00Z"),
      beforeMs: 2 * HOUR_MS,
      afterMs: HOUR_MS,
    };
    const [start, end] = [at("2026-01-01T00:00Z"), at("2027-01-01T00:00Z")];
    expect(firstChange("Europe/Berlin", start, end)).toEqual(spring);
    expect(lastChange("Europe/Berlin", start, end)).toEqual(autumn);
    expect(firstChange("Europe/Berlin", spring.atMs, spring.atMs)).toEqual(spring);
    expect(lastChange("Europe/Berlin", spring.atMs, spring.atMs)).toEqual(spring);
    expect(firstChange("Europe/Berlin", spring.atMs + 1, autumn.atMs - 1)).toBeUndefined();
    expect(lastChange("Europe/Berlin", spring.atMs + 1, autumn.atMs - 1)).toBeUndefined();
    expect(firstChange("Asia/Tokyo", start, at("2046-01-01T00:00Z"))).toBeUndefined();
  });

  it.each([
    // From the tz database: on the first day of a year, on the last, a whole day, by seconds.
    ["Africa/Sao_Tome", "2019-01-01T01:00:00Z", -1],
    ["Pacific/Kiritimati", "1994-12-31T10:00:00Z", 24],
    ["Pacific/Apia", "2011-12-30T10:00:00Z", 24],
    ["Europe/Lisbon", "1912-01-01T00:00:00Z", (36 * 60 + 45) / 3_600],
  ])("in %s is found at %s", (timeZone, text, hours) => {
    const ms = at(text);
    for (const margin of [0, 24 * HOUR_MS, 60 * 24 * HOUR_MS]) {
      const first = firstChange(timeZone, ms - margin, ms + margin);
      const last = lastChange(timeZone, ms - margin, ms + margin);
      expect(first?.atMs).toBe(ms);
      expect(last).toEqual(first);
      expect(((first?.afterMs ?? 0) - (first?.beforeMs ?? 0)) / HOUR_MS).toBeCloseTo(hours, 9);
    }
  });
});
