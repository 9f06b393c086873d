import type pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { insertRows, runRow } from "../../../test/support/ledger-rows.ts";
import {
  ago,
  FATES,
  idOf,
  isOver,
  type MadeJob,
  openRetention,
  type RetentionScene,
} from "./testing/retention-scene.ts";

let scene: RetentionScene;
let owner: pg.Pool;

beforeAll(async () => {
  scene = await openRetention();
  ({ owner } = scene);
});
afterAll(() => scene.close());

/** A generator of numbers in [0, 1) that is the same every time (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

describe.each([1, 2, 3])("a mixture of jobs and runs (seed %i)", (seed) => {
  it("loses exactly what is over its time, and nothing else", async () => {
    const tenant = `mix-${seed}`;
    const random = seeded(seed);
    const pick = <T>(some: readonly T[]): T => some[Math.floor(random() * some.length)] as T;
    const hours = () => pick([1, 9, 11, 29, 31, 100]);
    await scene.artifact(tenant);
    const expected: string[] = [];
    for (let at = 0; at < 120; at++) {
      const job = await scene.job(tenant, pick(FATES), hours());
      if (!isOver(job)) expected.push(job.id);
    }
    const runs: { id: string; jobs: MadeJob[]; names: string[] }[] = [];
    for (let at = 0; at < 25; at++) {
      const size = Math.floor(random() * 4);
      // Somebody may have forgotten to close it.
      const made = { id: idOf(200), created_at: ago(200), open: random() < 0.2, job_count: size };
      const run = runRow(tenant, made);
      await insertRows(owner, "run", run);
      const jobs: MadeJob[] = [];
      const fates = random() < 0.7 ? FATES.slice(3) : FATES;
      for (let place = 0; place < size; place++) {
        const inRun = { run_id: run.id, run_position: place, name: `n${place}` };
        jobs.push(await scene.job(tenant, pick(fates), hours(), inRun));
        if (place === 0) continue;
        const ends = { from_job: jobs[place - 1]?.id, to_job: jobs[place]?.id };
        await insertRows(owner, "edge", { tenant, run_id: run.id, ...ends, on_failure: "cancel" });
      }
      // Some reuse a job of a run before them, or have an edge from it.
      const names: string[] = [];
      const other = pick(runs.filter(({ jobs: some }) => some.length > 0));
      const used = other && pick(other.jobs).id;
      const [reuses, follows] = [random() < 0.3, random() < 0.3];
      if (used !== undefined && reuses) {
        await insertRows(owner, "reused_job", { tenant, run_id: run.id, job_id: used });
        names.push(used);
      } else if (used !== undefined && jobs[0] !== undefined && follows) {
        const ends = { from_job: used, to_job: jobs[0].id };
        await insertRows(owner, "edge", { tenant, run_id: run.id, ...ends, on_failure: "cancel" });
        names.push(used);
      }
      runs.push({ id: run.id, jobs, names });
    }
    // A run goes as a whole, and not while one that stays names it.
    const stays = new Set(runs.filter(({ jobs }) => !jobs.every(isOver)));
    for (let before = -1; before < stays.size; ) {
      before = stays.size;
      const named = new Set([...stays].flatMap(({ names }) => names));
      for (const run of runs) if (run.jobs.some(({ id }) => named.has(id))) stays.add(run);
    }
    for (const { jobs } of stays) expected.push(...jobs.map(({ id }) => id));
    expect(expected.length).toBeGreaterThan(20);
    expect(stays.size).toBeGreaterThan(2);
    expect(stays.size).toBeLessThan(25);

    const { jobs, runs: gone } = await scene.pruneAll();
    expect(await scene.ids(tenant)).toEqual(expected.sort());
    expect(await scene.ids(tenant, "run")).toEqual([...stays].map(({ id }) => id).sort());
    expect(gone).toBe(25 - stays.size);
    expect(jobs).toBeGreaterThan(20);
    for (const table of ["job_event", "progress", "attempt"]) {
      expect(await scene.ids(tenant, table, "job_id"), table).toEqual(expected);
    }
    const left = [
      ...(await scene.ids(tenant, "job_artifact", "job_id")),
      ...(await scene.ids(tenant, "dead_letter", "job_id")),
      ...(await scene.ids(tenant, "edge", "from_job")),
    ];
    expect(left.filter((id) => !expected.includes(id))).toEqual([]);
    expect(left.length).toBeGreaterThan(5);
  });
});
