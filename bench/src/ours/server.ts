import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Program, startNode } from "../processes.ts";

const MAIN = fileURLToPath(new URL("../../../server/src/main.ts", import.meta.url));
const DATA = fileURLToPath(new URL("../../.data", import.meta.url));

/** How a server is started. */
export interface ServerOptions {
  readonly databaseUrl: string;
  readonly name?: string;
  /** More settings of the server, by their variables. */
  readonly env?: Readonly<Record<string, string>>;
}

/** The real server as a process of its own. */
export interface BenchServer {
  readonly program: Program;
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Starts server/src/main.ts with its defaults, except that it logs warnings only, and waits until
 * it is ready.
 */
export async function startServer(options: ServerOptions): Promise<BenchServer> {
  const { databaseUrl, name = "server", env = {} } = options;
  const dataDir = join(DATA, `server-${process.pid}-${Math.random().toString(36).slice(2)}`);
  await mkdir(dataDir, { recursive: true });
  const program = startNode(name, MAIN, ["--log-format", "json"], {
    channel: true,
    env: {
      ORCH_PORT: "0",
      ORCH_DATA_DIR: dataDir,
      ORCH_LOG_LEVEL: "warn",
      DATABASE_URL: databaseUrl,
      ...env,
    },
  });
  const stop = async () => {
    await program.stop();
    await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const ready = await program.next((line) => line.msg === "ready");
    return { program, url: String(ready.url), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
