import { Code, ConnectError, type Interceptor, type StreamResponse } from "@connectrpc/connect";
import type { Logger } from "pino";
import { reasonOf } from "../errors.ts";
import { peerOf } from "../peer.ts";
import { tapStream } from "./stream.ts";
import { tenantOf } from "./tenant.ts";

// What a caller can bring about alone is no reason to wake anybody.
const LEVELS: Partial<Record<Code, "debug" | "warn">> = {
  [Code.Canceled]: "debug",
  [Code.Unknown]: "warn",
  [Code.Internal]: "warn",
  [Code.Unavailable]: "warn",
  [Code.DataLoss]: "warn",
};

type Facts = Parameters<ReturnType<Interceptor>>[0];

/**
 * Logs one line for each RPC when it ends: tenant, rpc, peer, milliseconds, code, and the reason
 * of an error. Messages, headers and error texts of callers are never logged. OK is `debug`, so
 * that a busy server does not pay for lines that nobody reads.
 */
export function loggingInterceptor(logger: Logger): Interceptor {
  const report = (request: Facts, startedAt: number, error?: unknown) => {
    const failure = error === undefined ? undefined : ConnectError.from(error);
    const level = failure === undefined ? "debug" : (LEVELS[failure.code] ?? "info");
    if (!logger.isLevelEnabled(level)) return;
    const context = { values: request.contextValues };
    logger[level](
      {
        tenant: tenantOf(context),
        rpc: `${request.service.typeName}/${request.method.name}`,
        peer: peerOf(context),
        durationMs: Math.round((performance.now() - startedAt) * 100) / 100,
        code: failure === undefined ? "OK" : codeName(failure.code),
        reason: failure === undefined ? undefined : reasonOf(failure),
      },
      "rpc",
    );
  };

  return (next) => async (request) => {
    const startedAt = performance.now();
    let response: Awaited<ReturnType<typeof next>>;
    try {
      response = await next(request);
    } catch (error) {
      report(request, startedAt, error);
      throw error;
    }
    if (!response.stream) {
      report(request, startedAt);
      return response;
    }
    const end = (error?: unknown) => report(request, startedAt, error);
    return { ...response, message: tapStream(response.message, { end }) } as StreamResponse;
  };
}

/** A code as gRPC writes it, such as `INVALID_ARGUMENT`. */
export function codeName(code: Code): string {
  return Code[code].replaceAll(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase();
}
