import { randomUUID } from "node:crypto";
import { Code, ConnectError, type Interceptor, type StreamResponse } from "@connectrpc/connect";
import type { Logger } from "pino";
import { InvalidText } from "../../app/invalid-text.ts";
import { LedgerUnavailable } from "../../app/ledger-unavailable.ts";
import { BatcherFullError } from "../../lib/batcher.ts";
import { internal, reasonOf, resourceExhausted, rpcError, unavailable } from "../errors.ts";
import { frameworkErrorOf, mapFrameworkError } from "../framework-errors.ts";
import { codeName } from "./logging.ts";
import { tapStream } from "./stream.ts";
import { tenantOf } from "./tenant.ts";

/** When to come back to a server that has too much work waiting, in milliseconds. */
const BUSY_RETRY_MS = 500;

/**
 * Turns whatever a handler throws into an error that the contract allows: every one carries
 * ErrorInfo, a lost ledger is UNAVAILABLE with RetryInfo, and a bug is INTERNAL with an incident
 * id under which the log has the stack. Nothing of a bug's text reaches the caller.
 */
export function errorsInterceptor(logger: Logger): Interceptor {
  return (next) => async (request) => {
    const translate = (error: unknown): ConnectError => {
      if (request.signal.aborted && isAbort(error)) return abortReason(request.signal);
      return toContractError(error, (bug) => {
        const incidentId = randomUUID();
        const tenant = tenantOf({ values: request.contextValues });
        const rpc = `${request.service.typeName}/${request.method.name}`;
        logger.error({ err: bug, incidentId, tenant, rpc }, "handler failed");
        return incidentId;
      });
    };

    const refused = frameworkErrorOf(request.contextValues);
    if (refused !== undefined) throw translate(refused);
    try {
      if (!request.stream) return await next(request);
      // What the parser throws must reach the handler in its final form: a handler may catch it.
      const message = tapStream(request.message, { fail: mapFrameworkError });
      const response = await next({ ...request, message });
      if (!response.stream) return response;
      const translated = tapStream(response.message, { fail: translate });
      return { ...response, message: translated } as StreamResponse;
    } catch (error) {
      throw translate(error);
    }
  };
}

function toContractError(error: unknown, report: (bug: unknown) => string): ConnectError {
  if (error instanceof LedgerUnavailable) {
    const { message, retryAfterMs } = error;
    return unavailable("LEDGER_UNAVAILABLE", { message, retryAfterMs, cause: error });
  }
  if (error instanceof InvalidText) {
    const violations = [{ field: "", description: error.message }];
    return rpcError(Code.InvalidArgument, "TEXT_INVALID", { violations, cause: error });
  }
  if (error instanceof BatcherFullError) {
    return resourceExhausted("SERVER_BUSY", { retryAfterMs: BUSY_RETRY_MS });
  }
  if (!(error instanceof ConnectError)) return internal(report(error), error);
  if (reasonOf(error) !== undefined) return error;
  // Connect itself threw it. INTERNAL and UNKNOWN are bugs, the other codes say enough.
  if (error.code === Code.Internal || error.code === Code.Unknown) {
    return internal(report(error), error);
  }
  return rpcError(error.code, codeName(error.code), { message: error.rawMessage, cause: error });
}

function isAbort(error: unknown): boolean {
  return error instanceof ConnectError
    ? error.code === Code.Canceled || error.code === Code.DeadlineExceeded
    : error instanceof Error && (error.name === "AbortError" || error.name === "TimeoutError");
}

function abortReason(signal: AbortSignal): ConnectError {
  const error = ConnectError.from(signal.reason, Code.Canceled);
  if (reasonOf(error) !== undefined) return error;
  return rpcError(error.code, codeName(error.code), { message: error.rawMessage });
}
