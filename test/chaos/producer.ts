// A producer as a process of its own: node producer.ts '{"url": …, "seed": …}'. It does what the
// plan of its seed says from the first line on its standard input on, writes down what it is about
// to ask for and what it was answered, begins nothing more after a second line, and ends when all
// was answered. "ready" on its standard output says that it can begin.
import { ConnectError } from "@connectrpc/connect";
import { type Orchestrator, OrchestratorError } from "@stellaops/orchestrator";
import { type Operation, type OperationsPlan, planOperations } from "./operations.ts";
import { type PlannedJob, TENANTS } from "./planned-jobs.ts";
import { Producing, type ProducingSettings } from "./producing.ts";
import { OperatorProducer } from "./producing-operator.ts";
import { RunProducer } from "./producing-runs.ts";
import { TimeProducer } from "./producing-time.ts";

/** What the program is told in its argument. */
export type ProducerSettings = OperationsPlan & ProducingSettings;

const settings = JSON.parse(process.argv[2] ?? "") as ProducerSettings;
const producing = new Producing(settings);
const runs = new RunProducer(producing);
const time = new TimeProducer(producing);
const operator = new OperatorProducer(producing);

async function enqueueAll(tenant: string, jobs: readonly PlannedJob[]): Promise<void> {
  const requests = jobs.map((job) => producing.requestOf(tenant, job));
  const results = await producing.clientOf(tenant).enqueueMany(requests);
  results.forEach((result, index) => {
    const { nonce } = jobs[index] as PlannedJob;
    if (result.outcome !== "rejected") {
      producing.acknowledge(tenant, nonce, result.outcome, result.jobId);
    } else if (result.error.reason === "IDEMPOTENCY_CONFLICT") {
      producing.acknowledge(tenant, nonce, "conflict");
    } else {
      throw result.error;
    }
  });
}

async function look(tenant: string, what: string, call: Promise<unknown>): Promise<void> {
  const answer = await call.catch((error: unknown) => {
    if (!(error instanceof OrchestratorError)) throw error;
    return { message: error.message, reason: error.reason, metadata: error.metadata };
  });
  const text = JSON.stringify(answer, readable);
  const marks = TENANTS.filter((mark) => text.includes(mark));
  producing.write({ line: "read", tenant, what, marks });
}

/** Payloads and results are bytes; what stands in them counts. */
const readable = (_key: string, value: unknown): unknown => {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("utf8");
  return typeof value === "bigint" ? value.toString() : value;
};

async function perform(operation: Operation): Promise<void> {
  const { tenant } = operation;
  const client = producing.clientOf(tenant);
  switch (operation.kind) {
    case "enqueue":
    case "repeat":
    case "conflict":
      return await enqueueAll(tenant, [operation.job]);
    case "batch":
      return await enqueueAll(tenant, operation.jobs);
    case "windows":
      return await enqueueAll(tenant, operation.jobs);
    case "cull": {
      await enqueueAll(tenant, operation.jobs);
      await producing.rest(operation.afterMs);
      return await operator.bulk(tenant, { action: "cancel", herd: operation.herd }, 0);
    }
    case "bulk":
    case "take out":
      return await operator.perform(tenant, operation);
    case "run":
      return void (await runs.create(tenant, operation.run, operation.steps, false));
    case "live run":
    case "cancel run":
    case "replay run":
      return await runs.perform(tenant, operation);
    case "list":
      return await look(tenant, "listJobs", firstPage(client));
    case "cancel":
    case "replay":
    case "read":
    case "foreign": {
      const jobId = producing.known.get(operation.nonce);
      return jobId === undefined ? undefined : await performOn(operation, jobId);
    }
    default:
      return await time.perform(tenant, operation);
  }
}

async function performOn({ tenant, kind }: Operation, jobId: string): Promise<void> {
  const client = producing.clientOf(tenant);
  if (kind === "cancel") await client.cancelJobs([jobId], { reason: "chaos", graceMs: 1_000 });
  else if (kind === "replay") await client.retryJobs([jobId], { reason: "chaos" });
  else if (kind === "read") await look(tenant, "getJob", client.getJob(jobId));
  else {
    const other = TENANTS[(TENANTS.indexOf(tenant as (typeof TENANTS)[number]) + 1) % 3] ?? tenant;
    const foreign = producing.clientOf(other);
    await look(other, "getJob of another tenant's", foreign.getJob(jobId));
    await look(other, "cancelJobs of another tenant's", foreign.cancelJobs([jobId]));
  }
}

async function firstPage(client: Orchestrator): Promise<unknown[]> {
  const jobs: unknown[] = [];
  for await (const job of client.listJobs()) if (jobs.push(job) === 50) break;
  return jobs;
}

/** Whether an operation that failed took effect is not known: the checker takes both for right. */
function failureOf(error: unknown): string {
  if (error instanceof OrchestratorError) return `${error.code} ${error.reason ?? ""}`.trim();
  if (error instanceof ConnectError) return error.message;
  throw error;
}

const begin = Promise.withResolvers<void>();
process.stdin.on("end", () => process.exit(1)).on("error", () => process.exit(1));
process.stdin.on("data", (text) => {
  if (text.includes("begin")) begin.resolve();
  if (text.includes("finish")) producing.finish();
});
process.stdout.write("ready\n");
await begin.promise;

const startedMs = performance.now();
const pending = new Set<Promise<void>>();
for (const operation of planOperations(settings)) {
  const earlyMs = operation.atMs - (performance.now() - startedMs);
  if (earlyMs > 0) await producing.rest(earlyMs);
  if (producing.isOver) break;
  const { kind } = operation;
  const done = perform(operation).then(
    () => producing.write({ line: "operation", kind }),
    (error: unknown) => producing.write({ line: "operation", kind, failure: failureOf(error) }),
  );
  pending.add(done);
  void done.finally(() => pending.delete(done));
}
await producing.over;
await Promise.all(pending);
await Promise.all([time.settle(), operator.settle()]);
process.exit(0);
