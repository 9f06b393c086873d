import { v7 } from "uuid";
import { expect, test } from "vitest";
import {
  BackfillState,
  type CreateBackfillRequest,
  type PauseBackfillRequest,
} from "../src/gen/stellaops/orchestrator/v1/backfill_pb.ts";
import { FlowScopeKind } from "../src/gen/stellaops/orchestrator/v1/flow_control_pb.ts";
import { EnqueueOutcome, type JobSpec } from "../src/gen/stellaops/orchestrator/v1/job_pb.ts";
import type { PutWindowSeriesRequest } from "../src/gen/stellaops/orchestrator/v1/watermark_pb.ts";
import { away, connect } from "./connect.ts";

const hour = 3_600_000;
const start = new Date("2026-01-01T00:00:00Z");
const end = new Date("2026-01-01T01:00:00.500Z");
const at = (date: Date) => ({
  seconds: BigInt(Math.floor(date.getTime() / 1000)),
  nanos: (date.getTime() % 1000) * 1_000_000,
});

test("a job says which event time it covers", async () => {
  const specs: JobSpec[] = [];
  const orch = await connect({
    jobs: {
      enqueueJobs({ jobs }) {
        specs.push(...jobs);
        const results = jobs.map(({ jobId }) => ({ jobId, outcome: EnqueueOutcome.CREATED }));
        return { results };
      },
      getJob: ({ jobId }) => ({ job: { jobId, ...(specs[0] && { spec: specs[0] }) } }),
    },
  });
  const window = { scope: "npm", start, end };
  const { jobId } = await orch.enqueue("ingest.job", undefined, { source: "osv.dev", window });
  expect(specs[0]?.window).toMatchObject({ scope: "npm", startTime: at(start), endTime: at(end) });
  expect((await orch.getJob(jobId)).window).toEqual(window);
});

test("a series is declared in milliseconds, its watermark read in dates", async () => {
  const requests: PutWindowSeriesRequest[] = [];
  const orch = await connect({
    watermarks: {
      putWindowSeries(request) {
        requests.push(request);
        const { series } = request;
        const watermark = { watermarkTime: at(start), dueTime: at(end), missingWindows: 2n };
        const lag = { seconds: 3600n, nanos: 500_000_000 };
        return { watermark: { ...watermark, lag, gaps: 1n, ...(series && { series }) } };
      },
    },
  });
  const series = { source: "osv.dev", scope: "npm", widthMs: 400 * 24 * hour, origin: start };
  const watermark = await orch.watermarks.putSeries(
    { ...series, allowedLatenessMs: 90_000 },
    { reason: "new feed" },
  );
  expect(requests[0]?.series).toMatchObject({
    width: { seconds: 34_560_000n, nanos: 0 },
    allowedLateness: { seconds: 90n, nanos: 0 },
    originTime: at(start),
  });
  expect(watermark).toEqual({
    ...series,
    allowedLatenessMs: 90_000,
    watermark: start,
    due: end,
    lagMs: hour + 500,
    missingWindows: 2,
    gaps: 1,
    coveredUntil: undefined,
  });
});

test("gaps page by themselves", async () => {
  const tokens: string[] = [];
  const orch = await connect({
    watermarks: {
      listGaps({ source, scope, pageToken }) {
        expect([source, scope]).toEqual(["osv.dev", ""]);
        tokens.push(pageToken);
        const gaps = [{ startTime: at(start), endTime: at(end), windows: 3n, inProgress: 1n }];
        return { gaps, nextPageToken: pageToken === "" ? "next" : "" };
      },
    },
  });
  const found = [];
  for await (const gap of orch.watermarks.gaps("osv.dev")) found.push(gap);
  expect(found).toEqual(
    Array.from({ length: 2 }, () => ({ start, end, windows: 3, inProgress: 1 })),
  );
  expect(tokens).toEqual(["", "next"]);
});

const job = { jobType: "ingest.job", priority: -5, labels: { why: "missed" } };
const spec = { source: "osv.dev", start, end, job, maxParallel: 3 };

test("a backfill keeps its id when the call is repeated, and shows what it does", async () => {
  const requests: CreateBackfillRequest[] = [];
  const orch = await connect({
    backfills: {
      createBackfill(request) {
        requests.push(request);
        if (requests.length === 1) throw away();
        const { requestId: backfillId, reason, ticket } = request;
        const counts = { windows: 4n, covered: 1n, shared: 1n, inProgress: 2n, failed: 0n };
        const state = BackfillState.RUNNING;
        const base = { backfillId, reason, ticket, state, ...counts };
        return { backfill: { ...base, ...(request.spec && { spec: request.spec }) } };
      },
    },
  });
  const backfill = await orch.backfills.create(spec, { reason: "missed", ticket: "OPS-1" });
  expect(requests.map(({ requestId }) => requestId)).toEqual([
    backfill.backfillId,
    backfill.backfillId,
  ]);
  expect(requests[0]?.spec?.job?.jobId).toBe("");
  expect(backfill).toMatchObject({ state: "running", windows: 4, shared: 1, inProgress: 2 });
  expect(backfill).toMatchObject({ reason: "missed", ticket: "OPS-1" });
  expect(backfill.spec).toEqual({ ...spec, scope: "", repeatCovered: false });
});

test("a preview tells what it does not know from zero", async () => {
  let hasHistory = false;
  const orch = await connect({
    backfills: {
      previewBackfill: () => ({
        windows: 4n,
        jobs: 3n,
        covered: 1n,
        ...(hasHistory && { meanJobDuration: { seconds: 2n, nanos: 0 } }),
        limits: [{ scope: { kind: FlowScopeKind.SOURCE, name: "osv.dev" } }],
        sample: [{ scope: "", startTime: at(start), endTime: at(end) }],
      }),
    },
  });
  const preview = await orch.backfills.preview(spec);
  expect(preview).toMatchObject({ windows: 4, jobs: 3, covered: 1, notDue: 0 });
  expect(preview).toMatchObject({ meanJobMs: undefined, estimatedMs: undefined });
  expect(preview.limitedBy).toEqual([{ kind: "source", name: "osv.dev" }]);
  expect(preview.sample).toEqual([{ scope: "", start, end }]);
  hasHistory = true;
  expect((await orch.backfills.preview(spec)).meanJobMs).toBe(2000);
});

test("a backfill is paused, resumed and cancelled with a reason", async () => {
  const asked: string[] = [];
  const answer = (state: BackfillState) => (request: Omit<PauseBackfillRequest, "$typeName">) => {
    const { backfillId, reason, ticket } = request;
    asked.push(`${state} ${reason} ${ticket}`);
    const range = { startTime: at(start), endTime: at(end) };
    return { backfill: { backfillId, state, spec: range } };
  };
  const orch = await connect({
    backfills: {
      pauseBackfill: answer(BackfillState.PAUSED),
      resumeBackfill: answer(BackfillState.RUNNING),
      cancelBackfill: answer(BackfillState.CANCELLED),
      getBackfill: ({ backfillId }) =>
        answer(BackfillState.FAILED)({ backfillId, reason: "", ticket: "" }),
    },
  });
  const { backfills } = orch;
  const id = v7();
  const states = [
    await backfills.pause(id, { reason: "release", ticket: "OPS-2" }),
    await backfills.resume(id, { reason: "released" }),
    await backfills.cancel(id),
    await backfills.get(id),
  ].map(({ backfillId, state }) => [backfillId, state]);
  expect(states).toEqual(["paused", "running", "cancelled", "failed"].map((state) => [id, state]));
  const { PAUSED, RUNNING, CANCELLED } = BackfillState;
  const wanted = [`${PAUSED} release OPS-2`, `${RUNNING} released `, `${CANCELLED}  `];
  expect(asked.slice(0, 3)).toEqual(wanted);
});
