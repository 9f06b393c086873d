import { randomUUID } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import type { Failure } from "../gen/stellaops/orchestrator/v1/failure_pb.ts";
import {
  type Completion,
  CompletionSchema,
  type LeaseRef,
} from "../gen/stellaops/orchestrator/v1/task_runner_pb.ts";
import { type AbortReason, ThrottledError } from "../job-errors.ts";
import { encodeResult } from "../payload.ts";
import { lineage } from "../trace-context.ts";
import { failure, type StopOutcome, stopOutcome, toFailure } from "./failures.ts";
import type { JobContext } from "./job-context.ts";

/**
 * Does the work of one job. What it returns is the job's result: undefined for none, bytes as
 * they are, the rest as JSON. It throws TerminalError (never retried), RetryableError,
 * ThrottledError, or anything else (retried as the job's policy says).
 */
export type Handler = (job: JobContext) => unknown;

/** How an attempt ended, as far as the worker is concerned. */
export type Outcome = { readonly kind: "complete"; readonly completion: Completion } | StopOutcome;

const fail = (reason: Failure): Outcome => ({ kind: "fail", failure: reason });

/** The completion of an attempt that succeeded; an oversize result is a terminal failure. */
function completed(ref: LeaseRef, job: JobContext, result: unknown, maxBytes: number): Outcome {
  const bytes = encodeResult(result);
  if (bytes.length > maxBytes) {
    const text = `a result of ${bytes.length} bytes exceeds the limit of ${maxBytes}`;
    return fail(failure("oversize", `${text}: upload it as an artifact`, { terminal: true }));
  }
  const artifacts = [...job.artifacts].map(([name, digest]) => ({ name, digest }));
  return {
    kind: "complete",
    completion: create(CompletionSchema, {
      lease: ref,
      completionId: randomUUID(),
      result: bytes,
      artifacts,
    }),
  };
}

/**
 * Runs a handler to its end and says how it ended; never rejects. A handler that succeeds
 * although it was asked to stop has succeeded; one that throws after that was stopped.
 */
export async function runHandler(
  handler: Handler,
  job: JobContext,
  ref: LeaseRef,
  options: { readonly maxResultBytes: number; readonly abortReason: () => AbortReason | undefined },
): Promise<Outcome> {
  const { traceparent, tracestate, correlationId } = job;
  try {
    const result = await lineage.run({ traceparent, tracestate, correlationId }, async () =>
      handler(job),
    );
    return completed(ref, job, result, options.maxResultBytes);
  } catch (thrown) {
    if (thrown instanceof ThrottledError) {
      const { retryAfterMs, remaining } = thrown;
      job.throttle(
        thrown.resourceKey,
        remaining === undefined ? { retryAfterMs } : { retryAfterMs, remaining },
      );
    }
    const reason = options.abortReason();
    if (reason !== undefined) {
      return stopOutcome(reason, thrown === job.signal.reason ? "" : String(thrown));
    }
    job.log.warn({ error: thrown }, "attempt failed");
    return fail(toFailure(thrown));
  }
}
