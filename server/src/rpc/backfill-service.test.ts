import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  BackfillState,
  BackfillWindowState,
} from "../gen/stellaops/orchestrator/v1/backfill_pb.ts";
import { FlowScopeKind } from "../gen/stellaops/orchestrator/v1/flow_control_pb.ts";
import { newId } from "../lib/ids.ts";
import { failureOf } from "./testing/clients.ts";
import {
  as,
  at,
  HOURS,
  minuteAfter,
  openWindowScene,
  originMs,
  type WindowScene,
} from "./testing/window-scene.ts";

const HOUR_MS = 3_600_000;
const SOON = { timeout: 20_000, interval: 25 };

let scene: WindowScene;

beforeAll(async () => {
  scene = await openWindowScene();
});
afterAll(() => scene.close());

const specOf = (from: number, until: number) => ({
  source: "osv",
  scope: "npm",
  startTime: at(from),
  endTime: at(until),
  job: { jobType: "test.echo" },
});

const ended = (id: string, tenant: string) =>
  expect
    .poll(async () => {
      const { backfill } = await scene.backfills.getBackfill({ backfillId: id }, as(tenant));
      return backfill?.finishTime === undefined ? undefined : backfill.state;
    }, SOON)
    .not.toBe(undefined);

describe("a backfill", () => {
  it("is previewed, started twice with one id, runs, and leaves a history", async () => {
    const { name, auth } = await scene.newTenant();
    scene.work(name);
    const scope = { kind: FlowScopeKind.QUEUE, name: "default" };
    await scene.flow.updateFlowSettings(
      { settings: { scope, maxConcurrency: 5 }, reason: "test" },
      auth,
    );
    const spec = { ...specOf(0, HOURS + 3), startTime: minuteAfter(0) };
    const first = await scene.backfills.previewBackfill({ spec }, auth);
    expect(first).toMatchObject({
      windows: BigInt(HOURS + 3),
      covered: 0n,
      inProgress: 0n,
      notDue: 3n,
      jobs: BigInt(HOURS),
      startTime: at(0),
      endTime: at(HOURS + 3),
      limits: [{ scope, maxConcurrency: 5 }],
    });
    expect(first.meanJobDuration).toBeUndefined();
    expect(first.sample).toHaveLength(10);
    expect(first.sample[1]).toMatchObject({ scope: "npm", startTime: at(1), endTime: at(2) });

    const requestId = newId();
    const request = { spec, requestId, reason: "a gap", ticket: "OPS-7" };
    const created = await scene.backfills.createBackfill(request, auth);
    expect(created).toMatchObject({
      alreadyExisted: false,
      backfill: {
        backfillId: requestId,
        state: BackfillState.RUNNING,
        actor: "ada",
        reason: "a gap",
        ticket: "OPS-7",
        windows: BigInt(HOURS + 3),
        spec: { startTime: at(0), maxParallel: 10, job: { jobType: "test.echo", source: "osv" } },
      },
    });
    expect(await scene.backfills.createBackfill(request, auth)).toMatchObject({
      alreadyExisted: true,
    });
    for (const other of [{ spec: specOf(0, 1) }, { reason: "another" }, { ticket: "OPS-8" }]) {
      const call = scene.backfills.createBackfill({ ...request, ...other }, auth);
      expect(await failureOf(call)).toMatchObject({
        code: Code[Code.AlreadyExists],
        reason: "REQUEST_ID_CONFLICT",
      });
    }
    await ended(requestId, name);
    const { backfill } = await scene.backfills.getBackfill({ backfillId: requestId }, auth);
    expect(backfill).toMatchObject({
      state: BackfillState.SUCCEEDED,
      covered: BigInt(HOURS),
      shared: 0n,
      failed: 0n,
      inProgress: 0n,
    });
    const { watermark } = await scene.watermarks.getWatermark(
      { source: "osv", scope: "npm" },
      auth,
    );
    expect(watermark).toMatchObject({ watermarkTime: at(HOURS), lag: { seconds: 0n }, gaps: 0n });

    const second = await scene.backfills.previewBackfill({ spec }, auth);
    expect(second).toMatchObject({ covered: BigInt(HOURS), jobs: 0n, sample: [] });
    expect(second.meanJobDuration).toBeDefined();
    expect(second.estimatedDuration).toMatchObject({ seconds: 0n, nanos: 0 });
    const { actions } = await scene.history.listActions({}, auth);
    expect(actions.map(({ kind }) => kind).sort()).toEqual([
      "backfill_started",
      "window_series_put",
    ]);
    const started = actions.find(({ kind }) => kind === "backfill_started");
    expect(JSON.parse(started?.detailJson ?? "")).toMatchObject({
      ...{ source: "osv", scope: "npm", windows: HOURS + 3 },
      ...{ jobType: "test.echo", maxParallel: 10, repeatCovered: false },
    });
  });

  it("says which windows failed, and a second one makes up for them only", async () => {
    const { name, auth } = await scene.newTenant();
    let failing = true;
    scene.work(name, (hour) => failing && hour === 3);
    scene.work(name, (hour) => failing && hour === 3, 1);
    const request = { spec: specOf(0, 6), requestId: newId(), reason: "test" };
    await scene.backfills.createBackfill(request, auth);
    await ended(request.requestId, name);
    const { backfill } = await scene.backfills.getBackfill({ backfillId: request.requestId }, auth);
    expect(backfill).toMatchObject({ state: BackfillState.FAILED, covered: 5n, failed: 1n });
    const state = BackfillWindowState.FAILED;
    const failed = { backfillId: request.requestId, state };
    const { windows } = await scene.backfills.listBackfillWindows(failed, auth);
    expect(windows).toMatchObject([{ window: { startTime: at(3), endTime: at(4) }, state }]);
    expect(windows[0]?.jobId).not.toBe("");
    failing = false;
    const again = { spec: specOf(0, 7), requestId: newId(), reason: "test" };
    await scene.backfills.createBackfill(again, auth);
    await ended(again.requestId, name);
    expect(
      (await scene.backfills.getBackfill({ backfillId: again.requestId }, auth)).backfill,
    ).toMatchObject({ state: BackfillState.SUCCEEDED, covered: 2n, shared: 5n });
    const page = { backfillId: request.requestId, pageSize: 4, pageToken: "" };
    const one = await scene.backfills.listBackfillWindows(page, auth);
    const pageToken = one.nextPageToken;
    const two = await scene.backfills.listBackfillWindows({ ...page, pageToken }, auth);
    expect([...one.windows, ...two.windows].map(({ window }) => window?.startTime)).toEqual(
      [0, 1, 2, 3, 4, 5].map(at),
    );
    expect(two.nextPageToken).toBe("");
    const listed = await scene.backfills.listBackfills({ source: "osv" }, auth);
    expect(listed.backfills.map(({ backfillId }) => backfillId)).toEqual([
      again.requestId,
      request.requestId,
    ]);
    const { rows } = await scene.owner.query(
      `select count(*)::int as n from attempt where tenant = $1 and outcome = 'succeeded'`,
      [name],
    );
    expect(rows).toEqual([{ n: 7 }]);
  });

  it("is previewed with windows behind those that jobs are to cover already", async () => {
    const { auth } = await scene.newTenant();
    const spec = { ...specOf(-130, 0), maxParallel: 120 };
    const backfillId = newId();
    await scene.backfills.createBackfill({ spec, requestId: backfillId, reason: "test" }, auth);
    const inProgress = async () =>
      (await scene.backfills.getBackfill({ backfillId }, auth)).backfill?.inProgress;
    await expect.poll(inProgress, SOON).toBe(120n);
    const { jobs, sample } = await scene.backfills.previewBackfill({ spec }, auth);
    expect([jobs, sample.length, sample[0]?.startTime]).toEqual([10n, 10, at(-10)]);
  });

  it("is paused, resumed and cancelled, each call safe to repeat", async () => {
    const { name, auth } = await scene.newTenant();
    const spec = { ...specOf(0, HOURS), maxParallel: 2 };
    const backfillId = newId();
    await scene.backfills.createBackfill({ spec, requestId: backfillId, reason: "test" }, auth);
    const request = { backfillId, reason: "wait", ticket: "" };
    const inProgress = async () =>
      (await scene.backfills.getBackfill({ backfillId }, auth)).backfill?.inProgress;
    await expect.poll(inProgress, SOON).toBe(2n);
    for (const _ of [1, 2]) {
      const { backfill } = await scene.backfills.pauseBackfill(request, auth);
      expect(backfill?.state).toBe(BackfillState.PAUSED);
    }
    scene.work(name);
    await expect.poll(inProgress, SOON).toBe(0n);
    // Nothing is handed out from here on, so that there is something to cancel.
    await scene.flow.pause({ scope: { kind: FlowScopeKind.TENANT }, reason: "hold" }, auth);
    for (const _ of [1, 2]) {
      const { backfill } = await scene.backfills.resumeBackfill(request, auth);
      expect(backfill?.state).toBe(BackfillState.RUNNING);
    }
    await expect.poll(inProgress, SOON).toBe(2n);
    for (const _ of [1, 2]) {
      const { backfill } = await scene.backfills.cancelBackfill(request, auth);
      expect(backfill?.state).toBe(BackfillState.CANCELLED);
    }
    await ended(backfillId, name);
    for (const call of [scene.backfills.pauseBackfill, scene.backfills.resumeBackfill]) {
      expect(await failureOf(call(request, auth))).toMatchObject({
        code: Code[Code.FailedPrecondition],
        reason: "BACKFILL_FINISHED",
      });
    }
    const { rows } = await scene.owner.query<{ n: number }>(
      `select count(*)::int as n from ready where tenant = $1
       union all select count(*)::int from lease where tenant = $1`,
      [name],
    );
    expect(rows.map(({ n }) => n)).toEqual([0, 0]);
    const { actions } = await scene.history.listActions({}, auth);
    expect(actions.map(({ kind }) => kind).sort()).toEqual([
      "backfill_cancelled",
      "backfill_paused",
      "backfill_resumed",
      "backfill_started",
      "window_series_put",
    ]);
  });

  it("that cannot be is refused with all that is wrong, and writes nothing", async () => {
    const { name, auth } = await scene.newTenant();
    const refusal = async (over: object) => {
      const spec = { ...specOf(0, 3), ...over };
      const preview = await failureOf(scene.backfills.previewBackfill({ spec }, auth));
      const create = await failureOf(
        scene.backfills.createBackfill({ spec, reason: "test" }, auth),
      );
      expect(create).toEqual(preview);
      return create;
    };
    const job = {
      jobType: "test.echo",
      jobId: newId(),
      idempotencyKey: "k",
      notBefore: at(0),
      source: "other",
      window: { startTime: at(0), endTime: at(1) },
    };
    expect(await refusal({ job, endTime: at(0) })).toMatchObject({
      code: Code[Code.InvalidArgument],
      reason: "REQUEST_INVALID",
      violations: [
        "spec.end_time",
        "spec.job.job_id",
        "spec.job.idempotency_key",
        "spec.job.not_before",
        "spec.job.window",
        "spec.job.source",
      ],
    });
    expect(await refusal({ scope: "none" })).toMatchObject({
      code: Code[Code.NotFound],
      reason: "WINDOW_SERIES_NOT_FOUND",
    });
    const startTime = timestampFromDate(new Date(originMs - 1_000_001 * HOUR_MS));
    expect(await refusal({ startTime })).toMatchObject({
      code: Code[Code.InvalidArgument],
      reason: "BACKFILL_TOO_LARGE",
    });
    const create = (over: object) => {
      const spec = { ...specOf(0, 3), job: { jobType: "test.echo", ...over } };
      return failureOf(scene.backfills.createBackfill({ spec, reason: "test" }, auth));
    };
    expect(await create({ payload: new Uint8Array(300_000) })).toMatchObject({
      reason: "PAYLOAD_TOO_LARGE",
    });
    const payloadArtifact = `sha256:${"a".repeat(64)}`;
    expect(await create({ payloadArtifact })).toMatchObject({
      code: Code[Code.FailedPrecondition],
      reason: "PAYLOAD_ARTIFACT_NOT_FOUND",
    });
    const backfillId = newId();
    for (const call of [
      () => scene.backfills.getBackfill({ backfillId }, auth),
      () => scene.backfills.listBackfillWindows({ backfillId }, auth),
      () => scene.backfills.cancelBackfill({ backfillId }, auth),
    ]) {
      expect(await failureOf(call())).toMatchObject({ reason: "BACKFILL_NOT_FOUND" });
    }
    const { rows } = await scene.owner.query("select id from backfill where tenant = $1", [name]);
    expect(rows).toEqual([]);
  });
});
