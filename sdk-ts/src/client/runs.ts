import { v7 } from "uuid";
import { toDuration } from "../contract/time.ts";
import { type ActionOptions, type Caller, type CallOptions, whyOf } from "./call.ts";
import { type Lease, toLeaseRef } from "./lease.ts";
import { pages } from "./listing.ts";
import { present } from "./present.ts";
import { idsByName, type RunJobRequest, toAppendedJobs } from "./run-spec.ts";
import {
  type AppendedJobs,
  type Operation,
  type Replay,
  type Run,
  toOperation,
  toReplay,
  toRun,
} from "./run-view.ts";

/** How {@link Runs.append} behaves. */
export interface AppendOptions extends CallOptions {
  /** Whether this is the last batch: closes the run in the same transaction. */
  readonly close?: boolean;
  /**
   * The lease of a job of the run under which a handler appends; the run need not be open then.
   * `JobContext.fanOut` says it for you.
   */
  readonly fanOut?: Lease;
}

/** How {@link Runs.cancel} behaves. */
export interface CancelRunOptions extends ActionOptions {
  /** How long a running job may take to stop; the lease policy's drain grace unless told. */
  readonly graceMs?: number;
}

/** What {@link Runs.replay} runs again. */
export interface ReplayOptions extends ActionOptions {
  /** These jobs; every one that did not succeed, skipped ones aside, unless told. */
  readonly jobNames?: readonly string[];
  /** Whether everything that depends on these jobs runs again, too. */
  readonly includeDownstream?: boolean;
  /** Whether what they depend on runs again, too, instead of being reused. */
  readonly rerunUpstream?: boolean;
  /** Whether to say what would run, and why, and change nothing. */
  readonly dryRun?: boolean;
}

/** Narrows a list of runs; what is set must all match. */
export interface RunFilter {
  readonly project?: string;
  /** Made from this pipeline. */
  readonly pipeline?: string;
  /** Replays of this run. */
  readonly replayOf?: string;
}

/** Live and finished runs: `orchestrator.runs`. `createRun` makes them, `getRun` shows them. */
export class Runs {
  readonly #caller: Caller;

  /** Made by the Orchestrator. */
  constructor(caller: Caller) {
    this.#caller = caller;
  }

  /** Lists runs, newest first, fetching pages as they are wanted. */
  list(filter: RunFilter = {}, options: CallOptions = {}): AsyncIterable<Run> {
    const { connection, call } = this.#caller;
    const { project = "", pipeline = "", replayOf = "" } = filter;
    return pages(async (pageToken) => {
      const page = await call(options, (signal) =>
        connection.runs.listRuns({ project, pipeline, replayOf, pageToken }, { signal }),
      );
      return { items: page.runs.map(toRun), nextPageToken: page.nextPageToken };
    });
  }

  /**
   * Adds up to 1,000 jobs to a live run: all of them or none. A name that the run has already, with
   * the same content, is the same job. Errors: those of createRun; RUN_NOT_FOUND, RUN_CLOSED,
   * RUN_CANCELLED, STALE_LEASE, JOB_NOT_IN_RUN, JOB_NAME_CONFLICT.
   */
  async append(
    runId: string,
    jobs: readonly RunJobRequest[],
    options: AppendOptions = {},
  ): Promise<AppendedJobs> {
    const { connection, traceContext, call } = this.#caller;
    const { close = false, fanOut } = options;
    const request = {
      runId,
      close,
      jobs: toAppendedJobs(jobs, traceContext),
      ...(fanOut && { fanOut: toLeaseRef(fanOut) }),
    };
    const { jobIds, existing } = await call(options, (signal) =>
      connection.runs.appendJobs(request, { signal }),
    );
    return {
      jobIds: idsByName(
        jobs.map(({ name }) => name),
        jobIds,
      ),
      existing,
    };
  }

  /**
   * Closes an open run: only handlers of its jobs can append from now on. Returns it as it is now.
   * Errors: RUN_NOT_FOUND.
   */
  async close(runId: string, options: CallOptions = {}): Promise<Run> {
    const { connection, call } = this.#caller;
    const { run } = await call(options, (signal) =>
      connection.runs.closeRun({ runId }, { signal }),
    );
    return toRun(present(run, "run"));
  }

  /**
   * Cancels every unfinished job of a run, in batches. Resolves when the ledger has the order, not
   * when all have stopped: watch the run for that. Errors: RUN_NOT_FOUND.
   */
  async cancel(runId: string, options: CancelRunOptions = {}): Promise<Operation> {
    const { connection, call } = this.#caller;
    const grace = toDuration(options.graceMs);
    const request = { runId, requestId: v7(), ...whyOf(options), ...(grace && { grace }) };
    const { operation } = await call(options, (signal) =>
      connection.runs.cancelRun(request, { signal }),
    );
    return toOperation(present(operation, "operation"));
  }

  /**
   * Runs a part of a finished run again, as a new run that is linked to it; the first one's history
   * is untouched. Errors: RUN_NOT_FOUND, JOB_NOT_FOUND, RUN_ACTIVE, NOTHING_TO_REPLAY.
   */
  async replay(runId: string, options: ReplayOptions = {}): Promise<Replay> {
    const { connection, call } = this.#caller;
    const request = {
      runId,
      requestId: v7(),
      jobNames: [...(options.jobNames ?? [])],
      includeDownstream: options.includeDownstream ?? false,
      rerunUpstream: options.rerunUpstream ?? false,
      dryRun: options.dryRun ?? false,
      ...whyOf(options),
    };
    return toReplay(
      await call(options, (signal) => connection.runs.replayRun(request, { signal })),
    );
  }
}
