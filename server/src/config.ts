import { Command, InvalidArgumentError, Option } from "commander";

/** The settings of a server. Times are milliseconds, sizes are bytes. */
export interface Config {
  /** The address to bind. */
  readonly host: string;
  /** The port; 0 takes a free one. */
  readonly port: number;
  /** Where the embedded Postgres and the artifacts live. */
  readonly dataDir: string;
  /** An outside Postgres; undefined means the embedded one. */
  readonly databaseUrl: string | undefined;
  /** The most connections that each pool opens. */
  readonly poolSize: number;
  /** What tells replicas where ready jobs are; the ledger decides in any case. */
  readonly readyQueue: ReadyQueueName;
  /** Nodes of one Valkey, with commas between them. */
  readonly valkeyUrl: string | undefined;
  /** Servers of one NATS, with commas between them. */
  readonly natsUrl: string | undefined;
  /** This replica's name, in Welcome and in the ledger. */
  readonly serverId: string;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
  /** Overrides of the contract's lease policy, JSON as given; rpc/ reads it. */
  readonly leasePolicy: string | undefined;
  /** How long a stop waits for calls under way; undefined means the policy's drain_grace. */
  readonly drainGraceMs: number | undefined;
  /** Open connections. */
  readonly maxConnections: number;
  /** Streams open at once on one HTTP/2 connection. */
  readonly maxConcurrentStreams: number;
  /** How long finished jobs are kept, from their end. */
  readonly retentionMs: number;
  /** How long dead letters are kept, from the job's death. */
  readonly deadLetterRetentionMs: number;
  /** How long operations, firings and finished backfills are kept, from their end. */
  readonly operationRetentionMs: number;
  /** Work that waits in vain for so long is reported. */
  readonly stuckAfterMs: number;
}

const HOUR_MS = 3_600_000;

const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "silent"] as const;
/** What is logged: this level and those after it. */
export type LogLevel = (typeof LOG_LEVELS)[number];

const LOG_FORMATS = ["json", "pretty", "auto"] as const;
/** JSON lines, lines for people, or the latter on a terminal only. */
export type LogFormat = (typeof LOG_FORMATS)[number];

const READY_QUEUES = ["postgres", "valkey", "nats"] as const;
/** What the ready queue is on. */
export type ReadyQueueName = (typeof READY_QUEUES)[number];

/** A setting has a value that cannot be used. The message names the setting. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** One setting: the only place that knows its names, its default and what it means. */
interface Setting {
  readonly key: keyof Config;
  readonly env: string;
  readonly flag: string;
  readonly meaning: string;
  readonly default?: string | number;
  /** The default as --help shows it, where that is in another unit. */
  readonly defaultShown?: string;
  readonly choices?: readonly string[];
  /** Turns text into the value; throws InvalidArgumentError with what would be right. */
  readonly parse?: (text: string) => unknown;
}

const SETTINGS: readonly Setting[] = [
  {
    key: "host",
    env: "ORCH_HOST",
    flag: "--host <address>",
    meaning: "address to bind; anything but loopback opens the server to others",
    default: "127.0.0.1",
    parse: nonEmpty,
  },
  {
    key: "port",
    env: "ORCH_PORT",
    flag: "--port <number>",
    meaning: "TCP port for gRPC, gRPC-Web, Connect and HTTP/1.1; 0 takes a free one",
    default: 7400,
    parse: integer(0, 65_535),
  },
  {
    key: "dataDir",
    env: "ORCH_DATA_DIR",
    flag: "--data-dir <folder>",
    meaning: "embedded Postgres and artifacts; survives restarts",
    default: ".orchestrator",
    parse: nonEmpty,
  },
  {
    key: "databaseUrl",
    env: "DATABASE_URL",
    flag: "--database-url <url>",
    meaning: "an outside Postgres, 14 or newer, instead of the embedded one",
    parse: postgresUrl,
  },
  {
    key: "poolSize",
    env: "ORCH_POOL_SIZE",
    flag: "--pool-size <connections>",
    meaning: "most connections that each pool opens to Postgres",
    default: 8,
    parse: integer(1, 200),
  },
  {
    key: "readyQueue",
    env: "ORCH_READY_QUEUE",
    flag: "--ready-queue <name>",
    meaning: "what tells replicas where ready jobs are",
    default: "postgres",
    choices: READY_QUEUES,
  },
  {
    key: "valkeyUrl",
    env: "ORCH_VALKEY_URL",
    flag: "--valkey-url <urls>",
    meaning: "a Valkey, 8 or newer; several nodes of a cluster with commas between them",
    parse: urls("redis", "rediss"),
  },
  {
    key: "natsUrl",
    env: "ORCH_NATS_URL",
    flag: "--nats-url <urls>",
    meaning: "a NATS with JetStream; several servers with commas between them",
    parse: urls("nats", "tls"),
  },
  {
    key: "serverId",
    env: "ORCH_SERVER_ID",
    flag: "--server-id <name>",
    meaning: "name of this replica (default: host name and a random part)",
    parse: serverName,
  },
  {
    key: "logLevel",
    env: "ORCH_LOG_LEVEL",
    flag: "--log-level <level>",
    meaning: "least important lines that are logged",
    default: "info",
    choices: LOG_LEVELS,
  },
  {
    key: "logFormat",
    env: "ORCH_LOG_FORMAT",
    flag: "--log-format <format>",
    meaning: "auto: pretty on a terminal, else JSON lines",
    default: "auto",
    choices: LOG_FORMATS,
  },
  {
    key: "leasePolicy",
    env: "ORCH_LEASE_POLICY",
    flag: "--lease-policy <json>",
    meaning: 'overrides, such as {"default":{"leaseTtl":"30s"},"jobTypes":{"a.b":{}}}',
    parse: jsonObject,
  },
  {
    key: "drainGraceMs",
    env: "ORCH_DRAIN_GRACE",
    flag: "--drain-grace <seconds>",
    meaning: "how long a stop waits for calls under way (default: the lease policy's)",
    parse: (text) => integer(0, 3_600)(text) * 1_000,
  },
  {
    key: "maxConnections",
    env: "ORCH_MAX_CONNECTIONS",
    flag: "--max-connections <count>",
    meaning: "open TCP connections; more are refused",
    default: 10_000,
    parse: integer(1, 1_000_000),
  },
  {
    key: "maxConcurrentStreams",
    env: "ORCH_MAX_CONCURRENT_STREAMS",
    flag: "--max-concurrent-streams <count>",
    meaning: "calls open at once on one HTTP/2 connection",
    default: 256,
    parse: integer(1, 10_000),
  },
  {
    key: "retentionMs",
    env: "ORCH_RETENTION",
    flag: "--retention <hours>",
    meaning: "how long finished jobs are kept",
    ...hours(720),
  },
  {
    key: "deadLetterRetentionMs",
    env: "ORCH_DEAD_LETTER_RETENTION",
    flag: "--dead-letter-retention <hours>",
    meaning: "how long dead letters are kept",
    ...hours(2_160),
  },
  {
    key: "operationRetentionMs",
    env: "ORCH_OPERATION_RETENTION",
    flag: "--operation-retention <hours>",
    meaning: "how long operations, firings of schedules and finished backfills are kept",
    ...hours(720),
  },
  {
    key: "stuckAfterMs",
    env: "ORCH_STUCK_AFTER",
    flag: "--stuck-after <seconds>",
    meaning: "work that waits in vain for so long is reported",
    default: 600_000,
    defaultShown: "600",
    parse: (text) => integer(1, 604_800)(text) * 1_000,
  },
];

/** What {@link readConfig} found: settings, or a text to print before leaving. */
export type ConfigResult =
  | { readonly kind: "config"; readonly config: Config }
  | { readonly kind: "help"; readonly text: string };

/**
 * Reads the settings: a flag wins over the environment, which wins over the default. An empty
 * variable counts as not set.
 *
 * Throws {@link ConfigError} for an unknown flag or a value that cannot be used.
 */
export function readConfig(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  defaultServerId: string,
): ConfigResult {
  // Written in pieces.
  let help = "";
  const command = describe((text) => {
    help += text;
  });
  try {
    command.parse(args, { from: "user" });
  } catch (error) {
    if (help !== "") return { kind: "help", text: help };
    // Without the value: an address of a database has a password.
    const { message } = error as Error;
    throw new ConfigError(
      message.replace(/^error: /, "").replace(/ argument '.*' is invalid\./, ":"),
    );
  }
  const flags = command.opts<Record<string, unknown>>();
  const config: Record<string, unknown> = {};
  for (const setting of SETTINGS) {
    config[setting.key] =
      flags[new Option(setting.flag).attributeName()] ?? fromEnvironment(setting, environment);
  }
  config.serverId ??= defaultServerId;
  for (const { env, key } of SETTINGS) {
    if (key !== `${config.readyQueue}Url` || config[key] !== undefined) continue;
    throw new ConfigError(`${env} is needed for the ready queue on ${config.readyQueue}`);
  }
  return { kind: "config", config: config as unknown as Config };
}

function describe(onHelp: (text: string) => void): Command {
  const command = new Command("orchestrator-server")
    .description("StellaOps Orchestrator: hands out jobs to task runners and never loses one.")
    .exitOverride()
    .allowExcessArguments(false)
    .configureOutput({ writeOut: onHelp, writeErr: () => undefined })
    .configureHelp({ showGlobalOptions: false })
    .addHelpText("after", "\nEvery flag can be given by its environment variable instead.");
  for (const setting of SETTINGS) {
    const shown = setting.defaultShown ?? setting.default;
    const fallback = shown === undefined ? "" : ` (default: ${shown})`;
    const choices = setting.choices === undefined ? "" : ` {${setting.choices.join(", ")}}`;
    const meaning = `${setting.meaning}${choices}${fallback} [${setting.env}]`;
    const option = new Option(setting.flag, meaning).argParser((text) => parse(setting, text));
    command.addOption(option);
  }
  return command;
}

function fromEnvironment(
  setting: Setting,
  environment: Readonly<Record<string, string | undefined>>,
): unknown {
  const text = environment[setting.env];
  if (text === undefined || text === "") return setting.default;
  try {
    return parse(setting, text);
  } catch (error) {
    throw new ConfigError(`${setting.env}: ${(error as Error).message}`);
  }
}

function parse(setting: Setting, text: string): unknown {
  if (setting.choices === undefined)
    return setting.parse === undefined ? text : setting.parse(text);
  if (setting.choices.includes(text)) return text;
  throw new InvalidArgumentError(`must be one of ${setting.choices.join(", ")}`);
}

function integer(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`must be a whole number from ${least} to ${most}`);
  };
}

/** A setting in hours, one at least; its value is in milliseconds. */
function hours(fallback: number): Pick<Setting, "default" | "defaultShown" | "parse"> {
  return {
    default: fallback * HOUR_MS,
    defaultShown: String(fallback),
    parse: (text) => integer(1, 876_000)(text) * HOUR_MS,
  };
}

function nonEmpty(text: string): string {
  if (text.trim() === "") throw new InvalidArgumentError("must not be empty");
  return text;
}

function serverName(text: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/.test(text)) return text;
  throw new InvalidArgumentError("must be 1 to 128 letters, digits, dots, dashes or colons");
}

function postgresUrl(text: string): string {
  // Never echoed: it has a password.
  if (/^postgres(ql)?:\/\//.test(text)) return text;
  throw new InvalidArgumentError("must begin with postgresql://");
}

function urls(...schemes: readonly string[]): (text: string) => string {
  const pattern = new RegExp(`^(${schemes.join("|")})://[^,]+$`);
  return (text) => {
    // Never echoed: they may have passwords.
    if (text.split(",").every((one) => pattern.test(one))) return text;
    throw new InvalidArgumentError(`must begin with ${schemes.join(":// or ")}://`);
  };
}

function jsonObject(text: string): string {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return text;
  } catch {
    // Falls through to the message below, which says more than the parser.
  }
  throw new InvalidArgumentError("must be a JSON object");
}
