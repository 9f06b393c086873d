import { create, equals } from "@bufbuild/protobuf";
import { toOrchestratorError } from "../errors.ts";
import {
  type Job as JobMessage,
  JobSchema,
  WatchJobsRequestSchema,
} from "../gen/stellaops/orchestrator/v1/job_pb.ts";
import { backoffMs, callAborted, contractBackoff, pause } from "../retry.ts";
import type { Connection } from "./connection.ts";
import { isTerminalState, type Job, toJob } from "./job-view.ts";
import { jobStates } from "./names.ts";

/** What to watch: up to 1,000 jobs, or all jobs of a run. */
export type WatchTarget = { readonly jobIds: readonly string[] } | { readonly runId: string };

/** What is left to watch, and what was said last of each job. */
class WatchState {
  readonly #target: WatchTarget;
  readonly #seen = new Map<string, JobMessage>();

  constructor(target: WatchTarget) {
    this.#target = target;
  }

  /** The request for what is left; undefined when every job named has finished. */
  request() {
    if ("runId" in this.#target) {
      return create(WatchJobsRequestSchema, {
        target: { case: "runId", value: this.#target.runId },
      });
    }
    const jobIds = this.#target.jobIds.filter((id) => !this.#isFinished(id));
    if (jobIds.length === 0) return undefined;
    return create(WatchJobsRequestSchema, { target: { case: "jobs", value: { jobIds } } });
  }

  /** Whether this is news: a new watch repeats what the old one said. */
  take(job: JobMessage): boolean {
    const last = this.#seen.get(job.jobId);
    if (last !== undefined && equals(JobSchema, last, job)) return false;
    this.#seen.set(job.jobId, job);
    return true;
  }

  #isFinished(jobId: string): boolean {
    const job = this.#seen.get(jobId);
    const state = job && jobStates.nameOf(job.state);
    return state !== undefined && isTerminalState(state);
  }
}

/**
 * Yields jobs as they change until all of them have finished. A watch that breaks is opened
 * again, for ever, and jobs that did not change meanwhile are not yielded again.
 */
export async function* watch(
  connection: Connection,
  target: WatchTarget,
  signal: AbortSignal | undefined,
): AsyncGenerator<Job, void, undefined> {
  const state = new WatchState(target);
  // A consumer that breaks out of the loop must end the stream: see `finally`.
  const stop = new AbortController();
  const calls = signal ? AbortSignal.any([stop.signal, signal]) : stop.signal;
  try {
    for (let tries = 0; ; tries++) {
      const request = state.request();
      if (request === undefined) return;
      try {
        for await (const response of connection.jobs.watchJobs(request, { signal: calls })) {
          tries = 0;
          for (const job of response.jobs) if (state.take(job)) yield toJob(job);
        }
        return;
      } catch (cause) {
        if (signal?.aborted) throw callAborted(signal);
        const error = toOrchestratorError(cause);
        if (!error.isRetryable) throw error;
        const delay = backoffMs(tries, contractBackoff, Math.random(), error.retryAfterMs);
        await pause(delay, signal);
        if (signal?.aborted) throw callAborted(signal);
      }
    }
  } finally {
    stop.abort();
  }
}
