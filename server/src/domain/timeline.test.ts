import { describe, expect, it } from "vitest";
import { type JobTimes, spansOf, type TimedAttempt } from "./timeline.ts";

const at = (second: number) => new Date(second * 1_000);

const attempt = (
  number: number,
  [offered, started, ended]: readonly [number, number?, number?],
  outcome: TimedAttempt["outcome"] = ended === undefined ? undefined : "failed",
): TimedAttempt => ({
  attempt: number,
  workerId: `w-${number}`,
  offeredAt: at(offered),
  startedAt: started === undefined ? undefined : at(started),
  endedAt: ended === undefined ? undefined : at(ended),
  outcome,
});

/** Each span as "kind start-end", with the attempt where it is about one. */
const told = (over: Partial<JobTimes>): string[] =>
  spansOf({
    state: "ready",
    createdAt: at(0),
    beganBlocked: false,
    unblockedAt: undefined,
    endedAt: undefined,
    retriedAt: [],
    attempts: [],
    ...over,
  }).map(({ kind, start, end, attempt: number, outcome }) => {
    const until = end === undefined ? "" : end.getTime() / 1_000;
    const by = number === 0 ? "" : ` ${number}${outcome === undefined ? "" : ` ${outcome}`}`;
    return `${kind} ${start.getTime() / 1_000}-${until}${by}`;
  });

describe("spansOf", () => {
  it("tells what a job that waits has done so far", () => {
    expect(told({})).toEqual(["waiting 0-"]);
    expect(told({ state: "scheduled" })).toEqual(["waiting 0-"]);
    expect(told({ state: "blocked", beganBlocked: true })).toEqual(["blocked 0-"]);
    const unblocked = { beganBlocked: true, unblockedAt: at(5) };
    expect(told(unblocked)).toEqual(["blocked 0-5", "waiting 5-"]);
  });

  it("follows attempts to the one that is out", () => {
    const attempts = [attempt(1, [2, 3, 5]), attempt(2, [9, 9, 11], "interrupted")];
    const past = ["waiting 0-2", "offered 2-3 1", "running 3-5 1 failed", "waiting 5-9"];
    const second = "running 9-11 2 interrupted";
    expect(told({ attempts })).toEqual([...past, second, "waiting 11-"]);
    const offered = { state: "offered", attempts: [...attempts, attempt(3, [12])] } as const;
    expect(told(offered)).toEqual([...past, second, "waiting 11-12", "offered 12- 3"]);
    const running = { state: "running", attempts: [...attempts, attempt(3, [12, 12])] } as const;
    expect(told(running)).toEqual([...past, second, "waiting 11-12", "running 12- 3"]);
  });

  it("ends where the job did", () => {
    const attempts = [attempt(1, [1, 1, 4], "succeeded")];
    expect(told({ state: "succeeded", attempts })).toEqual([
      "waiting 0-1",
      "running 1-4 1 succeeded",
    ]);
    const cancelled = { state: "cancelled", endedAt: at(7) } as const;
    expect(told(cancelled)).toEqual(["waiting 0-7"]);
    expect(told({ ...cancelled, beganBlocked: true })).toEqual(["blocked 0-7"]);
    const stopped = [attempt(1, [1, 1, 7], "cancelled")];
    expect(told({ ...cancelled, attempts: stopped })).toEqual([
      "waiting 0-1",
      "running 1-7 1 cancelled",
    ]);
  });

  it("counts no time for which the job was dead", () => {
    const attempts = [attempt(1, [0, 0, 4])];
    const dead = { state: "dead", endedAt: at(4), attempts } as const;
    expect(told(dead)).toEqual(["running 0-4 1 failed"]);
    const retriedAt = [at(50)];
    expect(told({ attempts, retriedAt })).toEqual(["running 0-4 1 failed", "waiting 50-"]);
    const again = [...attempts, attempt(2, [60, 60, 61], "succeeded")];
    expect(told({ state: "succeeded", attempts: again, retriedAt })).toEqual([
      "running 0-4 1 failed",
      "waiting 50-60",
      "running 60-61 2 succeeded",
    ]);
  });

  it("tells the newest twenty attempts, and nothing that lies before its cause", () => {
    const attempts = Array.from({ length: 21 }, (_, n) =>
      attempt(n + 1, [10 * n, 10 * n, 10 * n + 5]),
    );
    const spans = told({ state: "dead", endedAt: at(205), attempts });
    expect(spans[0]).toBe("waiting 5-10");
    expect(spans).toHaveLength(40);
    const early = { beganBlocked: true, unblockedAt: at(5), attempts: [attempt(1, [4, 4, 6])] };
    expect(told({ ...early, state: "dead" })).toEqual(["blocked 0-5", "running 4-6 1 failed"]);
  });
});
