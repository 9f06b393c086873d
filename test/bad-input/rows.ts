import { randomUUID } from "node:crypto";
import type { JsonObject } from "@bufbuild/protobuf";
import { v7 } from "uuid";
import { flowRows } from "./flow-rows.ts";
import { operatorRows } from "./operator-rows.ts";
import { planRows } from "./plan-rows.ts";
import { badToken, fails, invalid, type Row, rejected, row, says } from "./row.ts";
import { digestOf, type Scene } from "./scene.ts";

const NOBODY = "0190c0de-0000-7000-8000-000000000000";
const NOTHING = `sha256:${"0".repeat(64)}`;
const uuid = () => randomUUID();
const many = <T>(count: number, one: T): T[] => Array.from({ length: count }, () => one);
const unknown = (scene: Scene) => ({ ...scene.runningLease, jobId: NOBODY });
const large = () => Buffer.alloc(262_145).toString("base64");

const session = row("TaskRunnerService/Session");
const claim = row("TaskRunnerService/ClaimJobs");
const renew = row("TaskRunnerService/RenewLeases");
const progress = row("TaskRunnerService/ReportProgress");
const complete = row("TaskRunnerService/CompleteAttempts");
const fail = row("TaskRunnerService/FailAttempts");
const release = row("TaskRunnerService/ReleaseLeases");
const checkLease = row("TaskRunnerService/CheckLease");
const policy = row("TaskRunnerService/GetLeasePolicy");

const claimOf = (over: JsonObject) => ({
  claimRequestId: uuid(),
  workerId: "w",
  jobTypes: ["bad.none"],
  ...over,
});
const report = { fraction: 0.5 };
const failure = { failureClass: "FAILURE_CLASS_USER" };
const completionOf = (lease: JsonObject, over: JsonObject = {}) => ({
  completions: [{ lease, completionId: uuid(), ...over }],
});
const stale = says({ verdict: "WRITE_VERDICT_STALE_LEASE" });

const TASK_RUNNER: readonly Row[] = [
  session("no Hello first", () => ({ ping: {} }), fails("failed_precondition", "HELLO_REQUIRED")),
  session("an empty frame", () => ({}), invalid("frame")),
  session(
    "a Hello without pools",
    () => ({ hello: { workerId: "w", instanceId: uuid() } }),
    invalid("hello.pools"),
  ),
  claim("no job type", () => claimOf({ jobTypes: [] }), invalid("job_types")),
  claim("a job type twice", () => claimOf({ jobTypes: ["a.b", "a.b"] }), invalid("job_types")),
  claim("too many jobs", () => claimOf({ maxJobs: 1_001 }), invalid("max_jobs")),
  claim("an id that is none", () => claimOf({ claimRequestId: "x" }), invalid("claim_request_id")),
  renew("no lease", () => ({}), invalid("leases")),
  renew(
    "an unknown job",
    (scene) => ({ leases: [unknown(scene)] }),
    says({ verdict: "LEASE_VERDICT_UNKNOWN" }),
  ),
  renew(
    "a lease that ended",
    (scene) => ({ leases: [scene.endedLease] }),
    says({ verdict: "LEASE_VERDICT_SUPERSEDED" }),
  ),
  progress("no lease", () => ({ reports: [{ progress: report }] }), invalid("reports[0].lease")),
  progress(
    "a lease that ended",
    (scene) => ({ reports: [{ lease: scene.endedLease, progress: report }] }),
    stale,
  ),
  complete("a lease that ended", (scene) => completionOf(scene.endedLease), stale),
  complete("an unknown job", (scene) => completionOf(unknown(scene)), stale),
  complete(
    "a wrong token",
    (scene) => completionOf({ ...scene.runningLease, leaseToken: "guessed" }),
    stale,
  ),
  complete(
    "an artifact that is not there",
    ({ runningLease }) =>
      completionOf(runningLease, { artifacts: [{ name: "a", digest: NOTHING }] }),
    rejected("ARTIFACT_NOT_FOUND"),
  ),
  complete(
    "a result that is too large",
    ({ runningLease }) => completionOf(runningLease, { result: large() }),
    rejected("RESULT_TOO_LARGE"),
  ),
  fail(
    "a lease that ended",
    ({ endedLease: lease }) => ({ failures: [{ lease, completionId: uuid(), failure }] }),
    stale,
  ),
  fail(
    "no failure",
    ({ runningLease: lease }) => ({ failures: [{ lease, completionId: uuid() }] }),
    invalid("failures[0].failure"),
  ),
  release("a lease that ended", ({ endedLease: lease }) => ({ releases: [{ lease }] }), stale),
  release(
    "an unknown reason",
    ({ runningLease: lease }) => ({ releases: [{ lease, reason: 99 }] }),
    invalid("releases[0].reason"),
  ),
  checkLease("no lease", () => ({}), invalid("lease")),
  checkLease(
    "an unknown job",
    (scene) => ({ lease: unknown(scene) }),
    fails("not_found", "JOB_NOT_FOUND"),
  ),
  policy("a job type too long", () => ({ jobType: "x".repeat(129) }), invalid("job_type")),
];

const enqueue = row("JobService/EnqueueJobs");
const getJob = row("JobService/GetJob");
const listJobs = row("JobService/ListJobs");
const listEvents = row("JobService/ListJobEvents");
const watch = row("JobService/WatchJobs");
const cancel = row("JobService/CancelJobs");
const retry = row("JobService/RetryJobs");
const explain = row("JobService/ExplainJob");

const spec = (over: JsonObject = {}) => ({ jobs: [{ jobType: "bad.row", ...over }] });
const jobNotFound = fails("not_found", "JOB_NOT_FOUND");

const JOBS: readonly Row[] = [
  enqueue("no job", () => ({}), invalid("jobs")),
  enqueue("too many jobs", () => ({ jobs: many(1_001, { jobType: "a.b" }) }), invalid("jobs")),
  enqueue("a job type that is none", () => spec({ jobType: "A B" }), invalid("jobs[0].job_type")),
  enqueue("an id of version 4", () => spec({ jobId: uuid() }), invalid("jobs[0].job_id")),
  enqueue("a priority too high", () => spec({ priority: 11 }), invalid("jobs[0].priority")),
  enqueue(
    "a negative retry",
    () => spec({ retry: { multiplier: -1, maxAttempts: -1 } }),
    invalid("jobs[0].retry.max_attempts", "jobs[0].retry.multiplier"),
  ),
  enqueue(
    "a label with U+0000",
    () => spec({ labels: { a: "\0" } }),
    fails("invalid_argument", "TEXT_INVALID"),
  ),
  enqueue("a payload too large", () => spec({ payload: large() }), rejected("PAYLOAD_TOO_LARGE")),
  enqueue(
    "a payload that is not there",
    () => spec({ payloadArtifact: NOTHING }),
    rejected("PAYLOAD_ARTIFACT_NOT_FOUND"),
  ),
  enqueue(
    "a key with other content",
    () => spec({ idempotencyKey: "taken" }),
    rejected("IDEMPOTENCY_CONFLICT"),
  ),
  enqueue(
    "an id with other content",
    ({ readyJob }) => spec({ jobId: readyJob, source: "other" }),
    rejected("JOB_ID_CONFLICT"),
  ),
  enqueue("a queue that is full", () => spec({ queue: "full" }), rejected("QUEUE_FULL")),
  enqueue(
    "more payload than the day's quota",
    () => spec({ payload: Buffer.alloc(20_000).toString("base64") }),
    rejected("QUOTA_EXCEEDED"),
  ),
  getJob("an unknown id", () => ({ jobId: NOBODY }), jobNotFound),
  getJob("an id that is none", () => ({ jobId: "1" }), invalid("job_id")),
  listJobs("a page too large", () => ({ pageSize: 1_001 }), invalid("page_size")),
  listJobs("a token of nobody", () => ({ pageToken: "made-up" }), badToken),
  listJobs("a state of 0", () => ({ filter: { states: [0] } }), invalid("filter.states[0]")),
  listEvents("an unknown job", () => ({ jobId: NOBODY }), jobNotFound),
  listEvents(
    "a token of nobody",
    ({ readyJob: jobId }) => ({ jobId, pageToken: "made-up" }),
    badToken,
  ),
  watch("nothing to watch", () => ({}), invalid("target")),
  watch("an unknown job", () => ({ jobs: { jobIds: [NOBODY] } }), jobNotFound),
  watch("an unknown run", () => ({ runId: NOBODY }), fails("not_found", "RUN_NOT_FOUND")),
  cancel(
    "an unknown job",
    () => ({ jobIds: [NOBODY] }),
    says({ outcome: "CANCEL_OUTCOME_NOT_FOUND" }),
  ),
  cancel(
    "a job that succeeded",
    ({ succeededJob }) => ({ jobIds: [succeededJob] }),
    says({ outcome: "CANCEL_OUTCOME_ALREADY_FINISHED", state: "JOB_STATE_SUCCEEDED" }),
  ),
  cancel(
    "a grace too long",
    ({ readyJob }) => ({ jobIds: [readyJob], grace: "3601s" }),
    invalid("grace"),
  ),
  retry(
    "an unknown job",
    () => ({ jobIds: [NOBODY] }),
    says({ outcome: "RETRY_OUTCOME_NOT_FOUND" }),
  ),
  retry(
    "a job that was cancelled",
    ({ cancelledJob }) => ({ jobIds: [cancelledJob] }),
    says({ outcome: "RETRY_OUTCOME_NOT_RETRYABLE", state: "JOB_STATE_CANCELLED" }),
  ),
  retry(
    "a job that is ready",
    ({ readyJob }) => ({ jobIds: [readyJob] }),
    says({ outcome: "RETRY_OUTCOME_ALREADY_ACTIVE", state: "JOB_STATE_READY" }),
  ),
  explain("an unknown job", () => ({ jobId: NOBODY }), jobNotFound),
];

const createRun = row("RunService/CreateRun");
const getRun = row("RunService/GetRun");
const step = (name: string, ...dependsOn: string[]): JsonObject => ({
  name,
  spec: { jobType: "bad.row" },
  dependsOn: dependsOn.map((one) => ({ name: one })),
});
const graph = (reason: string, ...violations: string[]): Row["answer"] => ({
  code: "invalid_argument",
  reason,
  violations,
});

const RUNS: readonly Row[] = [
  createRun("no job", () => ({}), invalid("jobs")),
  createRun("a job without a spec", () => ({ jobs: [{ name: "a" }] }), invalid("jobs[0].spec")),
  createRun(
    "a cycle",
    () => ({ jobs: [step("a", "b"), step("b", "a")] }),
    fails("invalid_argument", "GRAPH_CYCLE"),
  ),
  createRun(
    "an unknown job",
    () => ({ jobs: [step("a", "b")] }),
    graph("GRAPH_UNKNOWN_JOB", "jobs[0].depends_on[0].name"),
  ),
  createRun(
    "a name twice",
    () => ({ jobs: [step("a"), step("a")] }),
    graph("GRAPH_DUPLICATE_NAME", "jobs[1].name"),
  ),
  createRun(
    "an edge twice",
    () => ({ jobs: [step("a"), step("b", "a", "a")] }),
    graph("GRAPH_REPEATED_EDGE", "jobs[1].depends_on[1].name"),
  ),
  createRun(
    "an id with other content",
    ({ runId }) => ({ runId, jobs: [step("other")] }),
    fails("already_exists", "RUN_ID_CONFLICT"),
  ),
  createRun(
    "a key with other content",
    () => ({ jobs: [{ name: "a", spec: { jobType: "bad.row", idempotencyKey: "taken" } }] }),
    fails("already_exists", "IDEMPOTENCY_CONFLICT"),
  ),
  createRun(
    "a queue that is full",
    () => ({ jobs: [{ name: "a", spec: { jobType: "bad.row", queue: "full" } }] }),
    fails("resource_exhausted", "QUEUE_FULL"),
  ),
  getRun("an unknown run", () => ({ runId: v7() }), fails("not_found", "RUN_NOT_FOUND")),
  getRun("an id that is none", () => ({ runId: "x" }), invalid("run_id")),
];

const missing = row("ArtifactService/FindMissingArtifacts");
const upload = row("ArtifactService/UploadArtifact");
const query = row("ArtifactService/QueryUpload");
const download = row("ArtifactService/DownloadArtifact");
const chunk = { chunk: Buffer.from("bytes").toString("base64") };
const header = (over: JsonObject = {}): JsonObject => ({
  header: { uploadId: uuid(), digest: digestOf(Buffer.from("bytes")), sizeBytes: "5", ...over },
});

const ARTIFACTS: readonly Row[] = [
  missing("no digest", () => ({}), invalid("digests")),
  missing("a digest that is none", () => ({ digests: ["md5:0"] }), invalid("digests[0]")),
  upload("no header", () => chunk, fails("invalid_argument", "UPLOAD_HEADER_REQUIRED")),
  upload("an empty message", () => ({}), invalid("message")),
  upload(
    "a header twice",
    () => [header(), header()],
    fails("invalid_argument", "UPLOAD_HEADER_REPEATED"),
  ),
  upload(
    "another digest",
    () => [header({ digest: NOTHING }), chunk],
    fails("data_loss", "DIGEST_MISMATCH"),
  ),
  upload(
    "too few bytes",
    () => [header({ sizeBytes: "6" }), chunk],
    fails("invalid_argument", "UPLOAD_INCOMPLETE"),
  ),
  upload(
    "too many bytes",
    () => [header({ sizeBytes: "4" }), chunk],
    fails("invalid_argument", "UPLOAD_TOO_LONG"),
  ),
  upload(
    "an offset that is not committed",
    () => [header({ writeOffset: "3" }), chunk],
    fails("out_of_range", "UPLOAD_OFFSET_MISMATCH"),
  ),
  upload(
    "more bytes than the quota",
    () => [header({ sizeBytes: "20000" })],
    fails("resource_exhausted", "QUOTA_EXCEEDED"),
  ),
  query("ids that are none", () => ({}), invalid("upload_id", "digest")),
  download(
    "an unknown digest",
    () => ({ digest: NOTHING }),
    fails("not_found", "ARTIFACT_NOT_FOUND"),
  ),
  download(
    "an offset beyond the end",
    ({ digest }) => ({ digest, offset: "1000" }),
    fails("out_of_range", "OFFSET_BEYOND_END"),
  ),
];

/** Bad requests of every RPC. One that has none here fails the test. */
export const ROWS: readonly Row[] = [
  ...TASK_RUNNER,
  ...JOBS,
  ...RUNS,
  ...ARTIFACTS,
  ...flowRows,
  ...planRows,
  ...operatorRows,
];
