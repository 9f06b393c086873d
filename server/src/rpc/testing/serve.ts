import type { ConnectRouter } from "@connectrpc/connect";
import { type Logger, pino } from "pino";
import { errorsInterceptor } from "../interceptors/errors.ts";
import { loggingInterceptor } from "../interceptors/logging.ts";
import { tenantInterceptor } from "../interceptors/tenant.ts";
import { validationInterceptor } from "../interceptors/validation.ts";
import {
  type ListenerLimits,
  type ListenerOptions,
  type RunningListener,
  startListener,
} from "../listener.ts";

/** A logger that keeps its lines, parsed. */
export function collectingLogger(): { logger: Logger; lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = [];
  const write = (line: string) => void lines.push(JSON.parse(line));
  return { logger: pino({ level: "debug" }, { write }), lines };
}

/** Starts a listener on a free port of loopback, with the interceptors of the real server. */
export function serve(
  routes: (router: ConnectRouter) => void,
  limits: Partial<ListenerLimits> & Pick<ListenerOptions, "fallback"> = {},
  logger = collectingLogger().logger,
): Promise<RunningListener> {
  return startListener({
    host: "127.0.0.1",
    port: 0,
    maxMessageBytes: 4 * 1024 * 1024,
    logger,
    routes,
    interceptors: [
      loggingInterceptor(logger),
      errorsInterceptor(logger),
      tenantInterceptor(),
      validationInterceptor(),
    ],
    ...limits,
  });
}
