// A producer as a process of its own: node producer.ts '{"url": …, "seed": …}'. It does what the
// plan of its seed says from the first line on its standard input on, writes down what it is about
// to ask for and what it was answered, begins nothing more after a second line, and ends when all
// was answered. "ready" on its standard output says that it can begin.
import { Orchestrator, OrchestratorError } from "@stellaops/orchestrator";
import type { Ack, Intent, Read } from "./history.ts";
import { Journal } from "./journal.ts";
import {
  type Operation,
  type OperationsPlan,
  type PlannedJob,
  planOperations,
  TENANTS,
} from "./operations.ts";

/** What the program is told in its argument. */
export interface ProducerSettings extends OperationsPlan {
  readonly url: string;
  readonly journal: string;
}

/** A line of the producer's journal. */
export type ProducerLine =
  | ({ readonly line: "intent" } & Intent)
  | ({ readonly line: "ack" } & Ack)
  | ({ readonly line: "read" } & Read)
  | { readonly line: "operation"; readonly kind: string; readonly failure?: string };

const settings = JSON.parse(process.argv[2] ?? "") as ProducerSettings;
const journal = new Journal(settings.journal);
const write = (line: ProducerLine) => journal.write(line);
const clients = new Map(
  TENANTS.map((tenant) => [tenant as string, new Orchestrator({ url: settings.url, tenant })]),
);
/** Ids of what was answered, by nonce. */
const known = new Map<string, string>();

const clientOf = (tenant: string): Orchestrator => {
  const client = clients.get(tenant);
  if (client === undefined) throw new RangeError(`no client of ${tenant}`);
  return client;
};

const contentOf = ({ nonce, jobType, workMs, failures, priority }: PlannedJob): string =>
  JSON.stringify([nonce, jobType, workMs, failures, priority]);

function requestOf(tenant: string, job: PlannedJob) {
  const { nonce, jobType, workMs, failures, priority, maxAttempts, idempotencyKey, delayMs } = job;
  const { source, concurrencyKey } = job;
  const intent = { nonce, tenant, jobType, content: contentOf(job) };
  const key = idempotencyKey === undefined ? {} : { idempotencyKey };
  write({ line: "intent", ...intent, ...key });
  return {
    jobType,
    payload: { nonce, tenant, workMs, failures },
    priority,
    labels: { owner: tenant },
    ...key,
    ...(source === undefined ? {} : { source }),
    ...(concurrencyKey === undefined ? {} : { concurrencyKey }),
    ...(maxAttempts === undefined ? {} : { retry: { maxAttempts } }),
    ...(delayMs === undefined ? {} : { notBefore: new Date(Date.now() + delayMs) }),
  };
}

function acknowledge(tenant: string, nonce: string, outcome: Ack["outcome"], jobId = ""): void {
  if (jobId !== "") known.set(nonce, jobId);
  write({ line: "ack", tenant, nonce, outcome, jobId });
}

async function enqueueAll(tenant: string, jobs: readonly PlannedJob[]): Promise<void> {
  const requests = jobs.map((job) => requestOf(tenant, job));
  const results = await clientOf(tenant).enqueueMany(requests);
  results.forEach((result, index) => {
    const { nonce } = jobs[index] as PlannedJob;
    if (result.outcome !== "rejected") {
      acknowledge(tenant, nonce, result.outcome, result.jobId);
    } else if (result.error.reason === "IDEMPOTENCY_CONFLICT") {
      acknowledge(tenant, nonce, "conflict");
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
  write({ line: "read", tenant, what, marks });
}

/** Payloads and results are bytes; what stands in them counts. */
const readable = (_key: string, value: unknown): unknown => {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("utf8");
  return typeof value === "bigint" ? value.toString() : value;
};

async function perform(operation: Operation): Promise<void> {
  const { tenant } = operation;
  const client = clientOf(tenant);
  switch (operation.kind) {
    case "enqueue":
    case "repeat":
    case "conflict":
      return await enqueueAll(tenant, [operation.job]);
    case "batch":
      return await enqueueAll(tenant, operation.jobs);
    case "run": {
      const { steps } = operation;
      const jobs = steps.map((step) => {
        const { name, dependsOn } = step;
        return { ...requestOf(tenant, step), name, dependsOn };
      });
      const { jobIds } = await client.createRun({ displayName: tenant, jobs });
      for (const { name, nonce } of steps) acknowledge(tenant, nonce, "created", jobIds[name]);
      return;
    }
    case "list":
      return await look(tenant, "listJobs", firstPage(client));
    default: {
      const jobId = known.get(operation.nonce);
      if (jobId !== undefined) await performOn(operation, jobId);
    }
  }
}

async function performOn({ tenant, kind }: Operation, jobId: string): Promise<void> {
  const client = clientOf(tenant);
  if (kind === "cancel") await client.cancelJobs([jobId], { reason: "chaos", graceMs: 1_000 });
  else if (kind === "replay") await client.retryJobs([jobId], { reason: "chaos" });
  else if (kind === "read") await look(tenant, "getJob", client.getJob(jobId));
  else {
    const other = TENANTS[(TENANTS.indexOf(tenant as (typeof TENANTS)[number]) + 1) % 3] ?? tenant;
    const foreign = clientOf(other);
    await look(other, "getJob of another tenant's", foreign.getJob(jobId));
    await look(other, "cancelJobs of another tenant's", foreign.cancelJobs([jobId]));
  }
}

async function firstPage(client: Orchestrator): Promise<unknown[]> {
  const jobs: unknown[] = [];
  for await (const job of client.listJobs()) if (jobs.push(job) === 50) break;
  return jobs;
}

const begin = Promise.withResolvers<void>();
let isOver = false;
process.stdin.on("end", () => process.exit(1)).on("error", () => process.exit(1));
process.stdin.on("data", (text) => {
  if (text.includes("begin")) begin.resolve();
  if (text.includes("finish")) isOver = true;
});
process.stdout.write("ready\n");
await begin.promise;

const startedMs = performance.now();
const pending = new Set<Promise<void>>();
for (const operation of planOperations(settings)) {
  const earlyMs = operation.atMs - (performance.now() - startedMs);
  if (earlyMs > 0) await new Promise((resolve) => setTimeout(resolve, earlyMs));
  if (isOver) break;
  const done = perform(operation).then(
    () => write({ line: "operation", kind: operation.kind }),
    (error: unknown) => {
      // Whether it took effect is not known; the checker takes both for right.
      if (!(error instanceof OrchestratorError)) throw error;
      const failure = `${error.code} ${error.reason ?? ""}`.trim();
      write({ line: "operation", kind: operation.kind, failure });
    },
  );
  pending.add(done);
  void done.finally(() => pending.delete(done));
}
await Promise.all(pending);
process.exit(0);
