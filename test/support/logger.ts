import pino from "pino";

/** For tests that need a logger and not its lines. */
export const silentLogger = pino({ level: "silent" });
