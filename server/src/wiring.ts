import { join } from "node:path";
import type { Logger } from "pino";
import { openBlobFolder } from "./blobs/folder.ts";
import type { Config } from "./config.ts";
import { startEmbeddedPostgres } from "./ledger/embedded.ts";
import { migrate } from "./ledger/migrate.ts";
import { PostgresNotices } from "./ledger/notices.ts";
import { openPool } from "./ledger/pool.ts";
import { readLeasePolicies } from "./rpc/lease-policy.ts";
import { startListener } from "./rpc/listener.ts";
import { contractRoutes } from "./rpc/routes.ts";
import { wireBridge } from "./wiring/bridge.ts";
import { wireFeatures } from "./wiring/features.ts";
import { wireFlowConfigs, wireWriteLimits } from "./wiring/flow.ts";
import { wireFlowStates } from "./wiring/flow-states.ts";
import { jobLog } from "./wiring/job-log.ts";
import { wireLimits } from "./wiring/limits.ts";
import { wireLoops } from "./wiring/loops.ts";
import { wireProbes } from "./wiring/probes.ts";
import { wireReadyQueue } from "./wiring/ready-queue.ts";
import { wireServices } from "./wiring/services.ts";
import { wireStore } from "./wiring/store.ts";

/** A server that serves. */
export interface RunningServer {
  /** Such as http://127.0.0.1:7400. */
  readonly url: string;
  /** Sends workers away, finishes what is under way, and stops. */
  readonly stop: () => Promise<void>;
}

/** Connections of the loops' pool: one each, and one to spare. */
const LOOP_CONNECTIONS = 3;

/**
 * How long workers get to take their streams elsewhere when the server stops, in milliseconds.
 * Leases outlive streams, so nobody has to finish a job in it.
 */
const GOODBYE_MS = 2_000;

/** Things to undo, last first. */
class Undo {
  readonly #steps: (() => Promise<unknown> | unknown)[] = [];

  add(step: () => Promise<unknown> | unknown): void {
    this.#steps.push(step);
  }

  async all(): Promise<void> {
    for (const step of this.#steps.splice(0).reverse()) await step();
  }
}

/** Builds a server out of its settings and starts it. What was started is stopped on failure. */
export async function wire(config: Config, logger: Logger): Promise<RunningServer> {
  const undo = new Undo();
  try {
    const url = await start(config, logger, undo);
    return { url, stop: () => undo.all() };
  } catch (error) {
    await undo.all();
    throw error;
  }
}

async function start(config: Config, logger: Logger, undo: Undo): Promise<string> {
  const policies = readLeasePolicies(config.leasePolicy);
  const { serverId } = config;
  const { pool, loopsPool, board } = await openLedger(config, logger, undo);
  const blobs = openBlobFolder(join(config.dataDir, "artifacts"));
  const log = jobLog(logger);
  const probes = wireProbes({ pool, loopsPool, bridge: () => bridge, logger });
  const { metrics } = probes;
  const configs = wireFlowConfigs({ pool, board }, (err) => logger.warn({ err }, "flow settings"));
  configs.start();
  undo.add(() => configs.stop());
  const limits = wireWriteLimits(pool, configs);
  const states = await wireFlowStates(config, pool, logger);
  undo.add(() => states.stop());
  const flow = wireLimits({
    pool,
    board,
    configs,
    policies,
    states: states.store,
    metrics,
    logger,
  });
  undo.add(() => flow.stop());
  const queue = wireReadyQueue(config, pool, logger, (tenant) => bridge.dispatcher.pump(tenant));
  await queue.start();
  undo.add(() => queue.stop());
  const { payloadQuota } = limits;
  const base = { pool, board, policies, metrics, log };
  const store = wireStore({ ...base, ended: flow.ended, payloadQuota });
  undo.add(() => store.idle());
  const bridge = wireBridge({ ...base, queue, flow, store, serverId, logger });
  const tenants = () => bridge.dispatcher.tenants;
  flow.start(tenants, (tenant) => bridge.dispatcher.changed([tenant]));
  bridge.dispatcher.start();
  bridge.sessions.start();
  undo.add(() => bridge.dispatcher.stop());
  const parts = { ...base, blobs, store, bridge, serverId, limits, flow, tenants };
  const stopping = new AbortController();
  const withStop = { ...parts, stopping: stopping.signal };
  const features = wireFeatures({ ...withStop, loopsPool, logger, config });
  const loops = [
    ...wireLoops({ ...parts, loopsPool, logger, onReplicas: board.others }),
    ...features.flatMap((feature) => feature.loops),
  ];
  for (const loop of loops) loop.start();
  undo.add(() => Promise.all(loops.map((loop) => loop.stop())));

  const services = wireServices(withStop, features);
  const { maxMessageBytes } = policies.base;
  const { serving, shutDown, ...contract } = contractRoutes(services, logger, maxMessageBytes);
  const { host, port, maxConnections, maxConcurrentStreams } = config;
  const fallback = probes.routes(() => !stopping.signal.aborted);
  const at = { host, port, maxMessageBytes, maxConnections, maxConcurrentStreams };
  const listener = await startListener({ ...at, ...contract, fallback, logger });
  const graceMs = config.drainGraceMs ?? policies.base.drainGraceMs;
  undo.add(async () => {
    shutDown();
    stopping.abort();
    const closed = listener.close(graceMs);
    await bridge.sessions.stop(Math.min(GOODBYE_MS, graceMs));
    await closed;
  });
  serving();
  return listener.url;
}

async function openLedger(config: Config, logger: Logger, undo: Undo) {
  let databaseUrl = config.databaseUrl;
  if (databaseUrl === undefined) {
    const embedded = await startEmbeddedPostgres({ dataDir: config.dataDir, logger });
    undo.add(() => embedded.stop());
    databaseUrl = embedded.url;
  }
  const { applied } = await migrate(databaseUrl);
  if (applied.length > 0) logger.info({ applied }, "migrated the ledger");
  const onIdleError = (err: Error) => logger.warn({ err }, "a connection to the ledger broke");
  const open = (role: "orch_app" | "orch_loops", maxConnections: number) => {
    const pool = openPool({ url: databaseUrl, role, maxConnections, onIdleError });
    undo.add(() => pool.end());
    return pool;
  };
  const pool = open("orch_app", config.poolSize);
  const loopsPool = open("orch_loops", LOOP_CONNECTIONS);
  const onError = (err: unknown) => logger.warn({ err }, "notices");
  const board = new PostgresNotices({ url: databaseUrl, serverId: config.serverId, onError });
  board.start();
  undo.add(() => board.stop());
  return { pool, loopsPool, board };
}
