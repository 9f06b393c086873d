import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type CatchUp, dueFirings } from "./due-firings.ts";
import { jitterOf, nextFirings, type ScheduleTiming } from "./schedule-timing.ts";

const MINUTE_MS = 60_000;
const at = (text: string) => new Date(text);
const minutely: ScheduleTiming = { kind: "interval", everyMs: MINUTE_MS, jitterMs: 0 };
const none: CatchUp = { kind: "none" };
const latest: CatchUp = { kind: "latest" };
const all = (max: number): CatchUp => ({ kind: "all", max });

const ask = (catchUp: CatchUp, last: string, now: string, graceMs: number) => {
  const times = { lastNominal: at(last), now: at(now) };
  const { fire, missed, settled, next } = dueFirings({
    timing: minutely,
    ...times,
    catchUp,
    seed: "s",
    graceMs,
  });
  const clock = (date: Date | undefined) => date?.toISOString().slice(11, 16);
  return { fire: fire.map(clock), missed, settled: clock(settled), next: clock(next) };
};

describe("dueFirings", () => {
  const [last, now] = ["2026-01-01T00:00Z", "2026-01-01T00:05:30Z"];

  it("fires nothing before its time", () => {
    expect(ask(all(9), last, "2026-01-01T00:00:59.999Z", MINUTE_MS)).toEqual({
      fire: [],
      missed: 0,
      settled: "00:00",
      next: "00:01",
    });
  });

  it("fires what is on time, whatever the policy", () => {
    const fired = { fire: ["00:01"], missed: 0, settled: "00:01", next: "00:02" };
    for (const policy of [none, latest, all(0)]) {
      expect(ask(policy, last, "2026-01-01T00:01:00.500Z", 1_000)).toEqual(fired);
    }
    // Nobody asked for a while, but the grace covers it.
    const fire = ["00:01", "00:02", "00:03", "00:04", "00:05"];
    expect(ask(none, last, now, 5 * MINUTE_MS)).toMatchObject({ fire, missed: 0 });
  });

  it("catches up as the policy says", () => {
    const after = { settled: "00:05", next: "00:06" };
    expect(ask(none, last, now, 1_000)).toEqual({ fire: [], missed: 5, ...after });
    expect(ask(latest, last, now, 1_000)).toEqual({ fire: ["00:05"], missed: 4, ...after });
    expect(ask(all(3), last, now, 1_000)).toEqual({
      fire: ["00:03", "00:04", "00:05"],
      missed: 2,
      ...after,
    });
    expect(ask(all(9), last, now, 1_000)).toMatchObject({ missed: 0, ...after });
  });

  it("does not fire a late one beside one on time for the latest", () => {
    expect(ask(latest, last, now, MINUTE_MS)).toMatchObject({ fire: ["00:05"], missed: 4 });
    expect(ask(none, last, now, MINUTE_MS)).toMatchObject({ fire: ["00:05"], missed: 4 });
  });

  it("settles nothing again when the clock went back", () => {
    expect(ask(all(9), now, last, 1_000)).toEqual({
      fire: [],
      missed: 0,
      settled: "00:05",
      next: "00:06",
    });
  });

  it("settles what was due before the end, and says that none comes any more", () => {
    const timing = { ...minutely, end: at("2026-01-01T00:03Z") };
    const question = { timing, lastNominal: at(last), now: at(now), seed: "s", graceMs: 1_000 };
    expect(dueFirings({ ...question, catchUp: all(9) })).toEqual({
      fire: [at("2026-01-01T00:01Z"), at("2026-01-01T00:02Z")],
      missed: 0,
      settled: at("2026-01-01T00:02Z"),
      next: undefined,
    });
  });

  it("keeps one on time that a late one behind it had to wait for", () => {
    // In spring 02:30 and 04:30 are an hour and a half apart, less than the jitter. With this seed
    // the second is due at 02:31:06 UTC, and the first at 02:47:19.
    const timing = {
      kind: "cron",
      expression: "30 2,4 * * *",
      timeZone: "Europe/Berlin",
      jitterMs: 120 * MINUTE_MS,
    } as const;
    const [first, second] = [at("2026-03-29T01:00Z"), at("2026-03-29T02:30Z")];
    const dueMs = first.getTime() + jitterOf("s59", first, timing.jitterMs);
    const secondMs = second.getTime() + jitterOf("s59", second, timing.jitterMs);
    expect(dueMs - secondMs).toBeGreaterThan(1_000);
    const question = { timing, seed: "s59", catchUp: none, graceMs: 1_000 };
    const lastNominal = at("2026-03-29T00:30Z");
    const asked = (ms: number) => dueFirings({ ...question, lastNominal, now: new Date(ms) });
    expect(asked(dueMs - 1)).toMatchObject({ fire: [], missed: 0, next: first });
    expect(asked(dueMs)).toMatchObject({ fire: [first, second], missed: 0 });
  });

  it("looks at no more than it fires after a year of a firing each second", () => {
    const timing = {
      kind: "cron",
      expression: "* * * * * *",
      timeZone: "Europe/Berlin",
      jitterMs: 0,
    } as const;
    const question = {
      timing,
      lastNominal: at("2025-06-01T00:00Z"),
      now: at("2026-06-01T00:00Z"),
      seed: "s",
      graceMs: 10_000,
    };
    const startedMs = performance.now();
    const { fire, missed, next } = dueFirings({ ...question, catchUp: all(100) });
    expect(fire).toHaveLength(100);
    expect(fire.at(-1)).toEqual(question.now);
    expect(missed).toBe(365 * 86_400 - 100);
    expect(next).toEqual(at("2026-06-01T00:00:01Z"));
    // 20 ms with a cold start. One firing after the other would take minutes.
    expect(performance.now() - startedMs).toBeLessThan(3_000);
  });
});

const timings = fc.oneof(
  fc.record({
    kind: fc.constant("interval" as const),
    everyMs: fc.constantFrom(1_000, 7_000, MINUTE_MS),
    jitterMs: fc.constantFrom(0, 1, 400, 1_000),
  }),
  fc.record({
    kind: fc.constant("cron" as const),
    expression: fc.constantFrom("* * * * * *", "*/7 * * * * *", "0,1,30 * * * * *", "* * * * *"),
    timeZone: fc.constantFrom("Europe/Berlin", "Australia/Lord_Howe"),
    jitterMs: fc.constantFrom(0, 1, 400, 1_000),
  }),
);
const policies = fc.oneof(
  fc.constant(none),
  fc.constant(latest),
  fc.nat(20).map((max) => all(max)),
);
// A change of the clock in Berlin.
const startMs = Date.parse("2026-10-25T00:58Z");

describe("dueFirings, for any timing, policy and moment,", () => {
  it("is what a list of every firing says", () => {
    const graces = fc.constantFrom(0, 1, 1_500, 30_000);
    fc.assert(
      fc.property(timings, policies, fc.nat(300_000), graces, (timing, catchUp, ms, graceMs) => {
        const [lastNominal, now] = [new Date(startMs), new Date(startMs + ms)];
        const lateness = (nominal: Date) =>
          now.getTime() - nominal.getTime() - jitterOf("s", nominal, timing.jitterMs);
        const listed = nextFirings(timing, lastNominal, 400);
        const young = listed.findIndex((nominal) => lateness(nominal) < 0);
        const due = listed.slice(0, young);
        const oldest = due.findIndex((nominal) => lateness(nominal) < graceMs);
        const onTime = oldest < 0 ? 0 : due.length - oldest;
        const quota = catchUp.kind === "all" ? catchUp.max : catchUp.kind === "latest" ? 1 : 0;
        const count = Math.max(onTime, Math.min(quota, due.length));
        const fire = due.slice(due.length - count);
        const question = { timing, lastNominal, now, catchUp, seed: "s", graceMs };
        expect(dueFirings(question)).toEqual({
          fire,
          missed: due.length - count,
          settled: due.at(-1) ?? lastNominal,
          next: listed[young],
        });
      }),
      { numRuns: 300, seed: 5 },
    );
  });

  it("settles every firing exactly once, in order, however often it is asked", () => {
    const steps = fc.array(fc.nat(20_000), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(timings, policies, steps, (timing, catchUp, pauses) => {
        let [lastNominal, nowMs, missed] = [new Date(startMs), startMs, 0];
        const fired: number[] = [];
        const graceMs = 2_000;
        for (const pauseMs of pauses) {
          nowMs += pauseMs;
          const now = new Date(nowMs);
          const due = dueFirings({ timing, lastNominal, now, catchUp, seed: "s", graceMs });
          fired.push(...due.fire.map((nominal) => nominal.getTime()));
          missed += due.missed;
          lastNominal = due.settled;
          // Asked again at the same moment, there is nothing left.
          expect(dueFirings({ timing, lastNominal, now, catchUp, seed: "s", graceMs })).toEqual({
            fire: [],
            missed: 0,
            settled: due.settled,
            next: due.next,
          });
        }
        const listed = nextFirings(timing, new Date(startMs), 500).map((date) => date.getTime());
        const settled = listed.filter((nominal) => nominal <= lastNominal.getTime());
        expect(fired.length + missed).toBe(settled.length);
        expect(fired).toEqual(settled.filter((nominal) => fired.includes(nominal)));
        if (pauses.every((pauseMs) => pauseMs < graceMs)) expect(missed).toBe(0);
      }),
      { numRuns: 200, seed: 5 },
    );
  });
});
