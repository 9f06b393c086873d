import type { Logger } from "pino";
import { Admissions } from "../app/flow/admissions.ts";
import { stopForBlackouts } from "../app/flow/blackout-stops.ts";
import type { FlowConfigs } from "../app/flow/config-cache.ts";
import { FlowGates } from "../app/flow/gates.ts";
import { type Outcome, Outcomes } from "../app/flow/outcomes.ts";
import { SharedStates } from "../app/flow/shared-states.ts";
import type { FlowStateStore } from "../app/flow/state-store.ts";
import { stateViews } from "../app/flow/state-views.ts";
import { reportThrottle, type ThrottleReport } from "../app/flow/throttles.ts";
import type { NoticeBoard } from "../app/notices.ts";
import type { LeasePolicies } from "../domain/lease-policy.ts";
import type { Metrics } from "../http/metrics.ts";
import { usageIn } from "../ledger/claim.ts";
import type { LedgerPool } from "../ledger/pool.ts";
import { preemptIn, runningSourcesIn } from "../ledger/preempt.ts";

/** What limits are made of. */
export interface LimitsOptions {
  readonly pool: LedgerPool;
  readonly board: NoticeBoard;
  readonly configs: FlowConfigs;
  readonly policies: LeasePolicies;
  /** Where limiters and breakers are shared. */
  readonly states: FlowStateStore;
  readonly metrics: Pick<Metrics, "attemptsEnded" | "blocked">;
  readonly logger: Logger;
}

/** Flow control: what dispatch asks, and what it is told. */
export interface Limits {
  readonly gates: FlowGates;
  /** Attempts ended. */
  readonly ended: (outcomes: readonly Outcome[]) => void;
  readonly throttled: (report: ThrottleReport) => void;
  readonly stopForBlackouts: ReturnType<typeof stopForBlackouts>;
  readonly readStates: (tenant: string) => Promise<ReturnType<typeof stateViews>>;
  /** Begins to share; `tenants` answers those that somebody here works for. */
  readonly start: (tenants: () => readonly string[], onChanged: (tenant: string) => void) => void;
  readonly stop: () => Promise<void>;
}

/** Builds flow control over the ledger and a store of states. */
export function wireLimits(options: LimitsOptions): Limits {
  const { pool, board, configs, policies, metrics, logger } = options;
  const onError = (err: unknown) => logger.warn({ err }, "flow control");
  const now = Date.now;
  let tenants: () => readonly string[] = () => [];
  let onChanged: (tenant: string) => void = () => {};
  const admissions = new Admissions();
  const states = new SharedStates({
    store: options.states,
    tenants: () => tenants(),
    onChanged: (tenant) => onChanged(tenant),
    onError,
  });
  const outcomes = new Outcomes({ configs, states, admissions, random: Math.random, onError });
  const report = reportThrottle({ configs, states, admissions, now });
  const throttled = (throttle: ThrottleReport) => {
    logger.info(throttle, "an upstream asked to slow down");
    report(throttle).catch(onError);
  };
  const preempt = preemptIn(pool);
  return {
    gates: new FlowGates({
      configs,
      states,
      admissions,
      usage: usageIn(pool),
      onBlocked: (_tenant, by) => metrics.blocked(by),
      onError,
      now,
    }),
    ended: (ended) => {
      metrics.attemptsEnded(ended);
      outcomes.note(ended);
      for (const { tenant, source, failureClass, retryAfterMs } of ended) {
        if (failureClass !== "http_429" || source === "") continue;
        const told = { tenant, resource: source, retryAfterMs, reason: failureClass };
        throttled({ ...told, remaining: undefined });
      }
    },
    throttled,
    stopForBlackouts: stopForBlackouts({
      configs,
      runningSources: runningSourcesIn(pool),
      preempt: (tenant, sources, note) =>
        preempt(tenant, sources, note, policies.base.drainGraceMs),
      stop: (job) => {
        const graceMs = policies.base.drainGraceMs;
        board.publish({ kind: "stop", ...job, reason: "preempted", graceMs });
      },
      now,
    }),
    readStates: async (tenant) => stateViews(await states.read(tenant), now()),
    start: (tenantsHere, changed) => {
      tenants = tenantsHere;
      onChanged = changed;
      states.start();
      outcomes.start();
      board.subscribe((notice) => {
        if (notice.kind === "changed") notice.tenants.forEach(changed);
      });
      // Not by the notice of a change: then the new settings are still on their way.
      configs.subscribe((config) => changed(config.tenant));
    },
    stop: async () => {
      await outcomes.stop();
      await states.stop();
    },
  };
}
