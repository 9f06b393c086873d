import { create, type DescMessage, type MessageInitShape } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RetryInfoSchema,
  type Status,
  StatusSchema,
} from "./api.ts";

/** An error as a scenario writes it. */
export interface ScriptedError {
  /** Such as "NOT_FOUND". */
  readonly code: string;
  readonly message?: string;
  readonly reason?: string;
  readonly metadata?: Record<string, string>;
  readonly violations?: { field: string; description: string }[];
  readonly retryAfterMs?: number;
}

const codes: Readonly<Record<string, Code>> = {
  CANCELLED: Code.Canceled,
  UNKNOWN: Code.Unknown,
  INVALID_ARGUMENT: Code.InvalidArgument,
  DEADLINE_EXCEEDED: Code.DeadlineExceeded,
  NOT_FOUND: Code.NotFound,
  ALREADY_EXISTS: Code.AlreadyExists,
  PERMISSION_DENIED: Code.PermissionDenied,
  RESOURCE_EXHAUSTED: Code.ResourceExhausted,
  FAILED_PRECONDITION: Code.FailedPrecondition,
  ABORTED: Code.Aborted,
  OUT_OF_RANGE: Code.OutOfRange,
  UNIMPLEMENTED: Code.Unimplemented,
  INTERNAL: Code.Internal,
  UNAVAILABLE: Code.Unavailable,
  DATA_LOSS: Code.DataLoss,
  UNAUTHENTICATED: Code.Unauthenticated,
};

function codeOf({ code }: ScriptedError): Code {
  const found = codes[code];
  if (found === undefined) throw new RangeError(`"${code}" is not a canonical code`);
  return found;
}

type Detail = { desc: DescMessage; value: MessageInitShape<DescMessage> };

function detailsOf(error: ScriptedError): Detail[] {
  const details: Detail[] = [];
  if (error.reason !== undefined) {
    const { reason, metadata = {} } = error;
    const value = { reason, metadata, domain: "orchestrator.stellaops" };
    details.push({ desc: ErrorInfoSchema, value });
  }
  if (error.violations !== undefined) {
    details.push({ desc: BadRequestSchema, value: { fieldViolations: error.violations } });
  }
  if (error.retryAfterMs !== undefined) {
    const ms = error.retryAfterMs;
    const retryDelay = { seconds: BigInt(Math.floor(ms / 1000)), nanos: (ms % 1000) * 1_000_000 };
    details.push({ desc: RetryInfoSchema, value: { retryDelay } });
  }
  return details;
}

/** The error of a call. */
export const callError = (error: ScriptedError): ConnectError =>
  new ConnectError(
    error.message ?? `scripted ${error.code}`,
    codeOf(error),
    undefined,
    detailsOf(error),
  );

/** The error of one item of a batch. */
export const itemError = (error: ScriptedError): Status =>
  create(StatusSchema, {
    code: codeOf(error),
    message: error.message ?? `scripted ${error.code}`,
    details: detailsOf(error).map(({ desc, value }) => anyPack(desc, create(desc, value))),
  });
