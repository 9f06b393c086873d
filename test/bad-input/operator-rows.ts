import { randomUUID } from "node:crypto";
import { v7 } from "uuid";
import { badToken, fails, invalid, type Row, row } from "./row.ts";

const start = row("OperationService/StartOperation");
const getOperation = row("OperationService/GetOperation");
const listOperations = row("OperationService/ListOperations");
const results = row("OperationService/ListOperationResults");
const stop = row("OperationService/StopOperation");
const operationNotFound = fails("not_found", "OPERATION_NOT_FOUND");
const unknownOperation = () => ({ operationId: randomUUID() });

const OPERATIONS: readonly Row[] = [
  start("neither target nor action", () => ({}), invalid("target", "action")),
  start("no reason to discard", () => ({ deadLetters: {}, discard: {} }), {
    code: "invalid_argument",
    reason: "REASON_REQUIRED",
    violations: ["reason"],
  }),
  start(
    "an unknown run",
    () => ({ matching: { runId: randomUUID() }, cancel: {} }),
    fails("not_found", "RUN_NOT_FOUND"),
  ),
  start(
    "the id of another one",
    ({ operationId, readyJob }) => ({
      requestId: operationId,
      jobs: { jobIds: [readyJob] },
      cancel: {},
    }),
    fails("already_exists", "REQUEST_ID_CONFLICT"),
  ),
  start("no jobs", () => ({ jobs: {}, cancel: {} }), invalid("jobs.job_ids")),
  start(
    "a queue that is none",
    () => ({ matching: {}, move: { queue: "A b" } }),
    invalid("move.queue"),
  ),
  start(
    "a priority too high",
    () => ({ matching: {}, reprioritise: { priority: 11 } }),
    invalid("reprioritise.priority"),
  ),
  start(
    "no time at all",
    () => ({ matching: {}, extendDeadline: { deadline: "0s" } }),
    invalid("extend_deadline.deadline"),
  ),
  start(
    "a reason with U+0000",
    () => ({ matching: {}, cancel: {}, reason: "a\0b" }),
    fails("invalid_argument", "TEXT_INVALID"),
  ),
  start(
    "a failure class of 0",
    () => ({ deadLetters: { failureClasses: [0] }, retry: {} }),
    invalid("dead_letters.failure_classes[0]"),
  ),
  getOperation("an unknown id", unknownOperation, operationNotFound),
  listOperations("a token of nobody", () => ({ pageToken: "made-up" }), badToken),
  results("an unknown id", unknownOperation, operationNotFound),
  results(
    "an unknown outcome",
    ({ operationId }) => ({ operationId, outcome: 99 }),
    invalid("outcome"),
  ),
  results(
    "a token of nobody",
    ({ operationId }) => ({ operationId, pageToken: "made-up" }),
    badToken,
  ),
  stop("an unknown id", unknownOperation, operationNotFound),
];

const listLetters = row("DeadLetterService/ListDeadLetters");
const group = row("DeadLetterService/GroupDeadLetters");
const getLetter = row("DeadLetterService/GetDeadLetter");
const listRunners = row("FleetService/ListTaskRunners");
const takeOut = row("FleetService/TakeOut");
const putBack = row("FleetService/PutBack");
const listActions = row("HistoryService/ListActions");

const OPERATORS: readonly Row[] = [
  listLetters("a token of nobody", () => ({ pageToken: "made-up" }), badToken),
  listLetters("a run that is none", () => ({ filter: { runId: "x" } }), invalid("filter.run_id")),
  group(
    "a failure class of 0",
    () => ({ filter: { failureClasses: [0] } }),
    invalid("filter.failure_classes[0]"),
  ),
  getLetter(
    "a job that is not dead",
    ({ readyJob }) => ({ jobId: readyJob, includePayload: true }),
    fails("not_found", "DEAD_LETTER_NOT_FOUND"),
  ),
  listRunners("an empty selector", () => ({ selector: {} }), invalid("selector")),
  listRunners("a token of nobody", () => ({ pageToken: "made-up" }), badToken),
  takeOut("neither selector nor reason", () => ({}), invalid("selector", "reason")),
  takeOut("a selector of nobody", () => ({ selector: {}, reason: "r" }), invalid("selector")),
  takeOut(
    "the id of another one",
    ({ takeOutId }) => ({ requestId: takeOutId, selector: { host: "h" }, reason: "r" }),
    fails("already_exists", "REQUEST_ID_CONFLICT"),
  ),
  putBack(
    "an unknown id",
    () => ({ takeOutId: randomUUID() }),
    fails("not_found", "TAKE_OUT_NOT_FOUND"),
  ),
  listActions("a token of nobody", () => ({ pageToken: "made-up" }), badToken),
  listActions("a name of no kind", () => ({ targetName: "yearly" }), invalid("target_kind")),
];

const append = row("RunService/AppendJobs");
const close = row("RunService/CloseRun");
const cancel = row("RunService/CancelRun");
const replay = row("RunService/ReplayRun");
const listRuns = row("RunService/ListRuns");
const graph = row("RunService/GetRunGraph");
const timeline = row("RunService/GetRunTimeline");
const path = row("RunService/GetCriticalPath");
const runNotFound = fails("not_found", "RUN_NOT_FOUND");
const unknownRun = () => ({ runId: v7() });
const jobs = [{ name: "new", spec: { jobType: "bad.row" } }];

const RUNS: readonly Row[] = [
  append("no job", ({ openRun: runId }) => ({ runId }), invalid("jobs")),
  append("an unknown run", () => ({ runId: v7(), jobs }), runNotFound),
  append(
    "a run that is closed",
    ({ runId }) => ({ runId, jobs }),
    fails("failed_precondition", "RUN_CLOSED"),
  ),
  append(
    "a lease of nobody",
    ({ runId, runLease }) => ({ runId, jobs, fanOut: { ...runLease, leaseToken: "guessed" } }),
    fails("failed_precondition", "STALE_LEASE"),
  ),
  append(
    "the lease of a job of no run",
    ({ runId, runningLease }) => ({ runId, jobs, fanOut: runningLease }),
    fails("failed_precondition", "JOB_NOT_IN_RUN"),
  ),
  append(
    "a name with other content",
    ({ openRun: runId }) => ({ runId, jobs: [{ ...jobs[0], name: "first" }] }),
    fails("already_exists", "JOB_NAME_CONFLICT"),
  ),
  append(
    "a job of another run",
    ({ openRun: runId }) => ({ runId, jobs: [{ ...jobs[0], dependsOn: [{ name: "then" }] }] }),
    {
      code: "invalid_argument",
      reason: "GRAPH_UNKNOWN_JOB",
      violations: ["jobs[0].depends_on[0].name"],
    },
  ),
  close("an unknown run", unknownRun, runNotFound),
  cancel("an unknown run", unknownRun, runNotFound),
  cancel(
    "the id of another operation",
    ({ runId, operationId: requestId }) => ({ runId, requestId }),
    fails("already_exists", "REQUEST_ID_CONFLICT"),
  ),
  cancel("a grace too long", ({ runId }) => ({ runId, grace: "3601s" }), invalid("grace")),
  replay("an unknown run", unknownRun, runNotFound),
  replay(
    "a run that goes on",
    ({ runId }) => ({ runId }),
    fails("failed_precondition", "RUN_ACTIVE"),
  ),
  replay(
    "a name that it does not have",
    ({ finishedRun: runId }) => ({ runId, jobNames: ["none"] }),
    fails("not_found", "JOB_NOT_FOUND"),
  ),
  replay(
    "the id of another run",
    ({ finishedRun: runId, openRun: requestId }) => ({ runId, requestId }),
    fails("already_exists", "REQUEST_ID_CONFLICT"),
  ),
  listRuns("a token of nobody", () => ({ pageToken: "made-up" }), badToken),
  graph("an unknown run", unknownRun, runNotFound),
  graph("a token of nobody", ({ runId }) => ({ runId, pageToken: "made-up" }), badToken),
  timeline("an unknown run", unknownRun, runNotFound),
  timeline("a token of nobody", ({ runId }) => ({ runId, pageToken: "made-up" }), badToken),
  path("an unknown run", unknownRun, runNotFound),
];

/** Bad requests of live runs, and of the services for operators. */
export const operatorRows: readonly Row[] = [...RUNS, ...OPERATIONS, ...OPERATORS];
