/** Where log lines go: pino's loggers fit, and so does anything with these four methods. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

const levels = ["debug", "info", "warn", "error"] as const;
type Level = (typeof levels)[number];

const byLevel = (log: (level: Level, fields: object, message: string) => void): Logger => ({
  debug: (fields, message) => log("debug", fields, message),
  info: (fields, message) => log("info", fields, message),
  warn: (fields, message) => log("warn", fields, message),
  error: (fields, message) => log("error", fields, message),
});

/** Adds fields to every line of a logger. */
export const withFields = (logger: Logger, bound: object): Logger =>
  byLevel((level, fields, message) => logger[level]({ ...bound, ...fields }, message));

/** What JSON makes of a field: errors with their message, epochs as digits. */
function readable(_key: string, value: unknown): unknown {
  if (value instanceof Error) return { name: value.name, message: value.message };
  return typeof value === "bigint" ? value.toString() : value;
}

/** A logger that writes JSON lines of at least `minimum` to stderr. */
export function stderrLogger(minimum: Level = "info"): Logger {
  return byLevel((level, fields, message) => {
    if (levels.indexOf(level) < levels.indexOf(minimum)) return;
    const time = new Date().toISOString();
    process.stderr.write(`${JSON.stringify({ level, time, ...fields, msg: message }, readable)}\n`);
  });
}

/** A logger that says nothing. */
export const silentLogger: Logger = byLevel(() => {});
