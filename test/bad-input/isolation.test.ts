import { randomUUID } from "node:crypto";
import type { DescMethod, JsonObject } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { as, type Clients, ended } from "../../server/src/rpc/testing/clients.ts";
import { ledgerHash } from "../support/ledger-hash.ts";
import { openStage, type Stage } from "../support/stage.ts";
import { openWire, type Wire, type WireAnswer } from "../support/wire.ts";
import { goodRequests, otherRequests } from "./good-requests.ts";
import { METHODS, methodOf, nameOf } from "./methods.ts";
import { hour } from "./plan-scene.ts";
import { type Scene, setScene } from "./scene.ts";

// Two tenants that have the same things by name, and each its own by id. The second one calls with
// the ids of the first.

let stage: Stage;
let wire: Wire;
let clients: Clients;
let theirs: Scene;
let own: Scene;
let hash: Readonly<Record<string, string>>;
let secrets: ReadonlySet<string>;

beforeAll(async () => {
  stage = await openStage();
  const policy = { leaseTtl: "3600s", unaryPollDefault: "0.1s", unaryPollMax: "0.1s" };
  const server = await stage.server({ policy, env: { ORCH_STUCK_AFTER: "86400" } });
  clients = stage.clients(server.url);
  wire = openWire(server.url);
  theirs = await setScene(clients);
  own = await setScene(clients);
  hash = await ledgerHash(stage.owner, theirs.tenant);
  const shared = await idsOf(own.tenant);
  secrets = new Set([...(await idsOf(theirs.tenant))].filter((id) => !shared.has(id)));
});
afterAll(async () => {
  await wire.close();
  await stage.close();
});

const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

/** Every id that stands anywhere in what the ledger has of a tenant, and its name. */
async function idsOf(tenant: string): Promise<ReadonlySet<string>> {
  const { rows: tables } = await stage.owner.query<{ name: string }>(
    `select table_name as name from information_schema.columns
     where table_schema = current_schema() and column_name = 'tenant'`,
  );
  const ids = new Set([tenant]);
  for (const { name } of tables) {
    const { rows } = await stage.owner.query<{ text: string }>(
      `select t::text as text from "${name}" t where tenant = $1`,
      [tenant],
    );
    for (const { text } of rows) for (const [id] of text.matchAll(UUID)) ids.add(id);
  }
  return ids;
}

/** What an answer says of the other tenant that the request did not say itself. */
function told(request: readonly JsonObject[], { messages }: WireAnswer): string[] {
  const [asked, said] = [JSON.stringify(request), JSON.stringify(messages)];
  return [...secrets].filter((secret) => said.includes(secret) && !asked.includes(secret));
}

const call = (rpc: string, request: readonly JsonObject[], { tenant } = own) =>
  wire.call(
    methodOf(rpc),
    "json",
    request.map((message) => JSON.stringify(message)),
    { "orch-tenant": tenant },
  );

const none = (reason: string) => ({ code: "not_found", reason });
const empty = (...messages: JsonObject[]) => ({ code: "ok", messages });
const item = (list: string, one: JsonObject) => ({ code: "ok", messages: [{ [list]: [one] }] });
const stale = item("results", { verdict: "WRITE_VERDICT_STALE_LEASE" });
/** Answered out of the caller's own things; what is asked for does not name the other's. */
const OWN = { code: "ok" };

/** What the good requests of the first tenant are answered when the second one sends them. */
const ANSWERS: Readonly<Record<string, object>> = {
  "TaskRunnerService/Session": OWN,
  "TaskRunnerService/ClaimJobs": empty({}),
  "TaskRunnerService/RenewLeases": item("verdicts", { verdict: "LEASE_VERDICT_UNKNOWN" }),
  "TaskRunnerService/ReportProgress": stale,
  // Its artifact is theirs, too, which is looked at first.
  "TaskRunnerService/CompleteAttempts": item("results", { verdict: "WRITE_VERDICT_REJECTED" }),
  "TaskRunnerService/FailAttempts": stale,
  "TaskRunnerService/ReleaseLeases": stale,
  "TaskRunnerService/CheckLease": none("JOB_NOT_FOUND"),
  "TaskRunnerService/GetLeasePolicy": OWN,
  "JobService/EnqueueJobs": OWN,
  "JobService/GetJob": none("JOB_NOT_FOUND"),
  "JobService/ListJobs": empty({}),
  "JobService/ListJobEvents": none("JOB_NOT_FOUND"),
  "JobService/WatchJobs": { code: "not_found" },
  "JobService/CancelJobs": item("results", { outcome: "CANCEL_OUTCOME_NOT_FOUND" }),
  "JobService/RetryJobs": item("results", { outcome: "RETRY_OUTCOME_NOT_FOUND" }),
  "JobService/ExplainJob": none("JOB_NOT_FOUND"),
  "JobService/GetRetentionPolicy": OWN,
  "RunService/CreateRun": OWN,
  "RunService/AppendJobs": none("RUN_NOT_FOUND"),
  "RunService/CloseRun": none("RUN_NOT_FOUND"),
  "RunService/CancelRun": none("RUN_NOT_FOUND"),
  "RunService/ReplayRun": none("RUN_NOT_FOUND"),
  "RunService/GetRun": none("RUN_NOT_FOUND"),
  "RunService/ListRuns": empty({}),
  "RunService/GetRunGraph": none("RUN_NOT_FOUND"),
  "RunService/GetRunTimeline": none("RUN_NOT_FOUND"),
  "RunService/GetCriticalPath": none("RUN_NOT_FOUND"),
  "ArtifactService/FindMissingArtifacts": OWN,
  "ArtifactService/UploadArtifact": OWN,
  "ArtifactService/QueryUpload": OWN,
  "ArtifactService/DownloadArtifact": none("ARTIFACT_NOT_FOUND"),
  "SourceService/CreateSource": OWN,
  "SourceService/GetSource": OWN,
  "SourceService/ListSources": OWN,
  "SourceService/UpdateSource": OWN,
  "FlowControlService/GetFlowSettings": OWN,
  "FlowControlService/ListFlowSettings": OWN,
  "FlowControlService/UpdateFlowSettings": OWN,
  "FlowControlService/Pause": OWN,
  "FlowControlService/Resume": OWN,
  "FlowControlService/ListFlowChanges": OWN,
  "FlowControlService/ListFlowStates": OWN,
  "PipelineService/PutPipeline": OWN,
  "PipelineService/GetPipeline": OWN,
  "PipelineService/ListPipelines": OWN,
  "PipelineService/RunPipeline": OWN,
  "ScheduleService/CreateSchedule": OWN,
  "ScheduleService/GetSchedule": OWN,
  "ScheduleService/ListSchedules": OWN,
  "ScheduleService/UpdateSchedule": OWN,
  "ScheduleService/DeleteSchedule": OWN,
  "ScheduleService/PauseSchedule": OWN,
  "ScheduleService/ResumeSchedule": OWN,
  "ScheduleService/TriggerSchedule": OWN,
  "ScheduleService/PreviewSchedule": OWN,
  "ScheduleService/ListFirings": OWN,
  "WatermarkService/PutWindowSeries": OWN,
  "WatermarkService/GetWatermark": OWN,
  "WatermarkService/ListWatermarks": OWN,
  "WatermarkService/ListGaps": OWN,
  "BackfillService/PreviewBackfill": OWN,
  "BackfillService/CreateBackfill": OWN,
  "BackfillService/GetBackfill": none("BACKFILL_NOT_FOUND"),
  "BackfillService/ListBackfills": OWN,
  "BackfillService/ListBackfillWindows": none("BACKFILL_NOT_FOUND"),
  "BackfillService/PauseBackfill": none("BACKFILL_NOT_FOUND"),
  "BackfillService/ResumeBackfill": none("BACKFILL_NOT_FOUND"),
  "BackfillService/CancelBackfill": none("BACKFILL_NOT_FOUND"),
  // What names their run does not find it; what names their jobs is an operation of its own.
  "OperationService/StartOperation": { code: expect.stringMatching(/^(ok|not_found)$/) },
  "OperationService/GetOperation": none("OPERATION_NOT_FOUND"),
  "OperationService/ListOperations": OWN,
  "OperationService/ListOperationResults": none("OPERATION_NOT_FOUND"),
  "OperationService/StopOperation": none("OPERATION_NOT_FOUND"),
  "DeadLetterService/ListDeadLetters": empty({}),
  "DeadLetterService/GroupDeadLetters": empty({}),
  "DeadLetterService/GetDeadLetter": none("DEAD_LETTER_NOT_FOUND"),
  "FleetService/ListTaskRunners": OWN,
  "FleetService/TakeOut": OWN,
  "FleetService/PutBack": none("TAKE_OUT_NOT_FOUND"),
  "FleetService/ListTakeOuts": OWN,
  "HistoryService/ListActions": OWN,
};

it("knows what is nobody else's business", async () => {
  const request = [{ runId: theirs.runId }];
  const answer = await call("RunService/GetRun", request, theirs);
  expect(told(request, answer)).not.toEqual([]);
});

it("has an answer for each RPC of the contract", () => {
  expect(Object.keys(ANSWERS).sort()).toEqual(METHODS.map(nameOf).sort());
});

describe("what another tenant has", () => {
  it.each(METHODS.map((method) => [nameOf(method), method] as const))(
    "is none of the business of %s",
    async (rpc, method: DescMethod) => {
      const first = goodRequests(theirs)[nameOf(method)] ?? [];
      const others = otherRequests(theirs)[nameOf(method)] ?? [];
      for (const request of [first, ...others.map((message) => [message])]) {
        const answer = await call(rpc, request);
        expect(answer, JSON.stringify(request)).toMatchObject(ANSWERS[rpc] ?? {});
        expect(told(request, answer)).toEqual([]);
        expect(await ledgerHash(stage.owner, theirs.tenant)).toEqual(hash);
      }
      // Its own schedule is gone.
      if (rpc === "ScheduleService/DeleteSchedule") own = await setScene(clients);
    },
  );

  it("is unknown to a job of its own run that would wait for it", async () => {
    const dependsOn = [{ name: "then" }];
    const jobs = [{ name: "new", spec: { jobType: "bad.row" }, dependsOn }];
    const answer = await call("RunService/AppendJobs", [{ runId: own.openRun, jobs }]);
    expect(answer).toMatchObject({ reason: "GRAPH_UNKNOWN_JOB" });
  });

  it("does not let it fan out with their lease", async () => {
    const jobs = [{ name: "new", spec: { jobType: "bad.row" } }];
    const request = { runId: own.runId, jobs, fanOut: theirs.runLease };
    const answer = await call("RunService/AppendJobs", [request]);
    expect(answer).toMatchObject({ reason: "STALE_LEASE" });
  });

  it.each([
    ["retry", {}],
    ["cancel", {}],
    ["discard", {}],
    ["reprioritise", { priority: 3 }],
    ["move", { queue: "other" }],
    ["extendDeadline", { deadline: "60s" }],
  ])("is not found by an operation to %s it", async (action, value) => {
    const jobIds = [theirs.readyJob, theirs.deadJob, theirs.runningLease.jobId];
    const operationId = randomUUID();
    const request = { requestId: operationId, jobs: { jobIds }, [action]: value, reason: "r" };
    expect(await call("OperationService/StartOperation", [request])).toMatchObject(OWN);
    const done = await ended(clients, own.tenant, operationId);
    expect(done).toMatchObject({ applied: 0n, unchanged: 0n, refused: 3n });
    const { results } = await clients.operations.listOperationResults(
      { operationId },
      as(own.tenant),
    );
    expect(new Set(results.map(({ reason }) => reason))).toEqual(new Set(["JOB_NOT_FOUND"]));
    expect(await ledgerHash(stage.owner, theirs.tenant)).toEqual(hash);
  });

  it.each([
    ["RunService/CreateRun", () => ({ runId: theirs.runId, jobs: [job("only")] })],
    ["RunService/ReplayRun", () => ({ runId: own.finishedRun, requestId: theirs.finishedRun })],
    ["PipelineService/RunPipeline", () => ({ name: "nightly", runId: theirs.openRun })],
    ["RunService/CancelRun", () => ({ runId: own.openRun, requestId: theirs.operationId })],
    [
      "OperationService/StartOperation",
      () => ({
        requestId: theirs.backfillId,
        jobs: { jobIds: [own.readyJob] },
        reprioritise: { priority: 1 },
      }),
    ],
    [
      "BackfillService/CreateBackfill",
      () => ({
        requestId: theirs.backfillId,
        spec: { ...osv, startTime: hour(0), endTime: hour(1), job: { jobType: "bad.row" } },
        reason: "r",
      }),
    ],
    [
      "FleetService/TakeOut",
      () => ({ requestId: theirs.takeOutId, selector: { host: "h" }, reason: "r" }),
    ],
  ])("leaves the id of it free for %s", async (rpc, request: () => JsonObject) => {
    const answer = await call(rpc, [request()]);
    expect(answer).toMatchObject(OWN);
    // False, and left out of JSON.
    expect(answer.messages[0]).not.toHaveProperty("alreadyExisted");
    expect(await ledgerHash(stage.owner, theirs.tenant)).toEqual(hash);
  });
});

const osv = { source: "osv", scope: "npm" };
const job = (name: string): JsonObject => ({ name, spec: { jobType: "bad.row" } });
