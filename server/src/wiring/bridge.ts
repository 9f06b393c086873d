import type { Logger } from "pino";
import { claimJobs as claimJobsUnary } from "../app/bridge/claim-jobs.ts";
import { type Claim, type ClaimAnswer, Dispatcher } from "../app/bridge/dispatcher.ts";
import { type LeaseWrites, leaseWrites } from "../app/bridge/lease-writes.ts";
import { Sessions } from "../app/bridge/sessions.ts";
import type { NoticeBoard } from "../app/notices.ts";
import type { LeasePolicies } from "../domain/lease-policy.ts";
import {
  claimedAll,
  claimJobs,
  claimWithReceipt,
  findLanes,
  findReceipt,
} from "../ledger/claim.ts";
import { findUnnamed } from "../ledger/leases.ts";
import type { LedgerPool } from "../ledger/pool.ts";
import { closeSessionIn, openSessionIn } from "../ledger/sessions.ts";
import { PostgresReadyQueue } from "../queue/postgres.ts";
import type { JobLog } from "./job-log.ts";
import type { Store } from "./store.ts";

/** What the bridge is made of. */
export interface BridgeOptions {
  readonly pool: LedgerPool;
  readonly board: NoticeBoard;
  readonly policies: LeasePolicies;
  readonly store: Store;
  readonly serverId: string;
  readonly logger: Logger;
  readonly log: JobLog;
}

/** What hands out jobs and takes their results. */
export interface Bridge {
  readonly dispatcher: Dispatcher;
  readonly sessions: Sessions;
  readonly writes: LeaseWrites;
  readonly claim: ReturnType<typeof claimJobsUnary>;
}

/** Builds the dispatcher, the sessions and the unary claim over the ledger. */
export function wireBridge(options: BridgeOptions): Bridge {
  const { pool, board, policies, store, logger } = options;
  const onError = (err: unknown) => logger.warn({ err }, "bridge");
  const dispatcher = new Dispatcher({
    queue: new PostgresReadyQueue(),
    policies,
    claim: claimIn(pool, options.log),
    findLanes: findLanes(pool),
    giveBack: (leases) => {
      const reason = "its taker went away";
      store.leases
        .giveBack({ leases, actor: "dispatcher", reason, onlyOffered: true })
        .catch(onError);
    },
    onError,
  });
  board.subscribe((notice) => {
    if (notice.kind === "ready") dispatcher.ready(notice.lanes);
  });
  const writes = leaseWrites(store.leases);
  const sessions = new Sessions({
    session: {
      writes,
      policy: policies.base,
      throttled: ({ tenant, workerId }, resourceKey, retryAfterMs) =>
        logger.info({ tenant, workerId, resourceKey, retryAfterMs }, "throttled"),
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

/** Offers for streams, active leases under a receipt for unary claims. */
function claimIn(pool: LedgerPool, log: JobLog) {
  const offer = claimJobs(pool);
  const lease = claimWithReceipt(pool);
  return async (claim: Claim): Promise<ClaimAnswer> => {
    if (claim.requestId === undefined) {
      const claimed = await offer({ ...claim, state: "offered" });
      log.handedOut(claim.workerId, offersOf(claimed));
      return { claimed, exhausted: claimedAll(claim.limit, claimed), repeated: false };
    }
    const answer = await lease({ ...claim, state: "running" }, claim.requestId);
    log.handedOut(claim.workerId, offersOf(answer.claimed));
    return { ...answer, exhausted: claimedAll(claim.limit, answer.claimed) };
  };
}

const offersOf = (claimed: ClaimAnswer["claimed"]) => claimed.map(({ offer }) => offer);
