import { create, type DescMessage, type MessageInitShape } from "@bufbuild/protobuf";
import { anyPack, type Duration, DurationSchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RetryInfoSchema,
} from "../gen/google/rpc/error_details_pb.ts";
import { type Status, StatusSchema } from "../gen/google/rpc/status_pb.ts";

/** ErrorInfo.domain of every error that this server makes. */
export const ERROR_DOMAIN = "orchestrator.stellaops";

/** One field of a request that breaks a rule. */
export interface FieldViolation {
  /** The path as the contract spells it, such as `jobs[3].job_type`; empty for the whole. */
  readonly field: string;
  /** What is wrong, for people. */
  readonly description: string;
  /** The id of the rule, UPPER_SNAKE_CASE, where there is one. */
  readonly reason?: string;
}

/** Facts that go into ErrorInfo.metadata. Numbers are written as decimals. */
export type ErrorMetadata = Readonly<Record<string, string | number | bigint | undefined>>;

/** What an error may carry besides its code and reason. */
export interface ErrorExtras {
  readonly message?: string;
  readonly metadata?: ErrorMetadata;
  readonly violations?: readonly FieldViolation[];
  /** Adds RetryInfo: the caller may try again after so many milliseconds. */
  readonly retryAfterMs?: number;
  /** Kept for the log, never sent. */
  readonly cause?: unknown;
}

/**
 * Makes an error with ErrorInfo and, where given, BadRequest and RetryInfo.
 *
 * `reason` is UPPER_SNAKE_CASE and part of the contract: clients switch on it, never on text.
 */
export function rpcError(code: Code, reason: string, extras: ErrorExtras = {}): ConnectError {
  const metadata = writeMetadata(extras.metadata);
  const details: { desc: DescMessage; value: MessageInitShape<DescMessage> }[] = [
    {
      desc: ErrorInfoSchema,
      value: create(ErrorInfoSchema, { reason, domain: ERROR_DOMAIN, metadata }),
    },
  ];
  if (extras.violations !== undefined && extras.violations.length > 0) {
    const fieldViolations = extras.violations.map((violation) => ({ ...violation }));
    details.push({ desc: BadRequestSchema, value: create(BadRequestSchema, { fieldViolations }) });
  }
  if (extras.retryAfterMs !== undefined) {
    const retryDelay = durationOfMs(extras.retryAfterMs);
    details.push({ desc: RetryInfoSchema, value: create(RetryInfoSchema, { retryDelay }) });
  }
  const message = extras.message ?? sentence(reason, metadata, extras.violations);
  return new ConnectError(message, code, undefined, details, extras.cause);
}

/** INVALID_ARGUMENT with BadRequest: the request is malformed whatever the state. */
export const invalidArgument = (
  reason: string,
  violations: readonly FieldViolation[] = [],
  metadata?: ErrorMetadata,
): ConnectError => rpcError(Code.InvalidArgument, reason, { violations, metadata: metadata ?? {} });

/** NOT_FOUND: the tenant has no such thing. Another tenant's thing looks the same. */
export const notFound = (reason: string, metadata: ErrorMetadata = {}): ConnectError =>
  rpcError(Code.NotFound, reason, { metadata });

/** FAILED_PRECONDITION: not in this state; repeating the call does not help. */
export const failedPrecondition = (reason: string, metadata: ErrorMetadata = {}): ConnectError =>
  rpcError(Code.FailedPrecondition, reason, { metadata });

/** ALREADY_EXISTS: the name is taken by something else. */
export const alreadyExists = (reason: string, metadata: ErrorMetadata = {}): ConnectError =>
  rpcError(Code.AlreadyExists, reason, { metadata });

/** ABORTED: lost a race; the caller may try again. */
export const aborted = (
  reason: string,
  options: { retryAfterMs?: number; metadata?: ErrorMetadata } = {},
): ConnectError => rpcError(Code.Aborted, reason, options);

/** RESOURCE_EXHAUSTED; worth repeating only when `retryAfterMs` is given. */
export const resourceExhausted = (
  reason: string,
  options: { retryAfterMs?: number; metadata?: ErrorMetadata } = {},
): ConnectError => rpcError(Code.ResourceExhausted, reason, options);

/** UNAVAILABLE: cannot be served now; the caller should try again after `retryAfterMs`. */
export const unavailable = (
  reason: string,
  options: Omit<ErrorExtras, "violations"> = {},
): ConnectError => rpcError(Code.Unavailable, reason, { retryAfterMs: 1_000, ...options });

/** OUT_OF_RANGE: a position beyond what is there. */
export const outOfRange = (reason: string, metadata: ErrorMetadata = {}): ConnectError =>
  rpcError(Code.OutOfRange, reason, { metadata });

/** DATA_LOSS: the bytes are not what they should be. */
export const dataLoss = (reason: string, metadata: ErrorMetadata = {}): ConnectError =>
  rpcError(Code.DataLoss, reason, { metadata });

/** UNIMPLEMENTED: this server does not do that. */
export const unimplemented = (reason: string, metadata: ErrorMetadata = {}): ConnectError =>
  rpcError(Code.Unimplemented, reason, { metadata });

/** INTERNAL with nothing but an incident id: what went wrong is in the log under that id. */
export const internal = (incidentId: string, cause?: unknown): ConnectError =>
  rpcError(Code.Internal, "INTERNAL", {
    message: `internal error, incident ${incidentId}`,
    metadata: { incidentId },
    cause,
  });

/**
 * Writes an error as google.rpc.Status, for the answer to one item of a batch.
 *
 * Details that came from a peer as bytes are left out: only what this server makes is sent.
 */
export function toStatus(error: ConnectError): Status {
  const details = error.details.flatMap((detail) =>
    "desc" in detail ? [anyPack(detail.desc, create(detail.desc, detail.value))] : [],
  );
  return create(StatusSchema, { code: error.code, message: error.rawMessage, details });
}

/** The ErrorInfo reason of an error, if it carries one. */
export function reasonOf(error: ConnectError): string | undefined {
  return error.findDetails(ErrorInfoSchema)[0]?.reason;
}

/** Milliseconds, fractions included, as a Duration. Negative values become zero. */
export function durationOfMs(ms: number): Duration {
  const whole = Math.max(0, Math.round(ms));
  const seconds = Math.floor(whole / 1_000);
  return create(DurationSchema, { seconds: BigInt(seconds), nanos: (whole % 1_000) * 1_000_000 });
}

function writeMetadata(metadata: ErrorMetadata = {}): Record<string, string> {
  const written: Record<string, string> = {};
  for (const [key, value] of Object.entries(metadata)) {
    if (value !== undefined) written[key] = String(value);
  }
  return written;
}

function sentence(
  reason: string,
  metadata: Record<string, string>,
  violations: readonly FieldViolation[] = [],
): string {
  const words = reason.toLowerCase().replaceAll("_", " ");
  const facts = Object.entries(metadata).map(([key, value]) => `${key}=${value}`);
  const broken = violations
    .slice(0, 3)
    .map((v) => (v.field ? `${v.field}: ${v.description}` : v.description));
  if (violations.length > 3) broken.push(`and ${violations.length - 3} more`);
  const rest = [...facts, ...broken];
  return rest.length > 0 ? `${words}: ${rest.join("; ")}` : words;
}
