import { type Logger, pino } from "pino";
import pretty from "pino-pretty";
import type { LogFormat, LogLevel } from "./config.ts";

/** Replaced wherever they stand in a logged object, one level down included. */
const SECRETS = [
  "password",
  "token",
  "leaseToken",
  "authorization",
  "cookie",
  "payload",
  "result",
  "checkpoint",
  "databaseUrl",
  "url.password",
];

/** What {@link createLogger} needs. */
export interface LoggerOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Whether standard output is a terminal. */
  readonly isTerminal: boolean;
  readonly serverId: string;
}

/** Whether lines are for people rather than for programs. */
export const isPretty = ({ format, isTerminal }: Pick<LoggerOptions, "format" | "isTerminal">) =>
  format === "pretty" || (format === "auto" && isTerminal);

/** Deeper chains of causes are cut off: the first few say what happened. */
const MAX_CAUSES = 4;

/**
 * What a log line says of an error. Not what hangs on it besides: pg puts its whole client there,
 * with statements and keys in it.
 */
function errorFacts(error: unknown, depth = 0): object | string {
  if (!(error instanceof Error)) return String(error);
  const { name, message, stack, cause } = error;
  const { code } = error as { code?: unknown };
  return {
    type: name,
    message,
    stack,
    ...(code === undefined ? {} : { code }),
    ...(cause === undefined || depth >= MAX_CAUSES ? {} : { cause: errorFacts(cause, depth + 1) }),
  };
}

/**
 * Makes the server's logger, on standard output. Secrets and payloads are redacted by key, as a
 * second line of defence: the code does not log them in the first place.
 */
export function createLogger(options: LoggerOptions): Logger {
  const settings = {
    level: options.level,
    base: { server: options.serverId },
    serializers: { err: (error: unknown) => errorFacts(error) },
    redact: { paths: SECRETS.flatMap((key) => [key, `*.${key}`]), censor: "[redacted]" },
  };
  if (!isPretty(options)) return pino(settings);
  // In this thread: a worker thread would lose the lines that matter most, those before a crash.
  const stream = pretty({
    colorize: options.isTerminal,
    ignore: "server,pid,hostname",
    sync: true,
  });
  return pino(settings, stream);
}
