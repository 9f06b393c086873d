import { create } from "@bufbuild/protobuf";
import { Artifacts } from "./artifacts/artifacts.ts";
import { Backfills } from "./client/backfills.ts";
import { type ActionOptions, type Caller, type CallOptions, whyOf } from "./client/call.ts";
import {
  type Connection,
  type ConnectionOptions,
  openConnection,
  resolveEndpoint,
} from "./client/connection.ts";
import {
  batchesOf,
  type Enqueued,
  Enqueuer,
  type SendBatch,
  sendIsolated,
} from "./client/enqueuer.ts";
import { type Explanation, toExplanation } from "./client/explaining.ts";
import { type JobOptions, type JobRequest, toJobSpec } from "./client/job-spec.ts";
import {
  type Job,
  type JobDetail,
  type JobEvent,
  toAttempt,
  toJob,
  toJobEvent,
} from "./client/job-view.ts";
import { type CheckedLease, type Lease, toLeaseRef } from "./client/lease.ts";
import { type JobFilter, pages, toJobFilter } from "./client/listing.ts";
import { cancelOutcomes, type JobState, jobStates, retryOutcomes } from "./client/names.ts";
import { Pipelines } from "./client/pipelines.ts";
import { present } from "./client/present.ts";
import { idsByName, type RunRequest, toCreateRun } from "./client/run-spec.ts";
import { type CreatedRun, type RunDetail, toRunDetail } from "./client/run-view.ts";
import { Runs } from "./client/runs.ts";
import { type WatchTarget, watch } from "./client/watching.ts";
import { Watermarks } from "./client/watermarks.ts";
import { contractClocks } from "./contract/lease-policy.ts";
import { toDuration, toMs } from "./contract/time.ts";
import { fromStatus, OrchestratorError } from "./errors.ts";
import {
  EnqueueJobsRequestSchema,
  EnqueueOutcome,
  type JobSpec,
} from "./gen/stellaops/orchestrator/v1/job_pb.ts";
import type { Payload } from "./payload.ts";
import { withRetries } from "./retry.ts";
import type { TraceContext } from "./trace-context.ts";

/** How an {@link Orchestrator} behaves. */
export interface OrchestratorOptions extends ConnectionOptions {
  /**
   * How long a call may take with all its repetitions, and how long a transfer may stall, in
   * milliseconds; 60,000 unless told.
   */
  readonly timeoutMs?: number;
  /** How many jobs may wait to be enqueued before `enqueue` answers QUEUE_FULL; 100,000. */
  readonly maxQueuedJobs?: number;
  /** How many bytes of jobs may wait before `enqueue` answers QUEUE_FULL; 256 MiB. */
  readonly maxQueuedBytes?: number;
  /** The trace context of the caller, asked at every enqueue that does not name one. */
  readonly traceContext?: () => TraceContext | undefined;
}

/** A job that is in the ledger. */
export interface EnqueuedJob {
  readonly jobId: string;
  /** "duplicate": the idempotency key was known; the id is the first job's. */
  readonly outcome: "created" | "duplicate";
}

/** What became of one job of a batch. */
export type EnqueueManyResult =
  | EnqueuedJob
  | { readonly outcome: "rejected"; readonly error: OrchestratorError };

/** What became of a request to cancel one job. */
export interface CancelledJob {
  readonly jobId: string;
  readonly outcome: "cancelled" | "requested" | "already_finished" | "not_found";
  readonly state: JobState | undefined;
}

/** What became of a request to retry one job. */
export interface RetriedJob {
  readonly jobId: string;
  readonly outcome: "ready" | "already_active" | "not_retryable" | "not_found";
  readonly state: JobState | undefined;
}

/**
 * Puts work in, looks at it, stops it, runs it again.
 *
 * Every method throws {@link OrchestratorError}. Calls that fail for a passing reason are
 * repeated until `timeoutMs` is over; every call is safe to repeat. One HTTP/2 connection is
 * opened by the first call and does not keep the process alive.
 */
export class Orchestrator {
  /** Bytes that jobs produce or read. */
  readonly artifacts: Artifacts;
  /** Appends to live runs, cancels and replays them. */
  readonly runs: Runs;
  /** Named runs that the ledger keeps. */
  readonly pipelines: Pipelines;
  /** Up to which event time sources are complete. */
  readonly watermarks: Watermarks;
  /** Covers event time that was missed. */
  readonly backfills: Backfills;
  readonly #connection: Connection;
  readonly #options: OrchestratorOptions;
  readonly #timeoutMs: number;
  readonly #enqueuer: Enqueuer;
  #isClosed = false;

  constructor(options: OrchestratorOptions = {}) {
    this.#options = options;
    this.#timeoutMs = options.timeoutMs ?? 60_000;
    this.#connection = openConnection(resolveEndpoint(options), contractClocks.renewIntervalMs);
    this.artifacts = new Artifacts(this.#connection, this.#timeoutMs);
    const caller: Caller = {
      connection: this.#connection,
      traceContext: options.traceContext,
      call: (given, call) => this.#call(given, call),
    };
    this.runs = new Runs(caller);
    this.pipelines = new Pipelines(caller);
    this.watermarks = new Watermarks(caller);
    this.backfills = new Backfills(caller);
    this.#enqueuer = new Enqueuer(this.#sendBatch(), {
      maxQueuedJobs: options.maxQueuedJobs ?? 100_000,
      maxQueuedBytes: options.maxQueuedBytes ?? 256 * 2 ** 20,
    });
  }

  /**
   * Puts one job into the ledger; once this resolves it is durable. Concurrent calls share a
   * batch. Rejects with IDEMPOTENCY_CONFLICT, PAYLOAD_TOO_LARGE, PAYLOAD_ARTIFACT_NOT_FOUND, or
   * with `violations`.
   */
  async enqueue(
    jobType: string,
    payload?: Payload,
    options: JobOptions & { readonly signal?: AbortSignal } = {},
  ): Promise<EnqueuedJob> {
    this.#assertOpen();
    const request =
      payload === undefined ? { ...options, jobType } : { ...options, jobType, payload };
    const spec = toJobSpec(request, this.#options.traceContext);
    const result = toResult(spec, await this.#enqueuer.add(spec, options.signal));
    if (result.outcome === "rejected") throw result.error;
    return result;
  }

  /**
   * Puts many jobs into the ledger; a result per job, in order. A rejected job does not throw
   * and does not stop its neighbours. All jobs are encoded in memory: for millions, call this
   * in slices.
   */
  async enqueueMany(
    requests: readonly JobRequest[],
    options: CallOptions = {},
  ): Promise<EnqueueManyResult[]> {
    this.#assertOpen();
    const specs = requests.map((request) => toJobSpec(request, this.#options.traceContext));
    const send = this.#sendBatch(options);
    const results: EnqueueManyResult[] = [];
    for (const batch of batchesOf(specs)) {
      const answers = await sendIsolated(send, batch, options.signal);
      batch.forEach((spec, index) => {
        const answer = answers[index];
        if (answer !== undefined) results.push(toResult(spec, answer));
      });
    }
    return results;
  }

  /** Makes a run of jobs with edges between them, all of it or nothing; see {@link runs}. */
  async createRun(request: RunRequest, options: CallOptions = {}): Promise<CreatedRun> {
    const message = toCreateRun(request, this.#options.traceContext);
    const response = await this.#call(options, (signal) =>
      this.#connection.runs.createRun(message, { signal }),
    );
    const names = request.jobs.map(({ name }) => name);
    return {
      runId: response.run?.runId || message.runId,
      jobIds: idsByName(names, response.jobIds),
      alreadyExisted: response.alreadyExisted,
    };
  }

  /** A run with its jobs (without payloads) and edges. Errors: RUN_NOT_FOUND. */
  async getRun(runId: string, options: CallOptions = {}): Promise<RunDetail> {
    const response = await this.#call(options, (signal) =>
      this.#connection.runs.getRun({ runId }, { signal }),
    );
    return present(toRunDetail(response), "run");
  }

  /** A job with its attempts and artifacts. Errors: JOB_NOT_FOUND. */
  async getJob(jobId: string, options: CallOptions = {}): Promise<JobDetail> {
    const { job, attempts } = await this.#call(options, (signal) =>
      this.#connection.jobs.getJob({ jobId }, { signal }),
    );
    return { ...toJob(present(job, "job")), attempts: attempts.map(toAttempt) };
  }

  /** Lists jobs, newest first, without payloads, fetching pages as they are wanted. */
  listJobs(filter: JobFilter = {}, options: CallOptions = {}): AsyncIterable<Job> {
    const message = toJobFilter(filter);
    return pages(async (pageToken) => {
      const page = await this.#call(options, (signal) =>
        this.#connection.jobs.listJobs({ filter: message, pageToken }, { signal }),
      );
      return { items: page.jobs.map(toJob), nextPageToken: page.nextPageToken };
    });
  }

  /**
   * Yields each job as it is, then again after each change, and ends when all have finished.
   * Goes on after a broken stream, for ever; give it a signal to stop it. Changes in quick
   * succession may arrive as one. Errors: JOB_NOT_FOUND, RUN_NOT_FOUND.
   */
  watchJobs(target: WatchTarget, options: Pick<CallOptions, "signal"> = {}): AsyncIterable<Job> {
    return watch(this.#connection, target, options.signal);
  }

  /** Waits until a job has finished, however it ends, and returns it. */
  async waitForJob(jobId: string, options: Pick<CallOptions, "signal"> = {}): Promise<JobDetail> {
    for await (const job of this.watchJobs({ jobIds: [jobId] }, options)) if (job.isTerminal) break;
    return await this.getJob(jobId, options);
  }

  /**
   * Cancels jobs; a result per job, in order. A running one is asked to stop and has `graceMs`
   * for it (the lease policy's drain grace unless told).
   */
  async cancelJobs(
    jobIds: readonly string[],
    options: ActionOptions & { readonly graceMs?: number } = {},
  ): Promise<CancelledJob[]> {
    const grace = toDuration(options.graceMs);
    const request = { jobIds: [...jobIds], ...whyOf(options), ...(grace && { grace }) };
    const { results } = await this.#call(options, (signal) =>
      this.#connection.jobs.cancelJobs(request, { signal }),
    );
    return results.map((result) => ({
      jobId: result.jobId,
      outcome: cancelOutcomes.nameOf(result.outcome) ?? "requested",
      state: jobStates.nameOf(result.state),
    }));
  }

  /** Makes dead jobs ready again with fresh budgets, and scheduled ones ready now. */
  async retryJobs(jobIds: readonly string[], options: ActionOptions = {}): Promise<RetriedJob[]> {
    const request = { jobIds: [...jobIds], ...whyOf(options) };
    const { results } = await this.#call(options, (signal) =>
      this.#connection.jobs.retryJobs(request, { signal }),
    );
    return results.map((result) => ({
      jobId: result.jobId,
      outcome: retryOutcomes.nameOf(result.outcome) ?? "not_retryable",
      state: jobStates.nameOf(result.state),
    }));
  }

  /** Says why a job does not run. Errors: JOB_NOT_FOUND. */
  async explainJob(jobId: string, options: CallOptions = {}): Promise<Explanation> {
    const response = await this.#call(options, (signal) =>
      this.#connection.jobs.explainJob({ jobId }, { signal }),
    );
    return toExplanation(response);
  }

  /** A job's append-only history, oldest first, fetching pages as they are wanted. */
  jobEvents(jobId: string, options: CallOptions = {}): AsyncIterable<JobEvent> {
    return pages(async (pageToken) => {
      const page = await this.#call(options, (signal) =>
        this.#connection.jobs.listJobEvents({ jobId, pageToken }, { signal }),
      );
      return { items: page.events.map(toJobEvent), nextPageToken: page.nextPageToken };
    });
  }

  /** Says whether a lease is the current one, so that any store can refuse a stale writer. */
  async checkLease(lease: Lease, options: CallOptions = {}): Promise<CheckedLease> {
    const response = await this.#call(options, (signal) =>
      this.#connection.taskRunner.checkLease({ lease: toLeaseRef(lease) }, { signal }),
    );
    return {
      isCurrent: response.current,
      newestLeaseEpoch: response.newestLeaseEpoch,
      expiresInMs: toMs(response.expiresIn),
    };
  }

  /** Waits for what is being enqueued, then closes the connection. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#enqueuer.idle();
    this.#connection.destroy();
  }

  /** `await using orch = new Orchestrator()` closes it at the end of the block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #sendBatch(options: CallOptions = {}): SendBatch {
    return async (jobs, signal) => {
      const request = create(EnqueueJobsRequestSchema, { jobs: [...jobs] });
      const { results } = await this.#call(signal ? { ...options, signal } : options, (call) =>
        this.#connection.jobs.enqueueJobs(request, { signal: call }),
      );
      return results;
    };
  }

  #call<T>(options: CallOptions, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const timeoutMs = options.timeoutMs ?? this.#timeoutMs;
    return withRetries(call, { timeoutMs, signal: options.signal });
  }

  #assertOpen(): void {
    if (!this.#isClosed) return;
    throw new OrchestratorError("the client is closed", {
      code: "failed_precondition",
      reason: "CLIENT_CLOSED",
    });
  }
}

/** The public result of an answer. A DUPLICATE of our own id is our own earlier, lost try. */
function toResult(spec: JobSpec, answer: Enqueued): EnqueueManyResult {
  if (answer.kind === "failed") return { outcome: "rejected", error: answer.error };
  const { outcome, jobId, error } = answer.result;
  switch (outcome) {
    case EnqueueOutcome.CREATED:
      return { jobId, outcome: "created" };
    case EnqueueOutcome.DUPLICATE:
      return { jobId, outcome: jobId === spec.jobId ? "created" : "duplicate" };
    default:
      return { outcome: "rejected", error: fromStatus(error) };
  }
}
