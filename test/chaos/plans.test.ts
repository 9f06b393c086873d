import { describe, expect, it } from "vitest";
import { type Operation, planOperations } from "./operations.ts";
import { commandOf, parseOptions, UsageError } from "./options.ts";
import { OVERLAPS } from "./plan-time.ts";
import { type PlannedJob, SERIES, TENANTS } from "./planned-jobs.ts";
import { FAULT_KINDS, FAULTS, planFaults } from "./schedule.ts";
import { seeded } from "./seeded.ts";

const MINUTES_3 = 180_000;
const operationsOf = (seed: number) =>
  planOperations({ seed, runMs: MINUTES_3, rate: 25, poison: true });

/** The jobs that an operation asks for, but for repetitions. */
function wishesOf(operation: Operation): readonly PlannedJob[] {
  switch (operation.kind) {
    case "enqueue":
    case "conflict":
      return [operation.job];
    case "batch":
    case "cull":
    case "windows":
      return operation.jobs;
    case "run":
      return operation.steps;
    case "live run":
      return [...operation.steps, ...operation.batches.flat()];
    case "schedule":
      return [operation.schedule.job];
    case "backfill":
      return [operation.backfill.job];
    default:
      return [];
  }
}

describe("the plan of a run", () => {
  it("is the same for the same seed, and another for another", () => {
    expect(operationsOf(1)).toEqual(operationsOf(1));
    expect(operationsOf(1)).not.toEqual(operationsOf(2));
    expect(planFaults(1, MINUTES_3, FAULT_KINDS)).toEqual(planFaults(1, MINUTES_3, FAULT_KINDS));
    expect(planFaults(1, MINUTES_3, FAULT_KINDS)).not.toEqual(
      planFaults(2, MINUTES_3, FAULT_KINDS),
    );
  });

  it("has every kind of operation and of job, for every tenant", () => {
    const operations = operationsOf(1);
    const kinds = new Set(operations.map(({ kind }) => kind));
    expect([...kinds].sort()).toEqual(
      ["backfill", "batch", "bulk", "cancel", "cancel backfill", "cancel run", "conflict"].concat(
        ...["cull", "enqueue", "foreign", "list", "live run", "look at watermark"],
        ...["pause backfill", "pause schedule", "read", "repeat", "replay", "replay run", "run"],
        ...["schedule", "take out", "trigger schedule", "windows"],
      ),
    );
    expect(new Set(operations.map(({ tenant }) => tenant))).toEqual(new Set(TENANTS));
    const types = operations.flatMap((one) => (one.kind === "enqueue" ? one.job.jobType : []));
    expect(new Set(types).size).toBe(6);
  });

  it("never wishes twice for one nonce, but for a repetition", () => {
    const nonces = operationsOf(1).flatMap((one) => {
      const jobs = wishesOf(one);
      return jobs.flatMap(({ nonce, fanOut = [] }) => [nonce, ...fanOut.map((job) => job.nonce)]);
    });
    expect(new Set(nonces).size).toBe(nonces.length);
  });

  it("has every kind of fault in three minutes, whatever the seed", () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const kinds = new Set(planFaults(seed, MINUTES_3, FAULT_KINDS).map(({ kind }) => kind));
      expect([...kinds].sort()).toEqual([...FAULT_KINDS].sort());
    }
  });

  it("leaves calm stretches to the workers", () => {
    const calm = planFaults(1, MINUTES_3, FAULT_KINDS).filter(({ atMs }) => atMs % 32_000 > 20_000);
    expect(calm.length).toBeGreaterThan(0);
    expect(new Set(calm.map(({ kind }) => FAULTS[kind]))).toEqual(new Set(["worker"]));
  });

  it("takes the faults that it is told, and no others", () => {
    const faults = planFaults(1, MINUTES_3, ["pg-crash", "worker-kill"]);
    expect(new Set(faults.map(({ kind }) => kind))).toEqual(new Set(["pg-crash", "worker-kill"]));
    expect(planFaults(1, MINUTES_3, [])).toEqual([]);
  });
});

describe("what runs by itself", () => {
  const schedules = operationsOf(1).flatMap((one) =>
    one.kind === "schedule" ? [one.schedule] : [],
  );

  it("has every overlap policy, and makes jobs, windows and runs", () => {
    expect(new Set(schedules.map(({ overlap }) => overlap))).toEqual(new Set(OVERLAPS));
    expect(schedules.some(({ makesRuns }) => makesRuns)).toBe(true);
    expect(schedules.some(({ scope }) => scope !== undefined)).toBe(true);
  });

  it("has backfills that overlap, within what their series have", () => {
    const all = operationsOf(1).flatMap((one) =>
      one.kind === "backfill" && one.backfill.scope === "deep"
        ? [{ ...one.backfill, tenant: one.tenant }]
        : [],
    );
    for (const { from, to } of all) {
      expect(from).toBeGreaterThanOrEqual(0);
      expect(to).toBeLessThanOrEqual(SERIES[0].before);
      expect(to - from).toBeGreaterThanOrEqual(20);
    }
    const overlap = all.some((a, index) =>
      all.some((b, other) => {
        return other > index && a.tenant === b.tenant && a.from < b.to && b.from < a.to;
      }),
    );
    expect(overlap).toBe(true);
  });
});

describe("randomness", () => {
  it("is even enough and stays in its bounds", () => {
    const random = seeded(1, "test");
    const draws = Array.from({ length: 10_000 }, () => random.between(1, 4));
    for (const value of [1, 2, 3, 4]) {
      const share = draws.filter((draw) => draw === value).length / draws.length;
      expect(share).toBeGreaterThan(0.23);
      expect(share).toBeLessThan(0.27);
    }
    expect(new Set(draws).size).toBe(4);
  });
});

describe("the command line", () => {
  const parse = (...args: string[]) => parseOptions(args, () => 0.5);

  it("repeats a run by its own command", () => {
    const given = parse("--seed", "4", "--minutes", "3", "--faults", "pg-crash,net-cut");
    if (typeof given === "string") throw new Error("help");
    const [, line = ""] = commandOf(given).split(" -- ");
    expect(parse(...line.split(" "))).toEqual(given);
  });

  it("draws a seed if it gets none", () => {
    expect(parse()).toMatchObject({ seed: 500_000, minutes: 1, replicas: 3 });
  });

  it("breaks the queue's service only where there is one", () => {
    const has = (...args: string[]) => {
      const options = parse(...args);
      return typeof options !== "string" && options.faults.includes("queue-kill");
    };
    expect(has()).toBe(false);
    expect(has("--ready-queue", "valkey")).toBe(true);
  });

  it("refuses what it does not know", () => {
    expect(() => parse("--minutes", "soon")).toThrow(UsageError);
    expect(() => parse("--ready-queue", "kafka")).toThrow(UsageError);
    expect(() => parse("--fault", "x")).toThrow(UsageError);
    expect(parse("--help")).toContain("--ready-queue");
  });
});
