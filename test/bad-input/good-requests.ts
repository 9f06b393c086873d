import { randomUUID } from "node:crypto";
import type { JsonObject } from "@bufbuild/protobuf";
import { v7 } from "uuid";
import { flowRequests } from "./flow-requests.ts";
import { otherPlansRequests, plansRequests, type RequestParts } from "./plan-requests.ts";
import { hour } from "./plan-scene.ts";
import { digestOf, type Scene } from "./scene.ts";

const bytes = (text: string): string => Buffer.from(text).toString("base64");

/** A job with every field set that a plan does not decide, so that each can be spoiled. */
const template: JsonObject = {
  jobType: "bad.full",
  queue: "quiet",
  project: "p",
  source: "osv",
  priority: 1,
  payload: bytes("{}"),
  payloadMediaType: "application/json",
  labels: { k: "v" },
  retry: {
    maxAttempts: 2,
    initialBackoff: "1s",
    multiplier: 2,
    maxBackoff: "2s",
    maxElapsed: "60s",
  },
  attemptDeadline: "60s",
  correlationId: "c",
  traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  tracestate: "a=b",
  concurrencyKey: "k",
};

/** A job with every field set. */
const fullSpec = (): JsonObject => ({
  ...template,
  jobId: v7(),
  idempotencyKey: randomUUID(),
  notBefore: "2030-01-01T00:00:00Z",
  window: { scope: "npm", startTime: hour(1), endTime: hour(2) },
});

/** Narrows jobs by everything that there is. */
const filterOf = (runId: string): JsonObject => ({
  states: ["JOB_STATE_READY"],
  jobTypes: ["bad.ready"],
  queue: "default",
  project: "p",
  source: "s",
  runId,
  labels: { k: "v" },
  createdFrom: "2020-01-01T00:00:00Z",
  createdBefore: "2030-01-01T00:00:00Z",
  workerId: "w",
});

const partsFor = ({ runId }: Scene): RequestParts => ({
  spec: fullSpec(),
  template,
  filter: filterOf(runId),
});

/**
 * A good request for every RPC, in proto JSON, as the messages of one call. What a test spoils is
 * wrong in that alone. An RPC that is not in here fails the test.
 */
export const goodRequests = (scene: Scene): Readonly<Record<string, readonly JsonObject[]>> => {
  const { runningLease: lease, readyJob, runId, digest } = scene;
  const completionId = randomUUID();
  const failure = { failureClass: "FAILURE_CLASS_USER", message: "no", retryAfter: "1s" };
  const pool = { name: "p", jobTypes: ["bad.none"], queues: ["default"], slots: 1 };
  const hello = {
    workerId: "w-1",
    instanceId: randomUUID(),
    pools: [pool],
    heldLeases: [lease],
    maxPayloadBytes: 1000,
    sdk: "test",
    labels: { k: "v" },
    host: "h",
  };
  const uploaded = Buffer.from(randomUUID());
  return {
    "TaskRunnerService/Session": [
      { hello },
      { credit: { pools: [{ pool: "p", slots: 2 }] } },
      { heartbeat: { leases: [lease] } },
      { throttle: { resourceKey: "osv.dev", retryAfter: "1s", remaining: "1" } },
      { drain: { reason: "done" } },
    ],
    "TaskRunnerService/ClaimJobs": [
      {
        claimRequestId: randomUUID(),
        workerId: "w",
        jobTypes: ["bad.none"],
        queues: ["default"],
        maxJobs: 1,
        wait: "0s",
        maxPayloadBytes: 1000,
      },
    ],
    "TaskRunnerService/RenewLeases": [{ leases: [lease] }],
    "TaskRunnerService/ReportProgress": [
      { reports: [{ lease, progress: { fraction: 0.5, message: "half", checkpoint: "AA==" } }] },
    ],
    "TaskRunnerService/CompleteAttempts": [
      {
        completions: [{ lease, completionId, result: "AA==", artifacts: [{ name: "a", digest }] }],
      },
    ],
    "TaskRunnerService/FailAttempts": [{ failures: [{ lease, completionId, failure }] }],
    "TaskRunnerService/ReleaseLeases": [
      { releases: [{ lease, reason: "RELEASE_REASON_DRAINED" }] },
    ],
    "TaskRunnerService/CheckLease": [{ lease }],
    "TaskRunnerService/GetLeasePolicy": [{ jobType: "bad.ready" }],
    "JobService/EnqueueJobs": [{ jobs: [fullSpec()] }],
    "JobService/GetJob": [{ jobId: readyJob }],
    "JobService/ListJobs": [{ filter: filterOf(runId), pageSize: 10 }],
    "JobService/ListJobEvents": [{ jobId: readyJob, pageSize: 10 }],
    "JobService/WatchJobs": [{ jobs: { jobIds: [scene.succeededJob] } }],
    "JobService/CancelJobs": [{ jobIds: [lease.jobId], reason: "r", ticket: "T-1", grace: "1s" }],
    "JobService/RetryJobs": [{ jobIds: [readyJob], reason: "r", ticket: "T-1" }],
    "JobService/ExplainJob": [{ jobId: readyJob }],
    "JobService/GetRetentionPolicy": [{}],
    "RunService/CreateRun": [
      {
        runId: v7(),
        displayName: "d",
        project: "p",
        correlationId: "c",
        jobs: [
          { name: "a", spec: fullSpec() },
          {
            name: "b",
            spec: { jobType: "bad.full" },
            dependsOn: [{ name: "a", onFailure: "ON_FAILURE_HOLD" }],
          },
        ],
      },
    ],
    "ArtifactService/FindMissingArtifacts": [{ digests: [digest] }],
    "ArtifactService/UploadArtifact": [
      {
        header: {
          uploadId: randomUUID(),
          digest: digestOf(uploaded),
          sizeBytes: String(uploaded.length),
          mediaType: "text/plain",
          writeOffset: "0",
        },
      },
      { chunk: uploaded.toString("base64") },
    ],
    "ArtifactService/QueryUpload": [{ uploadId: randomUUID(), digest }],
    "ArtifactService/DownloadArtifact": [{ digest, offset: "1" }],
    ...flowRequests(),
    ...plansRequests(scene, partsFor(scene)),
  };
};

/**
 * Further good requests of RPCs whose messages have choices: each is a call of one message. They
 * are spoiled like the first one.
 */
export const otherRequests = (scene: Scene): Readonly<Record<string, readonly JsonObject[]>> => ({
  "JobService/WatchJobs": [{ runId: scene.finishedRun }],
  ...otherPlansRequests(scene, partsFor(scene)),
});
