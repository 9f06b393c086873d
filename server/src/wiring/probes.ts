import type { Logger } from "pino";
import { ledgerProbe, PROBE_PATIENCE_MS } from "../app/ledger-probe.ts";
import { createMetrics, type Metrics } from "../http/metrics.ts";
import { probeRoutes } from "../http/probe-routes.ts";
import { pingIn, sampleReadyIn } from "../ledger/health.ts";
import type { LedgerPool } from "../ledger/pool.ts";
import { sampled } from "../lib/sampled.ts";
import { within } from "../lib/within.ts";
import type { Bridge } from "./bridge.ts";

/** What metrics and probes are made of. */
export interface ProbesOptions {
  readonly pool: LedgerPool;
  /** Works as orch_loops; probes wait in no line of the hot path. */
  readonly loopsPool: LedgerPool;
  /** Called only once the server is built. */
  readonly bridge: () => Pick<Bridge, "dispatcher" | "sessions">;
  readonly logger: Logger;
}

/** Metrics, and what serves them and the health of this replica. */
export interface Probes {
  readonly metrics: Metrics;
  /** Takes requests for /metrics and /healthz; `serving` is false once the server stops. */
  readonly routes: (serving: () => boolean) => ReturnType<typeof probeRoutes>;
}

/** How long a count of ready jobs is good for, in milliseconds: it reads the hot table. */
const READY_MAX_AGE_MS = 5_000;

/** Ready jobs that are counted at most, and tenants whose jobs are. */
const MAX_READY = 10_000;
const MAX_TENANTS = 1_000;

/** Builds the metrics; what they show of the bridge is looked up when somebody reads them. */
export function wireProbes({ pool, loopsPool, bridge, logger }: ProbesOptions): Probes {
  const now = () => performance.now();
  const ledgerUp = ledgerProbe(pingIn(loopsPool), now);
  const sampleReady = sampleReadyIn(pool);
  const countReady = () =>
    sampleReady(bridge().dispatcher.tenants.slice(0, MAX_TENANTS), MAX_READY);
  const metrics = createMetrics({
    sessions: () => bridge().sessions.count,
    slots: () => bridge().sessions.slots(),
    readyJobs: sampled(() => within(countReady(), PROBE_PATIENCE_MS), READY_MAX_AGE_MS, now),
    ledgerUp,
  });
  return {
    metrics,
    routes: (serving) =>
      probeRoutes({
        expose: metrics.expose,
        serving,
        ledgerUp,
        onError: (err) => logger.warn({ err }, "a probe failed"),
      }),
  };
}
