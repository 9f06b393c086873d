// biome-ignore-all lint/suspicious/noTemplateCurlyInString: templates of pipelines
import { randomUUID } from "node:crypto";
import type { JsonObject } from "@bufbuild/protobuf";
import { v7 } from "uuid";
import { hour } from "./plan-scene.ts";
import type { Scene } from "./scene.ts";

const audit = { reason: "r", ticket: "T-1" };
const page = { pageSize: 10 };
const named = { source: "osv", scope: "npm" };

const edge = {
  name: "a",
  condition: "EDGE_CONDITION_SUCCESS",
  onFailure: "ON_FAILURE_HOLD",
  includeFanOut: true,
};

const pipelineOf = (spec: JsonObject): JsonObject => ({
  name: `p-${randomUUID()}`,
  description: "d",
  parameters: [
    { name: "feed", kind: "PARAMETER_KIND_STRING", description: "d", defaultValue: "osv" },
    { name: "extra", kind: "PARAMETER_KIND_JSON", defaultValue: { k: [1, null] } },
  ],
  jobs: [
    { name: "a", spec },
    {
      name: "b",
      spec: { jobType: "bad.full", source: "${feed}" },
      payloadTemplate: '{"feed": "${feed}", "extra": "${extra}"}',
      dependsOn: [edge],
    },
  ],
});

const scheduleOf = (name: string, over: JsonObject): JsonObject => ({
  name,
  description: "d",
  startTime: "2040-01-01T00:00:00Z",
  endTime: "2041-01-01T00:00:00Z",
  jitter: "30s",
  overlap: "OVERLAP_POLICY_QUEUE",
  catchUp: "CATCH_UP_POLICY_ALL",
  maxCatchUp: 7,
  ...over,
});

const cron = { cron: { expression: "0 2 * * *", timeZone: "Europe/Berlin" } };
const interval = { interval: { every: "3600s", anchorTime: hour(0) } };
const scheduledJob = (job: JsonObject): JsonObject => ({ ...cron, job, window: { scope: "npm" } });

const backfillOf = (job: JsonObject): JsonObject => ({
  ...named,
  startTime: hour(0),
  endTime: hour(5),
  job,
  maxParallel: 2,
  repeatCovered: true,
});

/** Good requests of PipelineService and ScheduleService; see goodRequests. */
const planRequests = (template: JsonObject): Readonly<Record<string, readonly JsonObject[]>> => ({
  "PipelineService/PutPipeline": [{ pipeline: pipelineOf(template), ...audit }],
  "PipelineService/GetPipeline": [{ name: "nightly", version: 1 }],
  "PipelineService/ListPipelines": [{ name: "nightly", ...page }],
  "PipelineService/RunPipeline": [
    {
      name: "nightly",
      version: 1,
      parameters: {},
      runId: v7(),
      displayName: "d",
      project: "p",
      correlationId: "c",
    },
  ],
  "ScheduleService/CreateSchedule": [
    { schedule: scheduleOf(`s-${randomUUID()}`, scheduledJob(template)), ...audit },
  ],
  "ScheduleService/GetSchedule": [{ name: "yearly" }],
  "ScheduleService/ListSchedules": [page],
  "ScheduleService/UpdateSchedule": [
    {
      schedule: scheduleOf("yearly", {
        ...interval,
        pipeline: { name: "nightly", version: 1, parameters: {} },
      }),
      updateMask: "description,timing,target,startTime,endTime,jitter,overlap",
      ...audit,
    },
  ],
  "ScheduleService/DeleteSchedule": [{ name: "yearly", ...audit }],
  "ScheduleService/PauseSchedule": [{ name: "yearly", ...audit }],
  "ScheduleService/ResumeSchedule": [{ name: "yearly", ...audit }],
  "ScheduleService/TriggerSchedule": [{ name: "yearly", requestId: randomUUID(), ...audit }],
  "ScheduleService/PreviewSchedule": [
    { schedule: scheduleOf("new", scheduledJob(template)), fromTime: hour(0), count: 3 },
  ],
  "ScheduleService/ListFirings": [{ name: "yearly", ...page }],
});

/** Good requests of WatermarkService and BackfillService. */
const windowRequests = (
  { backfillId }: Scene,
  template: JsonObject,
): Readonly<Record<string, readonly JsonObject[]>> => ({
  "WatermarkService/PutWindowSeries": [
    {
      series: { ...named, width: "3600s", allowedLateness: "60s", originTime: hour(0) },
      ...audit,
    },
  ],
  "WatermarkService/GetWatermark": [named],
  "WatermarkService/ListWatermarks": [{ source: "osv", ...page }],
  "WatermarkService/ListGaps": [{ ...named, fromTime: hour(0), untilTime: hour(9), ...page }],
  "BackfillService/PreviewBackfill": [{ spec: backfillOf(template) }],
  "BackfillService/CreateBackfill": [
    { spec: backfillOf(template), requestId: randomUUID(), ...audit },
  ],
  "BackfillService/GetBackfill": [{ backfillId }],
  "BackfillService/ListBackfills": [{ source: "osv", ...page }],
  "BackfillService/ListBackfillWindows": [
    { backfillId, state: "BACKFILL_WINDOW_STATE_IN_PROGRESS", ...page },
  ],
  "BackfillService/PauseBackfill": [{ backfillId, ...audit }],
  "BackfillService/ResumeBackfill": [{ backfillId, ...audit }],
  "BackfillService/CancelBackfill": [{ backfillId, ...audit }],
});

const letters = (runId: string): JsonObject => ({
  jobTypes: ["bad.dead"],
  queue: "default",
  source: "s",
  failureClasses: ["FAILURE_CLASS_USER"],
  signature: "s",
  runId,
  diedFrom: "2020-01-01T00:00:00Z",
  diedBefore: "2040-01-01T00:00:00Z",
});

const selector = { workerIds: ["w-1"], host: "h", labels: { k: "v" } };

/** Good requests of the services for operators. */
const operatorRequests = (
  { deadJob, operationId, takeOutId, runId }: Scene,
  filter: JsonObject,
): Readonly<Record<string, readonly JsonObject[]>> => ({
  "OperationService/StartOperation": [
    {
      requestId: randomUUID(),
      matching: filter,
      move: { queue: "other" },
      maxJobsPerSecond: 10,
      ...audit,
    },
  ],
  "OperationService/GetOperation": [{ operationId }],
  "OperationService/ListOperations": [{ runningOnly: true, ...page }],
  "OperationService/ListOperationResults": [
    { operationId, outcome: "OPERATION_OUTCOME_REFUSED", ...page },
  ],
  "OperationService/StopOperation": [{ operationId, ...audit }],
  "DeadLetterService/ListDeadLetters": [{ filter: letters(runId), ...page }],
  "DeadLetterService/GroupDeadLetters": [{ filter: letters(runId) }],
  "DeadLetterService/GetDeadLetter": [{ jobId: deadJob, includePayload: true }],
  "FleetService/ListTaskRunners": [{ selector, ...page }],
  "FleetService/TakeOut": [
    { requestId: randomUUID(), selector, moveLeases: true, grace: "1s", ...audit },
  ],
  "FleetService/PutBack": [{ takeOutId, ...audit }],
  "FleetService/ListTakeOuts": [{}],
  "HistoryService/ListActions": [{ targetKind: "schedule", targetName: "yearly", ...page }],
});

/** Good requests of RunService beside CreateRun. */
const runRequests = (
  { runId, openRun, finishedRun }: Scene,
  spec: JsonObject,
): Readonly<Record<string, readonly JsonObject[]>> => ({
  "RunService/AppendJobs": [
    {
      runId: openRun,
      jobs: [
        { name: `a-${randomUUID()}`, spec, dependsOn: [{ ...edge, name: "first" }] },
        { name: `b-${randomUUID()}`, spec: { jobType: "bad.full" } },
      ],
    },
  ],
  "RunService/CloseRun": [{ runId: openRun }],
  "RunService/CancelRun": [{ runId, requestId: randomUUID(), grace: "1s", ...audit }],
  "RunService/ReplayRun": [
    {
      runId: finishedRun,
      requestId: v7(),
      jobNames: ["only"],
      includeDownstream: true,
      rerunUpstream: true,
      ...audit,
    },
  ],
  "RunService/GetRun": [{ runId }],
  "RunService/ListRuns": [{ project: "p", pipeline: "nightly", replayOf: runId, ...page }],
  "RunService/GetRunGraph": [{ runId, ...page }],
  "RunService/GetRunTimeline": [{ runId, ...page }],
  "RunService/GetCriticalPath": [{ runId }],
});

/** The parts of other services' requests that plans take, too. */
export interface RequestParts {
  /** A job with every field set. */
  readonly spec: JsonObject;
  /** The same without what a plan decides itself. */
  readonly template: JsonObject;
  /** Narrows jobs by everything. */
  readonly filter: JsonObject;
}

/** Good requests of runs, plans and recovery; see goodRequests. */
export const plansRequests = (
  scene: Scene,
  { spec, template, filter }: RequestParts,
): Readonly<Record<string, readonly JsonObject[]>> => ({
  ...runRequests(scene, spec),
  ...planRequests(template),
  ...windowRequests(scene, template),
  ...operatorRequests(scene, filter),
});

/** Further good requests of the same, with other members of their choices; see otherRequests. */
export const otherPlansRequests = (
  scene: Scene,
  { spec, template }: RequestParts,
): Readonly<Record<string, readonly JsonObject[]>> => {
  const { deadJob, readyJob, runLease, runId } = scene;
  const jobs = { jobIds: [readyJob, deadJob] };
  return {
    "RunService/AppendJobs": [{ runId, jobs: [{ name: randomUUID(), spec }], fanOut: runLease }],
    "RunService/ReplayRun": [{ runId: scene.finishedRun, dryRun: true }],
    "ScheduleService/CreateSchedule": [
      {
        schedule: scheduleOf(`s-${randomUUID()}`, {
          ...interval,
          pipeline: { name: "nightly", version: 1, parameters: {} },
        }),
      },
    ],
    "ScheduleService/PreviewSchedule": [{ name: "yearly", fromTime: hour(0), count: 3 }],
    "OperationService/StartOperation": [
      { jobs, retry: {} },
      { jobs, cancel: { grace: "1s" } },
      { jobs, reprioritise: { priority: 3 } },
      { jobs, extendDeadline: { deadline: "60s" } },
      { deadLetters: letters(runId), discard: {}, ...audit },
      { deadLetters: letters(runId), retry: {}, dryRun: true },
    ],
    "BackfillService/CreateBackfill": [
      { spec: { ...backfillOf(template), repeatCovered: false }, reason: "r" },
    ],
  };
};
