import { AsyncLocalStorage } from "node:async_hooks";

/** W3C trace context: who caused a job, for the tracing system. */
export interface TraceContext {
  /** The `traceparent` header, such as "00-…-…-01". */
  readonly traceparent?: string | undefined;
  /** The `tracestate` header. */
  readonly tracestate?: string | undefined;
}

/** What a job made inside a handler inherits from the handler's job. */
export interface Lineage extends TraceContext {
  readonly correlationId: string;
}

/** Carries the handler's lineage to the enqueue calls that it makes, however deep. */
export const lineage = new AsyncLocalStorage<Lineage>();

const traceparentPattern = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/**
 * The trace context of a job that is about to be enqueued: what the caller says, else what the
 * `traceContext` option says, else what the surrounding handler's job has. A malformed
 * traceparent from a hook is dropped: tracing must not stop work.
 */
export function traceOf(
  explicit: TraceContext,
  hook: (() => TraceContext | undefined) | undefined,
): { traceparent: string; tracestate: string } {
  if (explicit.traceparent !== undefined) {
    return { traceparent: explicit.traceparent, tracestate: explicit.tracestate ?? "" };
  }
  for (const context of [hook?.(), lineage.getStore()]) {
    if (context?.traceparent && traceparentPattern.test(context.traceparent)) {
      return { traceparent: context.traceparent, tracestate: context.tracestate ?? "" };
    }
  }
  return { traceparent: "", tracestate: "" };
}

/** The correlation id that a new job gets; empty lets the server use the job's own id. */
export const correlationOf = (explicit: string | undefined): string =>
  explicit ?? lineage.getStore()?.correlationId ?? "";
