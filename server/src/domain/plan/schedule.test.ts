import { describe, expect, it } from "vitest";
import { jobSpec } from "../../../../test/support/ledger.ts";
import { localText } from "./local-text.ts";
import {
  changesTiming,
  decideOverlap,
  MAX_QUEUED,
  newestDueWindow,
  nextFireTime,
  plannedFirings,
  type Schedule,
  scheduleFaults,
} from "./schedule.ts";
import { readSchedule, scheduleDigest, writeSchedule } from "./schedule-content.ts";

const HOUR_MS = 3_600_000;

const schedule = (over: Partial<Schedule> = {}): Schedule => ({
  description: "",
  clock: { kind: "interval", everyMs: HOUR_MS, anchor: undefined },
  start: undefined,
  end: undefined,
  jitterMs: 0,
  overlap: "skip",
  catchUp: "latest",
  maxCatchUp: 100,
  target: { kind: "job", spec: jobSpec() },
  windowScope: undefined,
  ...over,
});

describe("an overlap", () => {
  it.each([
    ["allow", 0, true, "make"],
    ["allow", 1, false, "queue"],
    ["allow", MAX_QUEUED, false, "skip"],
    ["skip", 0, false, "make"],
    ["skip", 0, true, "skip"],
    ["skip", 1, false, "skip"],
    ["queue", 0, false, "make"],
    ["queue", 0, true, "queue"],
    ["queue", 1, false, "queue"],
    ["queue", MAX_QUEUED, true, "skip"],
    ["cancel_running", 0, false, "make"],
    ["cancel_running", 0, true, "replace"],
    ["cancel_running", 1, false, "replace"],
  ] as const)("%s, %i waiting, busy %s: %s", (overlap, queued, isBusy, decision) => {
    expect(decideOverlap(overlap, queued, isBusy)).toBe(decision);
  });
});

describe("a schedule", () => {
  it("is the same after JSON, and its digest says what it says", () => {
    const moment = new Date(Date.UTC(2027, 0, 1));
    const spec = jobSpec({
      payload: new Uint8Array([0, 255]),
      labels: { a: "b" },
      retry: { maxAttempts: 3 },
      attemptDeadlineMs: 5,
      correlationId: "c",
    });
    const cases = [
      schedule(),
      schedule({ target: { kind: "job", spec }, start: moment, end: new Date(1e13) }),
      schedule({ clock: { kind: "interval", everyMs: 1_000, anchor: moment }, windowScope: "" }),
      schedule({
        clock: { kind: "cron", expression: "* * * * *", timeZone: "UTC" },
        target: { kind: "pipeline", name: "p", version: 0, parameters: { a: [1, { b: null }] } },
      }),
    ];
    for (const each of cases) {
      const read = readSchedule(JSON.parse(JSON.stringify(writeSchedule(each))));
      expect(read).toEqual(each);
      expect(scheduleDigest(read)).toEqual(scheduleDigest(each));
    }
    expect(
      new Set(cases.map((each) => Buffer.from(scheduleDigest(each)).toString("hex"))).size,
    ).toBe(cases.length);
  });

  it("keeps room for its labels, and declares windows of jobs with a source only", () => {
    const labels = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, n) => [`l${n}`, ""]));
    const faultsOf = (spec: object, over: Partial<Schedule> = {}) =>
      scheduleFaults(schedule({ target: { kind: "job", spec: jobSpec(spec) }, ...over }), 10).map(
        ({ path }) => path,
      );
    expect(faultsOf({ labels: labels(30) })).toEqual([]);
    expect(faultsOf({ labels: labels(31) })).toEqual(["job.labels"]);
    const known = { ...labels(30), "orchestrator/schedule": "mine" };
    expect(faultsOf({ labels: known })).toEqual([]);
    expect(faultsOf({ payload: new Uint8Array(11) })).toEqual(["job.payload"]);
    expect(faultsOf({}, { windowScope: "" })).toEqual(["job.source"]);
    expect(faultsOf({ source: "osv" }, { windowScope: "" })).toEqual([]);
    const target = { kind: "pipeline", name: "p", version: 0, parameters: {} } as const;
    expect(faultsOf({}, { target, windowScope: "" })).toEqual(["window"]);
  });

  it("knows a change of its timing from others", () => {
    const before = schedule();
    expect(changesTiming(before, schedule({ overlap: "allow", catchUp: "none" }))).toBe(false);
    expect(changesTiming(before, schedule({ jitterMs: 1 }))).toBe(true);
    expect(changesTiming(before, schedule({ end: new Date(1) }))).toBe(true);
  });

  it("never fires after the years that can be written", () => {
    const start = new Date(Date.UTC(9999, 11, 31, 23, 30));
    expect(nextFireTime(schedule({ start }), "s", new Date(0))).toBeUndefined();
    expect(nextFireTime(schedule(), "s", new Date(0))).toEqual(new Date(HOUR_MS));
  });

  it("plans from a moment on, that included, for a hundred years", () => {
    const from = new Date(Date.UTC(2027, 0, 1));
    const clock = { kind: "cron", expression: "0 0 29 2 *", timeZone: "UTC" } as const;
    const leapDays = [...plannedFirings(schedule({ clock }), from, 1_000)];
    // Every four years, save in 2100.
    expect(leapDays).toHaveLength(24);
    expect([...plannedFirings(schedule(), from, 2)]).toEqual([
      from,
      new Date(from.getTime() + HOUR_MS),
    ]);
  });
});

it("the newest window that is due ends before the lateness", () => {
  const grid = { widthMs: HOUR_MS, latenessMs: 60_000, origin: new Date(0) };
  const at = (ms: number) => newestDueWindow(grid, new Date(ms));
  expect(at(HOUR_MS + 59_999)).toBeUndefined();
  expect(at(HOUR_MS + 60_000)).toEqual({ start: new Date(0), end: new Date(HOUR_MS) });
  expect(at(2 * HOUR_MS + 59_999)?.start).toEqual(new Date(0));
  expect(at(2 * HOUR_MS + 60_000)?.start).toEqual(new Date(HOUR_MS));
});

it("writes a moment as a zone's clock shows it", () => {
  const at = new Date(Date.UTC(2026, 6, 1, 12, 0, 0, 5));
  expect(localText("America/St_Johns", at)).toBe("2026-07-01T09:30:00.005-02:30");
  expect(localText("Asia/Kathmandu", new Date(0))).toBe("1970-01-01T05:30:00+05:30");
  const first = new Date("0001-01-01T00:00:00Z");
  expect(localText("UTC", first)).toBe("0001-01-01T00:00:00+00:00");
  expect(localText("America/New_York", first)).toBe("0000-12-31T19:03:58-04:56");
  expect(localText("UTC", new Date(0))).toBe("1970-01-01T00:00:00+00:00");
});
