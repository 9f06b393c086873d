import { randomUUID } from "node:crypto";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { FailureClass } from "../../server/src/gen/stellaops/orchestrator/v1/failure_pb.ts";
import type { LeaseRef } from "../../server/src/gen/stellaops/orchestrator/v1/task_runner_pb.ts";
import { type Clients, ended } from "../../server/src/rpc/testing/clients.ts";

/** What a tenant has of plans, and of what operators did, when a bad request comes. */
export interface PlanScene {
  /** A job that is dead, and its letter. */
  readonly deadJob: string;
  /** A run whose only job, "only", was cancelled. */
  readonly finishedRun: string;
  /** A run that can be appended to; its job is "first". */
  readonly openRun: string;
  /** Paused, over all windows that are due of the series "osv", "npm". */
  readonly backfillId: string;
  /** Has ended. */
  readonly operationId: string;
  readonly takeOutId: string;
}

type Options = { readonly headers: Record<string, string> };

const HOUR_MS = 3_600_000;
const ORIGIN_MS = Math.floor(Date.now() / HOUR_MS - 12) * HOUR_MS;

/** The moment so many hours after the beginning of the series; twelve windows are due. */
export const hour = (nth: number): string => new Date(ORIGIN_MS + nth * HOUR_MS).toISOString();

/**
 * Sets the scene for plans; the source "osv" exists. Nothing of it moves by itself: the schedule is
 * paused, so is the backfill, and the operation has ended.
 */
export async function setPlans(clients: Clients, options: Options): Promise<PlanScene> {
  const [deadJob, finishedRun, openRun, backfillId, operationId, takeOut] = await Promise.all([
    die(clients, options),
    finishRun(clients, options),
    openARun(clients, options),
    backfill(clients, options),
    operate(clients, options),
    clients.fleet.takeOut({ selector: { host: "gone.example" }, reason: "r" }, options),
    schedule(clients, options),
  ]);
  const takeOutId = takeOut.takeOut?.takeOutId ?? "";
  return { deadJob, finishedRun, openRun, backfillId, operationId, takeOutId };
}

/** Claims the only job of a type. Servers of these tests do not wait long, so it may take two. */
export async function claimOne(
  clients: Clients,
  jobType: string,
  options: Options,
): Promise<LeaseRef> {
  for (;;) {
    const claim = { claimRequestId: randomUUID(), workerId: "w", jobTypes: [jobType] };
    const { jobs } = await clients.taskRunner.claimJobs(claim, options);
    const lease = jobs[0]?.lease;
    if (lease !== undefined) return lease;
  }
}

async function die(clients: Clients, options: Options): Promise<string> {
  const jobType = "bad.dead";
  await clients.jobs.enqueueJobs({ jobs: [{ jobType }] }, options);
  const lease = await claimOne(clients, jobType, options);
  const failure = { failureClass: FailureClass.USER, message: "no", terminal: true };
  const failures = [{ lease, completionId: randomUUID(), failure }];
  await clients.taskRunner.failAttempts({ failures }, options);
  return lease.jobId;
}

async function finishRun(clients: Clients, options: Options): Promise<string> {
  const jobs = [{ name: "only", spec: { jobType: "bad.finished" } }];
  const { run, jobIds } = await clients.runs.createRun({ jobs }, options);
  await clients.jobs.cancelJobs({ jobIds }, options);
  return run?.runId ?? "";
}

async function openARun(clients: Clients, options: Options): Promise<string> {
  const jobs = [{ name: "first", spec: { jobType: "bad.open" } }];
  const { run } = await clients.runs.createRun({ jobs, keepOpen: true }, options);
  return run?.runId ?? "";
}

async function backfill(clients: Clients, options: Options): Promise<string> {
  const originTime = timestampFromMs(ORIGIN_MS);
  const named = { source: "osv", scope: "npm" };
  const series = { ...named, width: { seconds: 3_600n }, originTime };
  await clients.watermarks.putWindowSeries({ series }, options);
  const endTime = timestampFromMs(ORIGIN_MS + 12 * HOUR_MS);
  const spec = { ...named, startTime: originTime, endTime, job: { jobType: "bad.window" } };
  const request = { spec, reason: "r" };
  const { backfill: made } = await clients.backfills.createBackfill(request, options);
  const backfillId = made?.backfillId ?? "";
  await clients.backfills.pauseBackfill({ backfillId }, options);
  return backfillId;
}

async function operate(clients: Clients, options: Options): Promise<string> {
  const jobs = { jobIds: [randomUUID()] };
  const { operation } = await clients.operations.startOperation(
    { target: { case: "jobs", value: jobs }, action: { case: "retry", value: {} } },
    options,
  );
  const operationId = operation?.operationId ?? "";
  await ended(clients, options.headers["orch-tenant"] ?? "", operationId);
  return operationId;
}

async function schedule(clients: Clients, options: Options): Promise<void> {
  const spec = { jobType: "bad.piped" };
  const pipeline = { name: "nightly", jobs: [{ name: "only", spec }] };
  await clients.pipelines.putPipeline({ pipeline }, options);
  const timing = { case: "cron" as const, value: { expression: "0 0 1 1 *" } };
  const target = { case: "job" as const, value: { jobType: "bad.fired" } };
  await clients.schedules.createSchedule({ schedule: { name: "yearly", timing, target } }, options);
  await clients.schedules.pauseSchedule({ name: "yearly", reason: "r" }, options);
}
