import { fromBinary } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { toMs } from "./contract/time.ts";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RetryInfoSchema,
} from "./gen/google/rpc/error_details_pb.ts";
import type { Status } from "./gen/google/rpc/status_pb.ts";

/** The canonical codes, in lower case. */
export type ErrorCode =
  | "cancelled"
  | "unknown"
  | "invalid_argument"
  | "deadline_exceeded"
  | "not_found"
  | "already_exists"
  | "permission_denied"
  | "resource_exhausted"
  | "failed_precondition"
  | "aborted"
  | "out_of_range"
  | "unimplemented"
  | "internal"
  | "unavailable"
  | "data_loss"
  | "unauthenticated";

const codes: Record<number, ErrorCode> = {
  [Code.Canceled]: "cancelled",
  [Code.Unknown]: "unknown",
  [Code.InvalidArgument]: "invalid_argument",
  [Code.DeadlineExceeded]: "deadline_exceeded",
  [Code.NotFound]: "not_found",
  [Code.AlreadyExists]: "already_exists",
  [Code.PermissionDenied]: "permission_denied",
  [Code.ResourceExhausted]: "resource_exhausted",
  [Code.FailedPrecondition]: "failed_precondition",
  [Code.Aborted]: "aborted",
  [Code.OutOfRange]: "out_of_range",
  [Code.Unimplemented]: "unimplemented",
  [Code.Internal]: "internal",
  [Code.Unavailable]: "unavailable",
  [Code.DataLoss]: "data_loss",
  [Code.Unauthenticated]: "unauthenticated",
};

/** One field that broke a rule. */
export interface FieldViolation {
  /** The field's path, such as `jobs[3].job_type`. */
  readonly field: string;
  /** What is wrong with it. */
  readonly description: string;
}

/** What an {@link OrchestratorError} is made of. */
export interface OrchestratorErrorFields {
  readonly code: ErrorCode;
  readonly reason?: string;
  readonly domain?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly violations?: readonly FieldViolation[];
  readonly retryAfterMs?: number | undefined;
  readonly isRetryable?: boolean;
  readonly cause?: unknown;
}

/** The ErrorInfo domain of every error that the server or this SDK makes. */
export const errorDomain = "orchestrator.stellaops";

/**
 * Whatever a call can fail with. Decide by `code` and `reason`, never by the message.
 *
 * The SDK's own reasons: QUEUE_FULL, CLIENT_CLOSED, CALL_ABORTED, CALL_TIMEOUT,
 * CONNECTION_FAILED, DIGEST_MISMATCH, FILE_CHANGED, SESSION_SUPERSEDED, JOB_NOT_IN_RUN (of
 * `fanOut`). All others are the server's; the contract's comments list them per RPC.
 */
export class OrchestratorError extends Error {
  override readonly name = "OrchestratorError";
  /** The canonical code. */
  readonly code: ErrorCode;
  /** The machine-readable reason, such as "IDEMPOTENCY_CONFLICT"; empty if none was sent. */
  readonly reason: string;
  /** Who defines the reason; "orchestrator.stellaops" for the server's and the SDK's own. */
  readonly domain: string;
  /** Facts that go with the reason. */
  readonly metadata: Readonly<Record<string, string>>;
  /** The fields that broke a rule, for "invalid_argument". */
  readonly violations: readonly FieldViolation[];
  /** How long to wait before trying again, in milliseconds, if the server said so. */
  readonly retryAfterMs: number | undefined;
  /** Whether the same call can succeed later. The SDK already tried until its deadline. */
  readonly isRetryable: boolean;

  constructor(message: string, fields: OrchestratorErrorFields) {
    super(message, { cause: fields.cause });
    this.code = fields.code;
    this.reason = fields.reason ?? "";
    this.domain = fields.domain ?? errorDomain;
    this.metadata = fields.metadata ?? {};
    this.violations = fields.violations ?? [];
    this.retryAfterMs = fields.retryAfterMs;
    this.isRetryable =
      fields.isRetryable ??
      (fields.code === "unavailable" ||
        // Somebody else's write came first: the same call would be refused for ever.
        (fields.code === "aborted" && this.reason !== "ETAG_MISMATCH") ||
        (fields.code === "resource_exhausted" && fields.retryAfterMs !== undefined));
  }
}

/** Whether an error says that the connection, not the call, failed. */
function isBrokenConnection(error: ConnectError): boolean {
  let cause: unknown = error;
  for (let depth = 0; depth < 5 && cause instanceof Error; depth++) {
    const { code } = cause as { code?: unknown };
    if (typeof code === "string" && /^(E[A-Z]+|ERR_(HTTP2|STREAM|SOCKET)_.*)$/.test(code)) {
      return true;
    }
    cause = cause.cause;
  }
  // What connect-node reports without a cause when a stream ends before its trailers.
  return /http\/2 stream closed|missing (trailer|EndStreamResponse)|premature/i.test(
    error.rawMessage,
  );
}

/**
 * Turns whatever a call threw into an {@link OrchestratorError}, with the google.rpc details
 * that came with it. A connection that broke is "unavailable": every call of this SDK is safe
 * to repeat.
 */
export function toOrchestratorError(error: unknown): OrchestratorError {
  if (error instanceof OrchestratorError) return error;
  const connectError = ConnectError.from(error);
  const [info] = connectError.findDetails(ErrorInfoSchema);
  const [retry] = connectError.findDetails(RetryInfoSchema);
  const bad = connectError.findDetails(BadRequestSchema);
  if (info === undefined && isBrokenConnection(connectError)) {
    return new OrchestratorError(connectError.rawMessage, {
      code: "unavailable",
      reason: "CONNECTION_FAILED",
      cause: error,
    });
  }
  return new OrchestratorError(connectError.rawMessage, {
    code: codes[connectError.code] ?? "unknown",
    reason: info?.reason ?? "",
    domain: info?.domain ?? "",
    metadata: info?.metadata ?? {},
    violations: bad.flatMap((detail) =>
      detail.fieldViolations.map(({ field, description }) => ({ field, description })),
    ),
    retryAfterMs: toMs(retry?.retryDelay),
    cause: error,
  });
}

/** Turns the error of one item of a batch into an {@link OrchestratorError}. */
export function fromStatus(status: Status | undefined): OrchestratorError {
  const details = status?.details ?? [];
  const info = details.map((any) => anyUnpack(any, ErrorInfoSchema)).find((found) => found);
  const retry = details.map((any) => anyUnpack(any, RetryInfoSchema)).find((found) => found);
  const bad = details.flatMap((any) => {
    const isBad = any.typeUrl.endsWith(`/${BadRequestSchema.typeName}`);
    return isBad ? fromBinary(BadRequestSchema, any.value).fieldViolations : [];
  });
  return new OrchestratorError(status?.message || "rejected without a reason", {
    code: codes[status?.code ?? Code.Unknown] ?? "unknown",
    reason: info?.reason ?? "",
    domain: info?.domain ?? "",
    metadata: info?.metadata ?? {},
    violations: bad.map(({ field, description }) => ({ field, description })),
    retryAfterMs: toMs(retry?.retryDelay),
  });
}
