import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Lab } from "./src/lab.ts";
import { readOptions } from "./src/options.ts";
import { PAYLOAD_BYTES, payloadOf } from "./src/payload.ts";
import { type Run, resultsPage } from "./src/results.ts";
import { formatFigure, runWorkload } from "./src/runner.ts";
import { share } from "./src/shared.ts";
import { latencies, median, quantile, summarise } from "./src/stats.ts";
import { cells, markdownTable, rowsOf, textTable } from "./src/table.ts";
import type { Bar, Contestant, Workload, WorkloadResult } from "./src/workload.ts";

const MAIN = fileURLToPath(new URL("./src/main.ts", import.meta.url));

describe("statistics", () => {
  it("take the median of odd and even counts, in any order", () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([10, 9, 100])).toBe(10);
  });

  it("take quantiles by the nearest rank", () => {
    const hundred = Array.from({ length: 100 }, (_, n) => 100 - n);
    expect(quantile(hundred, 0.5)).toBe(50);
    expect(quantile(hundred, 0.99)).toBe(99);
    expect(quantile([7], 0.99)).toBe(7);
    expect(latencies(hundred)).toEqual({ p50: 50, p95: 95, p99: 99, max: 100 });
  });

  it("summarise with the spread, and refuse nothing at all", () => {
    expect(summarise([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3, count: 3 });
    expect(() => summarise([])).toThrow(RangeError);
    expect(() => quantile([], 0.5)).toThrow(RangeError);
  });
});

describe("the table", () => {
  const entry = (name: string, values: number[], failure?: string) => ({
    name,
    role: "variant" as const,
    samples: values.map((value) => ({ metrics: { "jobs/s": value } })),
    ...(failure === undefined ? {} : { failure }),
  });
  const result = (bars: readonly Bar[]): WorkloadResult => ({
    id: "W0",
    title: "a title",
    setting: "a setting",
    metrics: ["jobs/s"],
    entries: [entry("ours", [100, 300, 200]), entry("peer", [400, 500]), entry("ill", [1], "why")],
    bars,
    leftOut: [],
    seconds: 1,
  });
  const verdicts = (bars: Omit<Bar, "of" | "metric">[]) =>
    rowsOf(result(bars.map((bar) => ({ of: "ours", metric: "jobs/s", ...bar })))).map(
      ({ verdict }) => verdict,
    );

  it("judges the ratio of medians, or the figure itself", () => {
    expect(verdicts([{ against: "peer", least: 0.4 }])).toEqual(["held"]);
    expect(verdicts([{ against: "peer", least: 0.5 }])).toEqual(["missed"]);
    expect(verdicts([{ against: "peer", most: 0.4 }])).toEqual(["missed"]);
    expect(verdicts([{ against: "peer" }])).toEqual(["no bar"]);
    expect(verdicts([{ least: 200 }, { least: 201 }])).toEqual(["held", "missed"]);
  });

  it("never judges what failed or is not there", () => {
    expect(verdicts([{ against: "ill", least: 0 }])).toEqual(["failed"]);
    expect(verdicts([{ against: "nobody", least: 0 }])).toEqual(["failed"]);
  });

  it("lines up columns as text and as Markdown", () => {
    const table = cells([result([{ of: "ours", metric: "jobs/s", against: "peer", least: 1 }])]);
    const lines = textTable(table).split("\n");
    expect(lines).toHaveLength(2);
    expect(lines[1]).toMatch(/^W0 +jobs\/s +200 +100 … 300 +peer +450 .* 0\.44 +≥ 1 × +missed$/);
    const rows = markdownTable(table).split("\n");
    expect(new Set(rows.map((row) => row.split("|").length)).size).toBe(1);
  });
});

describe("the runner", () => {
  const order: string[] = [];
  const lab = { options: { quick: true, rounds: 3 }, say: () => undefined } as unknown as Lab;
  const contestant = (name: string, failsAt = 0): Contestant => ({
    name,
    role: "variant",
    async open() {
      let round = 0;
      return {
        name,
        role: "variant",
        async measure() {
          order.push(name);
          round++;
          if (round === failsAt) throw new Error("a job was lost");
          return { metrics: { "jobs/s": round } };
        },
        close: async () => void order.push(`${name} closed`),
      };
    },
  });
  const workload = (...contestants: Contestant[]): Workload => ({
    id: "W0",
    title: "",
    setting: "",
    metrics: ["jobs/s"],
    contestants,
    bars: [],
    leftOut: [],
  });

  it("takes turns, and goes on without who failed", async () => {
    const stop = new AbortController();
    const { entries } = await runWorkload(
      lab,
      workload(contestant("A"), contestant("B", 2)),
      stop.signal,
    );
    expect(order.splice(0).join(" ")).toBe("A B A B A A closed B closed");
    expect(entries.map(({ samples }) => samples.length)).toEqual([3, 1]);
    expect(entries[1]?.failure).toMatch(/a job was lost/);
  });

  it("closes everybody when it is stopped in the middle of a measurement", async () => {
    const stop = new AbortController();
    const stuck: Contestant = {
      name: "stuck",
      role: "ours",
      open: async () => ({
        name: "stuck",
        role: "ours",
        measure: () => {
          stop.abort(new Error("stopped"));
          return new Promise<never>(() => {});
        },
        close: async () => void order.push("stuck closed"),
      }),
    };
    const run = runWorkload(lab, workload(contestant("A"), stuck), stop.signal);
    await expect(run).rejects.toThrow("stopped");
    expect(order.splice(0)).toEqual(["A", "A closed", "stuck closed"]);
  });

  it("opens what is shared once and closes it after the last", async () => {
    let opened = 0;
    let closed = 0;
    const shared = share(async () => {
      opened++;
      return { close: async () => void closed++ };
    });
    await Promise.all([shared.acquire(), shared.acquire()]);
    await shared.release();
    expect([opened, closed]).toEqual([1, 0]);
    await shared.release();
    expect([opened, closed]).toEqual([1, 1]);
  });

  it("pads payloads to their size and prints figures with the digits that count", () => {
    expect(JSON.stringify(payloadOf(0))).toHaveLength(PAYLOAD_BYTES);
    expect(JSON.stringify(payloadOf(1_234_567_890))).toHaveLength(PAYLOAD_BYTES);
    expect([41_250.4, 12.34, 3.456].map(formatFigure)).toEqual(["41,250", "12.3", "3.46"]);
  });
});

describe("the command line", () => {
  it("knows a quick run from a full one", () => {
    const rounds = (...args: string[]) => {
      const read = readOptions(args, ["W1", "W3"]);
      return read.kind === "options" ? read.options.rounds : undefined;
    };
    expect([rounds(), rounds("--quick"), rounds("--quick", "--rounds", "7")]).toEqual([5, 3, 7]);
  });

  it("refuses what there is not, and prints help", () => {
    expect(readOptions(["--only", "W99"], ["W1"])).toMatchObject({ kind: "leave", code: 2 });
    expect(readOptions(["--only", "w1"], ["W1"])).toMatchObject({ options: { only: ["W1"] } });
    expect(readOptions(["--help"], ["W1"])).toMatchObject({ kind: "leave", code: 0 });
  });
});

describe("a run", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "orch-bench-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it("measures two workloads, small, against the bound and the peers", async () => {
    const json = join(folder, "run.json");
    const size = ["--quick", "--scale", "0.03", "--rounds", "1", "--only", "W1,W3"];
    const args = ["--conditions=source", MAIN, ...size, "--json", json, "--data-dir", folder];
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 110_000 });
    const run = JSON.parse(await readFile(json, "utf8")) as Run;
    expect(run.results.map(({ id }) => id)).toEqual(["W1", "W3"]);
    for (const { entries } of run.results) {
      const names = entries.map(({ name }) => name.replace(/ [\d.]+/, ""));
      expect(names.slice(0, 5)).toEqual([
        "ours",
        "bound",
        "bound, one table",
        "graphile-worker",
        "pg-boss",
      ]);
      for (const { name, samples, failure } of entries) {
        expect(failure, name).toBeUndefined();
        expect(samples, name).toHaveLength(1);
        for (const { metrics } of samples) expect(metrics["jobs/s"], name).toBeGreaterThan(0);
      }
    }
    expect(run.settings).toMatchObject({ fsync: "on", synchronous_commit: "on" });
    expect(stdout).toMatch(/^W3 +jobs\/s .* bound .* ≥ 0\.5 × +(held|missed)$/m);
    expect(resultsPage(run)).toContain("| W1 | jobs/s |");
  }, 120_000);
});
