import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import type { Logger } from "pino";
import { banner } from "./banner.ts";
import { type Config, ConfigError, readConfig } from "./config.ts";
import { createLogger, isPretty } from "./logging.ts";
import { wire } from "./wiring.ts";

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

// npm passes Ctrl-C on to a program that the terminal has told already. Nobody is that quick.
const SAME_SIGNAL_MS = 200;

// A stop that takes longer than this after the drain grace is stuck, and is cut short.
const STUCK_AFTER_MS = 15_000;
const LONGEST_DRAIN_MS = 25_000;

const config = configOrExit();
const isTerminal = process.stdout.isTTY === true;
const pretty = isPretty({ format: config.logFormat, isTerminal });
const logger = createLogger({
  level: config.logLevel,
  format: config.logFormat,
  isTerminal,
  serverId: config.serverId,
});

const nothingYet = async (): Promise<void> => undefined;
const server = { stop: nothingYet };
let stopping = false;
listenForTheEnd(logger, config);

try {
  const running = await wire(config, logger);
  server.stop = running.stop;
  if (stopping) await running.stop();
  else announce(running.url);
} catch (error) {
  logger.fatal({ err: error }, "the server does not start");
  process.exit(EXIT_FAILED);
}

function configOrExit(): Config {
  const defaultServerId = `${hostname()}-${randomBytes(3).toString("hex")}`;
  try {
    const result = readConfig(process.argv.slice(2), process.env, defaultServerId);
    if (result.kind === "config") return result.config;
    process.stdout.write(result.text);
    process.exit(0);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\nTry --help.\n`);
    process.exit(EXIT_USAGE);
  }
}

/** The line that programs wait for is logged at any level but silent's, by its own message. */
function announce(url: string): void {
  if (pretty) process.stdout.write(banner(url, isTerminal));
  else
    process.stdout.write(`${JSON.stringify({ level: 30, time: Date.now(), msg: "ready", url })}\n`);
}

function listenForTheEnd(log: Logger, { drainGraceMs }: Config): void {
  let stoppingSince = 0;
  const stop = (why: string) => {
    if (stopping) {
      if (performance.now() - stoppingSince < SAME_SIGNAL_MS) return;
      log.warn({ why }, "stopped at once");
      process.exit(EXIT_FAILED);
    }
    stopping = true;
    stoppingSince = performance.now();
    log.info({ why }, "stopping");
    const stuck = () => {
      log.error("the stop takes too long");
      process.exit(EXIT_FAILED);
    };
    setTimeout(stuck, (drainGraceMs ?? LONGEST_DRAIN_MS) + STUCK_AFTER_MS).unref();
    server.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        log.fatal({ err: error }, "the stop failed");
        process.exit(EXIT_FAILED);
      },
    );
  };
  process.on("SIGTERM", () => stop("SIGTERM"));
  process.on("SIGINT", () => stop("SIGINT"));
  // Started by a program that is gone: nobody is left to stop this one.
  process.on("disconnect", () => {
    if (!stopping) stop("parent gone");
  });
  const fatal = (err: unknown, kind: string) => {
    log.fatal({ err }, kind);
    process.exit(EXIT_FAILED);
  };
  process.on("unhandledRejection", (reason) => fatal(reason, "unhandled rejection"));
  process.on("uncaughtException", (error) => fatal(error, "uncaught exception"));
}
