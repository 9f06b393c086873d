import { fileURLToPath } from "node:url";
import { type Exit, type Program, startProgram } from "./program.ts";

const MAIN = fileURLToPath(new URL("../../server/src/main.ts", import.meta.url));

/** The lease policy of tests: short enough to wait for, long enough for a busy machine. */
export const TTL_MS = 3_000;

const POLICY = {
  leaseTtl: "3s",
  renewInterval: "0.5s",
  expirySweep: "0.3s",
  offerAcceptDeadline: "5s",
  drainGrace: "15s",
  reconnectMin: "0.05s",
  reconnectMax: "0.5s",
  goawayNotice: "0.3s",
  retry: { initialBackoff: "0.05s", maxBackoff: "0.2s" },
};

/** How a server is started. */
export interface ServerOptions {
  /** An outside Postgres; the embedded one in `dataDir` if not given. */
  readonly databaseUrl?: string;
  readonly dataDir: string;
  /** 0 unless told. */
  readonly port?: number;
  /** Changes of the tests' lease policy, in proto JSON. */
  readonly policy?: Readonly<Record<string, unknown>>;
  /** Further settings, by their environment variables. */
  readonly env?: Readonly<Record<string, string>>;
}

/** The real server as a process of its own. */
export interface ServerProcess {
  readonly url: string;
  readonly port: number;
  readonly program: Program;
  /** SIGTERM, and waits for the end. */
  stop(): Promise<Exit>;
  /** SIGKILL, and waits for the end. */
  kill(): Promise<Exit>;
}

/** Starts server/src/main.ts and waits until it says that it is ready. */
export async function startServer(options: ServerOptions): Promise<ServerProcess> {
  const { databaseUrl, dataDir, port = 0, policy, env } = options;
  const program = startProgram([MAIN, "--log-format", "json"], {
    ORCH_PORT: String(port),
    ORCH_DATA_DIR: dataDir,
    ORCH_LEASE_POLICY: JSON.stringify({ default: { ...POLICY, ...policy } }),
    ...(databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl }),
    ...env,
  });
  const ready = await program.line((line) => line.msg === "ready");
  const url = String(ready.url);
  return {
    url,
    port: Number(new URL(url).port),
    program,
    stop: () => program.end("SIGTERM"),
    kill: () => program.end("SIGKILL"),
  };
}
