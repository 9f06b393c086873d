/** What caused a failure, for retry decisions, limiters and error clustering. */
export type FailureClass =
  | "user"
  | "http_429"
  | "http_5xx"
  | "schema_mismatch"
  | "parse_error"
  | "timeout"
  | "lease_expired"
  | "drained"
  | "cancelled"
  | "incapable"
  | "panic"
  | "network"
  | "oversize";

/** The classes that a handler may name itself; the others are for the SDK and the server. */
export type HandlerFailureClass = Exclude<
  FailureClass,
  "lease_expired" | "drained" | "cancelled" | "incapable" | "panic"
>;

/** Thrown by a handler: no attempt could succeed. The job goes to the dead letters at once. */
export class TerminalError extends Error {
  override readonly name = "TerminalError";
  /** What caused it; "user" unless told. */
  readonly failureClass: HandlerFailureClass;

  constructor(
    message: string,
    options: { failureClass?: HandlerFailureClass; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.failureClass = options.failureClass ?? "user";
  }
}

/** Thrown by a handler: try again, no earlier than `retryAfterMs` from now if that is set. */
export class RetryableError extends Error {
  override readonly name = "RetryableError";
  /** A floor under the backoff, in milliseconds; jitter comes on top, never off. */
  readonly retryAfterMs: number | undefined;
  /** What caused it; "user" unless told. */
  readonly failureClass: HandlerFailureClass;

  constructor(
    message: string,
    options: { retryAfterMs?: number; failureClass?: HandlerFailureClass; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.retryAfterMs = options.retryAfterMs;
    this.failureClass = options.failureClass ?? "user";
  }
}

/**
 * Thrown by a handler: the upstream asked to slow down (HTTP 429). The attempt is tried again
 * after `retryAfterMs`, and the limiter of `resourceKey` hears of it, so that the whole fleet
 * slows down for that host and for no other.
 */
export class ThrottledError extends Error {
  override readonly name = "ThrottledError";
  /** What is throttled: the source's host. */
  readonly resourceKey: string;
  /** How long the upstream asked to wait, in milliseconds. */
  readonly retryAfterMs: number;
  /** How many calls the upstream says are left, if it says. */
  readonly remaining: number | undefined;

  constructor(
    message: string,
    options: { resourceKey: string; retryAfterMs: number; remaining?: number; cause?: unknown },
  ) {
    super(message, { cause: options.cause });
    this.resourceKey = options.resourceKey;
    this.retryAfterMs = options.retryAfterMs;
    this.remaining = options.remaining;
  }
}

/** Why a handler is asked to stop. */
export type AbortReason = "cancelled" | "deadline" | "lease_lost" | "preempted" | "drain";

const abortMessages: Record<AbortReason, string> = {
  cancelled: "the job was cancelled",
  deadline: "the attempt ran past its deadline",
  lease_lost: "the lease was lost: the job moved on without this attempt",
  preempted: "the slot is needed for something more urgent",
  drain: "the worker is draining",
};

/** The `reason` of a handler's AbortSignal. */
export class JobAbortedError extends Error {
  override readonly name = "JobAbortedError";
  /** Why the handler must stop. */
  readonly reason: AbortReason;

  constructor(reason: AbortReason) {
    super(abortMessages[reason]);
    this.reason = reason;
  }
}
