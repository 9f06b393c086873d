import type { Logger } from "pino";
import type { Claim } from "../app/bridge/claim.ts";
import { claimJobs as claimJobsUnary } from "../app/bridge/claim-jobs.ts";
import { Dispatcher } from "../app/bridge/dispatcher.ts";
import { type LeaseWrites, leaseWrites } from "../app/bridge/lease-writes.ts";
import type { ReadyQueue } from "../app/bridge/ready-queue.ts";
import { Sessions } from "../app/bridge/sessions.ts";
import type { NoticeBoard } from "../app/notices.ts";
import type { LeasePolicies } from "../domain/lease-policy.ts";
import type { Metrics } from "../http/metrics.ts";
import { claimJobsIn, findLanes, findReceipt } from "../ledger/claim.ts";
import { findUnnamed } from "../ledger/leases.ts";
import type { LedgerPool } from "../ledger/pool.ts";
import { closeSessionIn, openSessionIn } from "../ledger/sessions.ts";
import type { JobLog } from "./job-log.ts";
import type { Limits } from "./limits.ts";
import type { Store } from "./store.ts";

/** What the bridge is made of. */
export interface BridgeOptions {
  readonly pool: LedgerPool;
  readonly board: NoticeBoard;
  readonly policies: LeasePolicies;
  readonly queue: ReadyQueue;
  readonly flow: Limits;
  readonly store: Store;
  readonly serverId: string;
  readonly logger: Logger;
  readonly log: JobLog;
  readonly metrics: Pick<Metrics, "claimAnswered" | "handedOut">;
}

/** What hands out jobs and takes their results. */
export interface Bridge {
  readonly dispatcher: Dispatcher;
  readonly sessions: Sessions;
  readonly writes: LeaseWrites;
  readonly claim: ReturnType<typeof claimJobsUnary>;
}

/**
 * Claims of different tenants that may be under way at once. Two keep Postgres busy while a commit
 * waits for the disk; more would only make everybody's claims slower.
 */
const CLAIMS_AT_ONCE = 2;

/** Builds the dispatcher, the sessions and the unary claim over the ledger. */
export function wireBridge(options: BridgeOptions): Bridge {
  const { pool, board, policies, queue, flow, store, logger } = options;
  const onError = (err: unknown) => logger.warn({ err }, "bridge");
  const dispatcher = new Dispatcher({
    queue,
    policies,
    gates: flow.gates,
    claimsAtOnce: CLAIMS_AT_ONCE,
    claim: claimIn(pool, options.log, options.metrics),
    findLanes: findLanes(pool),
    giveBack: async (leases) => {
      const reason = "its taker went away";
      await store.leases.giveBack({ leases, actor: "dispatcher", reason, onlyOffered: false });
    },
    onError,
  });
  board.subscribe((notice) => {
    if (notice.kind === "ready") dispatcher.ready(notice.lanes, notice.here);
  });
  const writes = leaseWrites(store.leases);
  const sessions = new Sessions({
    session: {
      writes,
      policy: policies.base,
      throttled: ({ tenant }, resource, retryAfterMs, remaining) =>
        flow.throttled({ tenant, resource, retryAfterMs, remaining, reason: "throttle" }),
    },
    dispatcher,
    board,
    policy: policies.base,
    openRow: openSessionIn(pool, options.serverId),
    closeRow: closeSessionIn(pool),
    findUnnamed: findUnnamed(pool),
    giveBack: store.leases.giveBack,
    end: store.leases.end,
    random: Math.random,
    onError,
  });
  const claim = claimJobsUnary({
    policy: policies.base,
    findReceipt: findReceipt(pool),
    register: (claimant) => dispatcher.register(claimant),
    unregister: (claimant) => dispatcher.unregister(claimant),
  });
  return { dispatcher, sessions, writes, claim };
}

/** Claims in the ledger, and what is said and counted of them. */
function claimIn(pool: LedgerPool, log: JobLog, metrics: BridgeOptions["metrics"]) {
  const claimJobs = claimJobsIn(pool);
  return async (claim: Claim) => {
    const startedAt = performance.now();
    const answer = await claimJobs(claim);
    metrics.claimAnswered(performance.now() - startedAt);
    if (!answer.repeated) metrics.handedOut(answer.claimed.length);
    const offers = answer.claimed.map(({ offer }) => offer);
    log.handedOut(claim.workerId, offers);
    return answer;
  };
}
