import type { Logger } from "pino";
import { announce, type NoticeBoard } from "../app/notices.ts";
import type { BlobFolder } from "../blobs/folder.ts";
import type { LeasePolicies } from "../domain/lease-policy.ts";
import {
  cancelOverdueIn,
  findNextDue,
  findTenantsWithDueJobs,
  findTenantsWithDueLeases,
  forgetOld,
  promoteDueIn,
  reapExpiredIn,
  tickIn,
} from "../ledger/loops.ts";
import type { LedgerPool } from "../ledger/pool.ts";
import type { Loop } from "../lib/loop.ts";
import { blackouts } from "../loops/blackouts.ts";
import { janitor } from "../loops/janitor.ts";
import { promoter } from "../loops/promoter.ts";
import { reaper } from "../loops/reaper.ts";
import { OUTAGE_GAP_MS, ticker } from "../loops/ticker.ts";
import type { Limits } from "./limits.ts";
import { decideBy } from "./store.ts";

/** What the loops are made of. */
export interface LoopsOptions {
  readonly pool: LedgerPool;
  /** Works as orch_loops. */
  readonly loopsPool: LedgerPool;
  readonly blobs: BlobFolder;
  readonly board: NoticeBoard;
  readonly policies: LeasePolicies;
  readonly serverId: string;
  readonly logger: Logger;
  readonly onReplicas: (others: number) => void;
  readonly flow: Limits;
  /** The tenants that somebody here works for. */
  readonly tenants: () => readonly string[];
}

/** How long an upload that nobody goes on with is kept, in milliseconds; see QueryUpload. */
const STALE_UPLOAD_MS = 24 * 60 * 60 * 1_000;

/** Builds the loops; wakes the promoter when something is scheduled. */
export function wireLoops(options: LoopsOptions): readonly Loop[] {
  const { pool, loopsPool, board, policies, logger } = options;
  const policy = policies.base;
  const onError = (loop: string, err: unknown) => logger.warn({ loop, err }, "a tick failed");
  const tick = tickIn(loopsPool, options.serverId);
  const reap = reapExpiredIn(pool, decideBy(policies));
  const cancelOverdue = cancelOverdueIn(pool);
  const promote = promoteDueIn(pool);
  const promoting = promoter({
    tenantsWithDueJobs: findTenantsWithDueJobs(loopsPool),
    promote: async (tenants) => {
      const promoted = await promote(tenants);
      announce(board, promoted);
      return promoted.count;
    },
    nextDueMs: findNextDue(loopsPool),
    onError,
  });
  board.subscribe((notice) => {
    if (notice.kind === "scheduled") promoting.wake();
  });
  return [
    ticker({
      tick,
      onOutage: (outageMs) =>
        logger.warn({ outageMs }, "the control plane was away; leases live one TTL more"),
      onReplicas: options.onReplicas,
      onError,
    }),
    reaper({
      tick: () => tick(OUTAGE_GAP_MS),
      tenantsWithDueLeases: findTenantsWithDueLeases(loopsPool),
      stopOverdue: async (tenants) => {
        const stops = await cancelOverdue(tenants, policy.drainGraceMs);
        for (const stop of stops) {
          const reason = "deadline";
          board.publish({ kind: "stop", ...stop, reason, graceMs: policy.drainGraceMs });
        }
        return stops.length;
      },
      reap: async (tenants) => {
        const reaped = await reap(tenants);
        announce(board, reaped);
        options.flow.ended(reaped.outcomes);
        return reaped;
      },
      onReaped: (counts) => logger.info(counts, "took back expired leases"),
      random: Math.random,
      sweepMs: policy.expirySweepMs,
      onError,
    }),
    promoting,
    blackouts({
      tenants: options.tenants,
      stop: options.flow.stopForBlackouts,
      onError,
    }),
    janitor({
      forgetOld: forgetOld(loopsPool),
      removeStaleUploads: () =>
        options.blobs.removeStaleUploads(new Date(Date.now() - STALE_UPLOAD_MS)),
      random: Math.random,
      onError,
    }),
  ];
}
