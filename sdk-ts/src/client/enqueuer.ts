import { contractClocks } from "../contract/lease-policy.ts";
import { limits } from "../contract/limits.ts";
import { OrchestratorError } from "../errors.ts";
import type { EnqueueResult, JobSpec } from "../gen/stellaops/orchestrator/v1/job_pb.ts";
import { callAborted } from "../retry.ts";
import { specBytes } from "./job-spec.ts";

/** The server's answer for a spec, or why there is none. */
export type Enqueued =
  | { readonly kind: "answered"; readonly result: EnqueueResult }
  | { readonly kind: "failed"; readonly error: OrchestratorError };

/** Sends one EnqueueJobs batch, with retries; throws an {@link OrchestratorError}. */
export type SendBatch = (
  specs: readonly JobSpec[],
  signal: AbortSignal | undefined,
) => Promise<readonly EnqueueResult[]>;

/** Room in a message beside the jobs: the request's own framing. */
const headroomBytes = 4096;

/** Splits specs into batches that fit the contract's item and message limits, in order. */
export function* batchesOf(specs: readonly JobSpec[]): Generator<readonly JobSpec[]> {
  let batch: JobSpec[] = [];
  let weight = headroomBytes;
  for (const spec of specs) {
    const bytes = specBytes(spec);
    const isFull = batch.length === limits.enqueueItems;
    if (batch.length > 0 && (isFull || weight + bytes > contractClocks.maxMessageBytes)) {
      yield batch;
      batch = [];
      weight = headroomBytes;
    }
    batch.push(spec);
    weight += bytes;
  }
  if (batch.length > 0) yield batch;
}

/** The indexes of the jobs that a request's violations name, such as `jobs[3].job_type`. */
function namedBy(error: OrchestratorError, count: number): ReadonlySet<number> {
  const named = new Set<number>();
  for (const { field } of error.violations) {
    const index = /^jobs\[(\d+)\]/.exec(field)?.[1];
    if (index !== undefined && Number(index) < count) named.add(Number(index));
  }
  return named;
}

/**
 * Sends a batch so that one bad item never fails its neighbours: when the server refuses the
 * request as a whole (INVALID_ARGUMENT), the items that its violations name go alone and the
 * rest together again; when it names none, every item goes alone.
 */
export async function sendIsolated(
  send: SendBatch,
  specs: readonly JobSpec[],
  signal?: AbortSignal,
): Promise<readonly Enqueued[]> {
  try {
    const results = await send(specs, signal);
    return specs.map((_, index) => answerOf(results[index]));
  } catch (error) {
    if (!(error instanceof OrchestratorError)) throw error;
    if (specs.length === 1 || error.code !== "invalid_argument") {
      return specs.map(() => ({ kind: "failed", error }));
    }
    return await sendApart(send, specs, namedBy(error, specs.length), signal);
  }
}

async function sendApart(
  send: SendBatch,
  specs: readonly JobSpec[],
  named: ReadonlySet<number>,
  signal: AbortSignal | undefined,
): Promise<readonly Enqueued[]> {
  const answers = new Map<JobSpec, Enqueued>();
  const rest = specs.filter((_, index) => named.size > 0 && !named.has(index));
  if (rest.length > 0) {
    const answered = await sendIsolated(send, rest, signal);
    rest.forEach((spec, index) => {
      answers.set(spec, answered[index] ?? missing());
    });
  }
  for (const spec of specs) {
    if (answers.has(spec)) continue;
    const [answer] = await sendIsolated(send, [spec], signal);
    answers.set(spec, answer ?? missing());
  }
  return specs.map((spec) => answers.get(spec) ?? missing());
}

const missing = (): Enqueued => ({
  kind: "failed",
  error: new OrchestratorError("the server left a job without an answer", { code: "internal" }),
});

const answerOf = (result: EnqueueResult | undefined): Enqueued =>
  result === undefined ? missing() : { kind: "answered", result };

interface Waiting {
  readonly spec: JobSpec;
  readonly bytes: number;
  readonly settle: (answer: Enqueued) => void;
}

/** How much work may wait in an {@link Enqueuer}. */
export interface EnqueuerLimits {
  /** Jobs. */
  readonly maxQueuedJobs: number;
  /** Bytes of encoded jobs. */
  readonly maxQueuedBytes: number;
}

/**
 * Coalesces concurrent enqueue calls into EnqueueJobs batches without a timer: a call that finds
 * the enqueuer idle goes at once, calls that come meanwhile share the next batch. So one caller
 * sees no delay and many callers share the cost of an RPC.
 */
export class Enqueuer {
  readonly #send: SendBatch;
  readonly #limits: EnqueuerLimits;
  #waiting: Waiting[] = [];
  #queuedBytes = 0;
  #pumping: Promise<void> | undefined;

  constructor(send: SendBatch, enqueuerLimits: EnqueuerLimits) {
    this.#send = send;
    this.#limits = enqueuerLimits;
  }

  /**
   * Adds a job and resolves with its answer; never rejects. An aborted signal withdraws a job
   * that waits; one that is on its way is not called back, and may be in the ledger.
   */
  add(spec: JobSpec, signal?: AbortSignal): Promise<Enqueued> {
    if (signal?.aborted) return Promise.resolve({ kind: "failed", error: callAborted(signal) });
    const bytes = specBytes(spec);
    const isFull = this.#waiting.length >= this.#limits.maxQueuedJobs;
    if (
      isFull ||
      (this.#queuedBytes > 0 && this.#queuedBytes + bytes > this.#limits.maxQueuedBytes)
    ) {
      return Promise.resolve({ kind: "failed", error: queueFull(this.#waiting.length) });
    }
    return new Promise((resolve) => {
      const onAbort = () => {
        if (signal === undefined) return;
        this.#withdraw(waiting);
        resolve({ kind: "failed", error: callAborted(signal) });
      };
      const settle = (answer: Enqueued) => {
        signal?.removeEventListener("abort", onAbort);
        resolve(answer);
      };
      const waiting: Waiting = { spec, bytes, settle };
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#waiting.push(waiting);
      this.#queuedBytes += bytes;
      this.#pumping ??= this.#pump();
    });
  }

  /** Resolves when nothing waits and nothing is on its way. */
  async idle(): Promise<void> {
    while (this.#pumping !== undefined) await this.#pumping;
  }

  #withdraw(waiting: Waiting): void {
    const index = this.#waiting.indexOf(waiting);
    if (index < 0) return;
    this.#waiting.splice(index, 1);
    this.#queuedBytes -= waiting.bytes;
  }

  async #pump(): Promise<void> {
    // A microtask later, so that calls of the same tick share the first batch.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const batch = this.#take();
      const specs = batch.map((waiting) => waiting.spec);
      const answers = await sendIsolated(this.#send, specs).catch((error: unknown) =>
        specs.map((): Enqueued => ({ kind: "failed", error: unexpected(error) })),
      );
      batch.forEach((waiting, index) => {
        waiting.settle(answers[index] ?? missing());
      });
    }
    this.#pumping = undefined;
  }

  #take(): readonly Waiting[] {
    const [first = []] = batchesOf(this.#waiting.slice(0, limits.enqueueItems).map((w) => w.spec));
    const taken = this.#waiting.splice(0, first.length);
    for (const waiting of taken) this.#queuedBytes -= waiting.bytes;
    return taken;
  }
}

const queueFull = (waiting: number): OrchestratorError =>
  new OrchestratorError(`${waiting} jobs wait to be enqueued already`, {
    code: "resource_exhausted",
    reason: "QUEUE_FULL",
    metadata: { waiting: String(waiting) },
    isRetryable: true,
  });

const unexpected = (cause: unknown): OrchestratorError =>
  new OrchestratorError(String(cause), { code: "internal", cause });
