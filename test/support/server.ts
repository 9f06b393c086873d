import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Config } from "../../server/src/config.ts";
import { newId } from "../../server/src/lib/ids.ts";
import { silentLogger } from "./logger.ts";

// Loaded by Node itself, like main.ts does; Vite's module runner lacks import.meta.resolve.
const { wire } = createRequire(import.meta.url)(
  "../../server/src/wiring.ts",
) as typeof import("../../server/src/wiring.ts");

/** A whole server inside this process, on a free port of loopback. */
export interface ServerHere {
  readonly url: string;
  readonly stop: () => Promise<void>;
}

const DAY_MS = 86_400_000;

/** Settings that tests make shorter. */
type Clocks = Pick<
  Config,
  "retentionMs" | "deadLetterRetentionMs" | "operationRetentionMs" | "stuckAfterMs"
>;

/** Starts a server on an existing database; `policy` overrides the lease policy, in proto JSON. */
export const startServerHere = (
  databaseUrl: string,
  policy: object = {},
  clocks: Partial<Clocks> = {},
): Promise<ServerHere> =>
  wire(
    {
      host: "127.0.0.1",
      port: 0,
      dataDir: join(tmpdir(), `orch-test-${newId()}`),
      databaseUrl,
      poolSize: 4,
      readyQueue: "postgres",
      valkeyUrl: undefined,
      natsUrl: undefined,
      serverId: `test-${newId()}`,
      logLevel: "silent",
      logFormat: "json",
      leasePolicy: JSON.stringify({ default: policy }),
      drainGraceMs: 2_000,
      maxConnections: 100,
      maxConcurrentStreams: 100,
      retentionMs: 30 * DAY_MS,
      deadLetterRetentionMs: 90 * DAY_MS,
      operationRetentionMs: 30 * DAY_MS,
      stuckAfterMs: 600_000,
      ...clocks,
    },
    silentLogger,
  );
