import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EnqueueOutcome } from "../gen/stellaops/orchestrator/v1/job_pb.ts";
import { failureOf } from "./testing/clients.ts";
import {
  at,
  HOURS,
  minuteAfter,
  openWindowScene,
  series,
  type WindowScene,
} from "./testing/window-scene.ts";

const SOON = { timeout: 20_000, interval: 25 };

let scene: WindowScene;

beforeAll(async () => {
  scene = await openWindowScene();
});
afterAll(() => scene.close());

describe("a series", () => {
  it("is declared, found, listed, and changed as far as it may be", async () => {
    const { auth } = await scene.newTenant();
    const again = await scene.watermarks.putWindowSeries(
      { series: { ...series, originTime: minuteAfter(0) }, reason: "again" },
      auth,
    );
    expect(again.watermark).toMatchObject({
      series: { source: "osv", scope: "npm", originTime: at(0) },
      watermarkTime: at(0),
      dueTime: at(HOURS),
      lag: { seconds: BigInt(HOURS * 3_600) },
      missingWindows: BigInt(HOURS),
      gaps: 1n,
    });
    expect(again.watermark?.coveredUntilTime).toBeUndefined();
    for (const scope of ["a", "b", "c"]) {
      await scene.watermarks.putWindowSeries({ series: { ...series, scope } }, auth);
    }
    const scopes: string[] = [];
    for (let pageToken = ""; ; ) {
      const page = await scene.watermarks.listWatermarks(
        { source: "osv", pageSize: 3, pageToken },
        auth,
      );
      scopes.push(...page.watermarks.map((mark) => mark.series?.scope ?? ""));
      pageToken = page.nextPageToken;
      if (pageToken === "") break;
    }
    expect(scopes).toEqual(["a", "b", "c", "npm"]);
    const got = await scene.watermarks.getWatermark({ source: "osv", scope: "npm" }, auth);
    expect(got.watermark).toEqual(again.watermark);
    // The repeated call left nothing: one action for each series.
    const { actions } = await scene.history.listActions({}, auth);
    expect(actions.map(({ kind }) => kind)).toEqual(new Array(4).fill("window_series_put"));
    expect(actions[0]).toMatchObject({ actor: "ada", targetKind: "window_series" });
  });

  it("that is wrong or unknown is refused", async () => {
    const { auth } = await scene.newTenant();
    const put = (over: object) =>
      failureOf(scene.watermarks.putWindowSeries({ series: { ...series, ...over } }, auth));
    const invalid = { code: Code[Code.InvalidArgument], reason: "REQUEST_INVALID" };
    const odd = { width: { seconds: 1n, nanos: 500_000_000 } };
    expect(await put(odd)).toMatchObject({ ...invalid, violations: ["series.width"] });
    expect(await put({ width: { seconds: 0n } })).toMatchObject(invalid);
    expect(await put({ source: "" })).toMatchObject(invalid);
    for (const seconds of [-62_135_596_800n, 253_402_300_799n]) {
      const early = { originTime: { seconds } };
      const violations = ["series.origin_time"];
      expect(await put(early)).toMatchObject({ ...invalid, violations });
    }
    const unknown = { source: "osv", scope: "none" };
    const notFound = { code: Code[Code.NotFound], reason: "WINDOW_SERIES_NOT_FOUND" };
    expect(await failureOf(scene.watermarks.getWatermark(unknown, auth))).toMatchObject(notFound);
    expect(await failureOf(scene.watermarks.listGaps(unknown, auth))).toMatchObject(notFound);
    const pageToken = "rubbish";
    const invalidToken = { reason: "PAGE_TOKEN_INVALID" };
    for (const call of [
      () => scene.watermarks.listWatermarks({ pageToken }, auth),
      () => scene.watermarks.listGaps({ source: "osv", scope: "npm", pageToken }, auth),
      () => scene.backfills.listBackfills({ pageToken }, auth),
    ]) {
      expect(await failureOf(call())).toMatchObject(invalidToken);
    }
  });
});

describe("windows", () => {
  it("are covered by jobs; gaps are what is left, in pages", async () => {
    const { name, auth } = await scene.newTenant();
    const window = (hour: number) => ({ scope: "npm", startTime: at(hour), endTime: at(hour + 1) });
    const spec = { jobType: "test.echo", source: "osv" };
    const { results } = await scene.jobs.enqueueJobs(
      {
        jobs: [
          ...[0, 1, 4, 7, HOURS].map((hour) => ({ ...spec, window: window(hour) })),
          { ...spec, window: { ...window(2), scope: "none" } },
          { ...spec, window: { ...window(2), endTime: at(4) } },
        ],
      },
      auth,
    );
    expect(results.map(({ outcome, error }) => [outcome, error?.code])).toEqual([
      ...new Array(5).fill([EnqueueOutcome.CREATED, undefined]),
      [EnqueueOutcome.REJECTED, Code.FailedPrecondition],
      [EnqueueOutcome.REJECTED, Code.InvalidArgument],
    ]);
    const inRun = (over: object) =>
      failureOf(scene.runs.createRun({ jobs: [{ name: "a", spec: { ...spec, ...over } }] }, auth));
    expect(await inRun({ window: { ...window(2), scope: "none" } })).toMatchObject({
      reason: "WINDOW_SERIES_NOT_FOUND",
    });
    expect(await inRun({ window: { ...window(2), endTime: at(4) } })).toMatchObject({
      reason: "WINDOW_INVALID",
      violations: ["jobs[0].spec.window"],
    });
    const query = { source: "osv", scope: "npm" };
    const before = await scene.watermarks.listGaps(query, auth);
    expect(before.gaps).toMatchObject([{ windows: BigInt(HOURS), inProgress: 4n }]);
    scene.work(name);
    await expect
      .poll(async () => (await scene.watermarks.getWatermark(query, auth)).watermark, SOON)
      .toMatchObject({ watermarkTime: at(2), missingWindows: BigInt(HOURS - 4), gaps: 3n });
    const pages: unknown[] = [];
    for (let pageToken = ""; ; ) {
      const page = await scene.watermarks.listGaps({ ...query, pageSize: 2, pageToken }, auth);
      pages.push(page.gaps.map(({ startTime, endTime }) => [startTime, endTime]));
      pageToken = page.nextPageToken;
      if (pageToken === "") break;
    }
    expect(pages).toEqual([
      [
        [at(2), at(4)],
        [at(5), at(7)],
      ],
      [[at(8), at(HOURS)]],
    ]);
    const some = { ...query, fromTime: minuteAfter(3), untilTime: minuteAfter(5) };
    const { gaps } = await scene.watermarks.listGaps(some, auth);
    expect(gaps).toMatchObject([
      { startTime: at(3), endTime: at(4), windows: 1n },
      { startTime: at(5), endTime: at(6), windows: 1n },
    ]);
    const narrower = { series: { ...series, width: { seconds: 60n } } };
    expect(await failureOf(scene.watermarks.putWindowSeries(narrower, auth))).toMatchObject({
      code: Code[Code.FailedPrecondition],
      reason: "WINDOW_SERIES_IN_USE",
    });
  });
});
