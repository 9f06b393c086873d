import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import {
  type Handler,
  type Job,
  Orchestrator,
  silentLogger,
  Worker,
} from "@stellaops/orchestrator";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { type ServerProcess, startServer } from "../../test/support/server-process.ts";
import { Board } from "./display/board.ts";
import { cancelRun, followRun } from "./follow.ts";
import { DISCOVER_JOB_TYPE } from "./handlers/discover.ts";
import { sbomHandlers } from "./handlers/handlers.ts";
import { MERGE_JOB_TYPE } from "./handlers/merge.ts";
import { SCAN_JOB_TYPE } from "./handlers/scan.ts";
import { PIPELINE_NAME, pipelineValues, sbomPipeline } from "./pipeline.ts";
import { copyOf, FIXTURES } from "./testing/fixtures.ts";

const LONG = { timeout: 120_000 };
const scratch = mkdtempSync(path.join(tmpdir(), "orch-demo-run-"));
const silent = { say() {}, tell() {}, begin() {}, changed() {}, end() {} };

let server: ServerProcess;
let orchestrator: Orchestrator;

beforeAll(async () => {
  server = await startServer({ dataDir: path.join(scratch, "data") });
  orchestrator = new Orchestrator({ url: server.url });
}, LONG.timeout);
afterAll(async () => {
  await orchestrator?.close();
  await server?.stop();
  rmSync(scratch, { recursive: true, force: true });
}, LONG.timeout);

/** Runs the pipeline on a queue of its own; `board` is what the display would know. */
async function run(queue: string, root: string, handlers: Readonly<Record<string, Handler>>) {
  const { version } = await orchestrator.pipelines.put(sbomPipeline(queue));
  const parameters = pipelineValues(root, queue, new Set());
  const { runId } = await orchestrator.pipelines.run(PIPELINE_NAME, { version, parameters });
  const stop = new AbortController();
  const worker = new Worker({
    ...{ url: server.url, queues: [queue], concurrency: 16, handlers, logger: silentLogger },
  });
  const working = worker.run({ signal: stop.signal });
  onTestFinished(async () => {
    stop.abort();
    await working;
  });
  const board = new Board(["discover", "merge"]);
  const told: string[] = [];
  const display = { ...silent, tell: (text: string) => void told.push(text) };
  const { signal } = stop;
  const following = followRun({ orchestrator, runId, board, display, signal });
  return { runId, board, told, following };
}

const states = (jobs: readonly Job[]) => jobs.map(({ name, state }) => `${name} ${state}`);

test(
  "a discovery that breaks after it fanned out finds its scans the next time",
  LONG,
  async () => {
    const root = copyOf("npm-workspaces");
    cpSync(path.join(FIXTURES, "cargo-v3"), path.join(root, "rust"), { recursive: true });
    const { [DISCOVER_JOB_TYPE]: discover, ...others } = sbomHandlers(root);
    const breaksOnce: Handler = async (job) => {
      const answer = await discover?.(job);
      if (job.attempt === 1) throw new Error("the first attempt breaks");
      return answer;
    };
    const { following, told, board } = await run("again", root, {
      ...others,
      [DISCOVER_JOB_TYPE]: breaksOnce,
    });
    const jobs = await following;
    expect(states(jobs)).toEqual([
      "discover succeeded",
      "package-lock.json succeeded",
      "rust/Cargo.lock succeeded",
      "merge succeeded",
    ]);
    expect(jobs.map(({ attempt }) => attempt)).toEqual([2, 1, 1, 1]);
    expect(told).toEqual(["4 jobs in the run"]);
    expect(board.counts).toMatchObject({ succeeded: 4 });
  },
);

test(
  "a manifest that changes between two attempts is refused, and nothing is merged",
  LONG,
  async () => {
    const root = copyOf("cargo-v3");
    const { [DISCOVER_JOB_TYPE]: discover, ...others } = sbomHandlers(root);
    const changes: Handler = async (job) => {
      await discover?.(job);
      writeFileSync(path.join(root, "Cargo.lock"), "version = 3\n");
      throw new Error("the first attempt breaks");
    };
    const { following } = await run("changed", root, { ...others, [DISCOVER_JOB_TYPE]: changes });
    const jobs = await following;
    expect(jobs[0]).toMatchObject({ name: "discover", state: "dead", attempt: 2 });
    expect(jobs[0]?.lastFailure?.message).toContain("a manifest changed since the attempt before");
    expect(jobs.at(-1)).toMatchObject({ name: "merge", state: "cancelled", attempt: 0 });
  },
);

test("a run that is too large to be watched is counted to its end", LONG, async () => {
  const scans = 1_500;
  const fansOut: Handler = async (job) => {
    const all = Array.from({ length: scans }, (_, n) => ({
      name: `${n}`,
      jobType: SCAN_JOB_TYPE,
      queue: "large",
    }));
    await job.fanOut(all.slice(0, 1_000));
    await job.fanOut(all.slice(1_000));
  };
  const { following, board, told } = await run("large", "/large", {
    [DISCOVER_JOB_TYPE]: fansOut,
    [SCAN_JOB_TYPE]: (job) => (job.name === "7" ? Promise.reject(new Error("seven")) : undefined),
    [MERGE_JOB_TYPE]: () => undefined,
  });
  const jobs = await following;
  expect(jobs).toHaveLength(scans + 2);
  expect(jobs.at(0)?.name).toBe("discover");
  expect(jobs.at(-1)).toMatchObject({ name: "merge", state: "cancelled" });
  expect(told).toContain("the run is too large to show every job: counting from now on");
  expect(board.counts).toEqual({
    ...{ waiting: 0, running: 0 },
    ...{ succeeded: scans, dead: 1, cancelled: 1 },
  });
  expect(board.jobs).toMatchObject([{ name: "7", state: "dead" }]);
});

test("a run that is cancelled ends, though nobody works on it", LONG, async () => {
  const { version } = await orchestrator.pipelines.put(sbomPipeline("nobody"));
  const parameters = pipelineValues("/nobody", "nobody", new Set());
  const { runId } = await orchestrator.pipelines.run(PIPELINE_NAME, { version, parameters });
  await cancelRun(orchestrator, runId);
  const { signal } = new AbortController();
  const board = new Board(["discover", "merge"]);
  const jobs = await followRun({ orchestrator, runId, board, display: silent, signal });
  expect(states(jobs)).toEqual(["discover cancelled", "merge cancelled"]);
});
