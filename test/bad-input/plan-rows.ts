import { randomUUID } from "node:crypto";
import type { JsonObject } from "@bufbuild/protobuf";
import { hour } from "./plan-scene.ts";
import { badToken, fails, invalid, type Row, row } from "./row.ts";

const REASON = "r".repeat(1_025);
const wrong = (reason: string, ...violations: string[]): Row["answer"] => ({
  code: "invalid_argument",
  reason,
  violations,
});

const put = row("PipelineService/PutPipeline");
const getPipeline = row("PipelineService/GetPipeline");
const listPipelines = row("PipelineService/ListPipelines");
const runPipeline = row("PipelineService/RunPipeline");
const pipelineNotFound = fails("not_found", "PIPELINE_NOT_FOUND");

const pipeline = (over: JsonObject): JsonObject => ({ pipeline: { name: "new", ...over } });
const step = (over: JsonObject = {}): JsonObject => ({
  name: "a",
  spec: { jobType: "bad.row" },
  ...over,
});

const PIPELINES: readonly Row[] = [
  put("no pipeline", () => ({}), invalid("pipeline")),
  put("a name that is none", () => ({ pipeline: { name: "A b" } }), invalid("pipeline.name")),
  put(
    "a name twice",
    () => pipeline({ jobs: [step(), step()] }),
    wrong("GRAPH_DUPLICATE_NAME", "pipeline.jobs[1].name"),
  ),
  put(
    "a template of no parameter, and a default of another kind",
    () =>
      pipeline({
        parameters: [{ name: "n", kind: "PARAMETER_KIND_INT", defaultValue: "x" }],
        jobs: [step({ spec: { jobType: "bad.row", source: `$\{m}` } })],
      }),
    wrong(
      "PARAMETER_INVALID",
      "pipeline.parameters[0].default_value",
      "pipeline.jobs[0].spec.source",
    ),
  ),
  put(
    "U+0000 inside of a default",
    () => pipeline({ parameters: [{ name: "n", kind: 4, defaultValue: ["\0"] }], jobs: [step()] }),
    fails("invalid_argument", "TEXT_INVALID"),
  ),
  put(
    "a payload template that is no JSON",
    () => pipeline({ jobs: [step({ payloadTemplate: "{" })] }),
    wrong("TEMPLATE_INVALID", "pipeline.jobs[0].payload_template"),
  ),
  put(
    "an etag of nobody",
    () => ({ pipeline: { name: "nightly", etag: "zz", jobs: [step()] } }),
    fails("aborted", "ETAG_MISMATCH"),
  ),
  put("a reason too long", () => ({ ...pipeline({}), reason: REASON }), invalid("reason")),
  getPipeline("an unknown name", () => ({ name: "none" }), pipelineNotFound),
  getPipeline("an unknown version", () => ({ name: "nightly", version: 9 }), pipelineNotFound),
  listPipelines("a page too large", () => ({ pageSize: 1_001 }), invalid("page_size")),
  listPipelines("a token of nobody", () => ({ pageToken: "made-up" }), badToken),
  runPipeline("an unknown name", () => ({ name: "none" }), pipelineNotFound),
  runPipeline(
    "a parameter that it does not have",
    () => ({ name: "nightly", parameters: { x: 1 } }),
    wrong("PARAMETER_INVALID", 'parameters["x"]'),
  ),
  runPipeline(
    "the id of another run",
    ({ runId }) => ({ name: "nightly", runId }),
    fails("already_exists", "RUN_ID_CONFLICT"),
  ),
];

const create = row("ScheduleService/CreateSchedule");
const get = row("ScheduleService/GetSchedule");
const list = row("ScheduleService/ListSchedules");
const update = row("ScheduleService/UpdateSchedule");
const remove = row("ScheduleService/DeleteSchedule");
const pause = row("ScheduleService/PauseSchedule");
const resume = row("ScheduleService/ResumeSchedule");
const trigger = row("ScheduleService/TriggerSchedule");
const preview = row("ScheduleService/PreviewSchedule");
const firings = row("ScheduleService/ListFirings");
const scheduleNotFound = fails("not_found", "SCHEDULE_NOT_FOUND");

const schedule = (over: JsonObject = {}): JsonObject => ({
  schedule: {
    name: "new",
    interval: { every: "3600s" },
    job: { jobType: "bad.row" },
    ...over,
  },
});

const SCHEDULES: readonly Row[] = [
  create("no schedule", () => ({}), invalid("schedule")),
  create(
    "neither timing nor target",
    () => ({ schedule: { name: "new" } }),
    invalid("schedule.timing", "schedule.target"),
  ),
  create(
    "a job with an id",
    () => schedule({ job: { jobType: "bad.row", idempotencyKey: "k" } }),
    wrong("SCHEDULE_INVALID", "schedule.job.idempotency_key"),
  ),
  create(
    "an end before its start",
    () => schedule({ startTime: "2040-01-02T00:00:00Z", endTime: "2040-01-01T00:00:00Z" }),
    wrong("SCHEDULE_INVALID", "schedule.end_time"),
  ),
  create(
    "a pipeline that is not there",
    () => ({
      schedule: { name: "new", interval: { every: "60s" }, pipeline: { name: "none" } },
    }),
    fails("not_found", "PIPELINE_NOT_FOUND"),
  ),
  create(
    "a name that is taken",
    () => schedule({ name: "yearly" }),
    fails("already_exists", "SCHEDULE_EXISTS"),
  ),
  create("an unknown policy", () => schedule({ overlap: 99 }), invalid("schedule.overlap")),
  get("an unknown name", () => ({ name: "none" }), scheduleNotFound),
  list("a token of nobody", () => ({ pageToken: "made-up" }), badToken),
  update("an unknown name", () => schedule({ name: "none" }), scheduleNotFound),
  update(
    "an etag of nobody",
    () => schedule({ name: "yearly", etag: "zz" }),
    fails("aborted", "ETAG_MISMATCH"),
  ),
  update(
    "a mask of what the server sets",
    () => ({ ...schedule({ name: "yearly" }), updateMask: "etag" }),
    invalid("update_mask"),
  ),
  update(
    "a cron that is none",
    () => ({
      schedule: { name: "yearly", cron: { expression: "61 * * * *", timeZone: "Mars/Base" } },
      updateMask: "timing",
    }),
    wrong("SCHEDULE_INVALID", "schedule.cron.expression", "schedule.cron.time_zone"),
  ),
  remove("no name", () => ({}), invalid("name")),
  pause("no reason", () => ({ name: "yearly" }), invalid("reason")),
  pause("an unknown name", () => ({ name: "none", reason: "r" }), scheduleNotFound),
  resume("an unknown name", () => ({ name: "none" }), scheduleNotFound),
  resume("a reason too long", () => ({ name: "yearly", reason: REASON }), invalid("reason")),
  trigger("an unknown name", () => ({ name: "none" }), scheduleNotFound),
  trigger("an id that is none", () => ({ name: "yearly", requestId: "x" }), invalid("request_id")),
  preview("neither a name nor a schedule", () => ({}), invalid("of")),
  preview("too many firings", () => ({ name: "yearly", count: 1_001 }), invalid("count")),
  preview("an unknown name", () => ({ name: "none" }), scheduleNotFound),
  firings("an unknown name", () => ({ name: "none" }), scheduleNotFound),
  firings("a token of nobody", () => ({ name: "yearly", pageToken: "made-up" }), badToken),
];

const putSeries = row("WatermarkService/PutWindowSeries");
const getWatermark = row("WatermarkService/GetWatermark");
const listWatermarks = row("WatermarkService/ListWatermarks");
const listGaps = row("WatermarkService/ListGaps");
const seriesNotFound = fails("not_found", "WINDOW_SERIES_NOT_FOUND");
const osv = { source: "osv", scope: "npm" };
const none = { source: "osv", scope: "none" };

const WATERMARKS: readonly Row[] = [
  putSeries("no series", () => ({}), invalid("series")),
  putSeries(
    "a width in parts of a second",
    () => ({ series: { source: "new", width: "1.5s", originTime: hour(0) } }),
    invalid("series.width"),
  ),
  putSeries(
    "another width while a backfill is under way",
    () => ({ series: { ...osv, width: "60s", originTime: hour(0) } }),
    fails("failed_precondition", "WINDOW_SERIES_IN_USE"),
  ),
  getWatermark("an unknown scope", () => none, seriesNotFound),
  listWatermarks("a token of nobody", () => ({ pageToken: "made-up" }), badToken),
  listGaps("an unknown scope", () => none, seriesNotFound),
  listGaps("a token of nobody", () => ({ ...osv, pageToken: "made-up" }), badToken),
];

const previewBackfill = row("BackfillService/PreviewBackfill");
const createBackfill = row("BackfillService/CreateBackfill");
const getBackfill = row("BackfillService/GetBackfill");
const listBackfills = row("BackfillService/ListBackfills");
const listWindows = row("BackfillService/ListBackfillWindows");
const pauseBackfill = row("BackfillService/PauseBackfill");
const resumeBackfill = row("BackfillService/ResumeBackfill");
const cancelBackfill = row("BackfillService/CancelBackfill");
const backfillNotFound = fails("not_found", "BACKFILL_NOT_FOUND");
const unknownBackfill = () => ({ backfillId: randomUUID(), reason: "r" });

const spec = (over: JsonObject = {}): JsonObject => ({
  spec: { ...osv, startTime: hour(0), endTime: hour(2), job: { jobType: "bad.row" }, ...over },
  reason: "r",
});
const previewed = (over: JsonObject): JsonObject => ({ spec: spec(over).spec as JsonObject });

const BACKFILLS: readonly Row[] = [
  previewBackfill("an unknown series", () => previewed(none), seriesNotFound),
  previewBackfill(
    "an end before its start",
    () => previewed({ endTime: hour(-1) }),
    invalid("spec.end_time"),
  ),
  previewBackfill(
    "too many windows",
    () => previewed({ endTime: "2200-01-01T00:00:00Z" }),
    wrong("BACKFILL_TOO_LARGE", "spec.end_time"),
  ),
  createBackfill("no reason", () => ({ spec: spec().spec as JsonObject }), invalid("reason")),
  createBackfill("an unknown series", () => spec(none), seriesNotFound),
  createBackfill(
    "a job with what the backfill decides",
    () => spec({ job: { jobType: "bad.row", idempotencyKey: "k", notBefore: hour(0) } }),
    invalid("spec.job.idempotency_key", "spec.job.not_before"),
  ),
  createBackfill(
    "a payload that is not there",
    () => spec({ job: { jobType: "bad.row", payloadArtifact: `sha256:${"0".repeat(64)}` } }),
    fails("failed_precondition", "PAYLOAD_ARTIFACT_NOT_FOUND"),
  ),
  createBackfill(
    "a payload too large",
    () => spec({ job: { jobType: "bad.row", payload: Buffer.alloc(262_145).toString("base64") } }),
    wrong("PAYLOAD_TOO_LARGE", "spec.job.payload"),
  ),
  createBackfill(
    "the id of another one",
    ({ backfillId }) => ({ ...spec(), requestId: backfillId }),
    fails("already_exists", "REQUEST_ID_CONFLICT"),
  ),
  getBackfill("an unknown id", () => ({ backfillId: randomUUID() }), backfillNotFound),
  listBackfills("a token of nobody", () => ({ pageToken: "made-up" }), badToken),
  listWindows("an unknown id", () => ({ backfillId: randomUUID() }), backfillNotFound),
  listWindows(
    "an unknown state",
    ({ backfillId }) => ({ backfillId, state: 99 }),
    invalid("state"),
  ),
  pauseBackfill("an unknown id", unknownBackfill, backfillNotFound),
  resumeBackfill("an unknown id", unknownBackfill, backfillNotFound),
  cancelBackfill("an unknown id", unknownBackfill, backfillNotFound),
  cancelBackfill("an id that is none", () => ({ backfillId: "x" }), invalid("backfill_id")),
];

/** Bad requests of pipelines, schedules, watermarks and backfills. */
export const planRows: readonly Row[] = [...PIPELINES, ...SCHEDULES, ...WATERMARKS, ...BACKFILLS];
