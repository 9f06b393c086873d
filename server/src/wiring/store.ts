import type { LeaseWritePorts } from "../app/bridge/lease-writes.ts";
import type { Outcome } from "../app/flow/outcomes.ts";
import { LedgerUnavailable } from "../app/ledger-unavailable.ts";
import { announce, type Consequences, type NoticeBoard } from "../app/notices.ts";
import { decideEnding } from "../domain/ending.ts";
import type { NewJob } from "../domain/job-spec.ts";
import type { LeaseRef, WriteVerdict } from "../domain/lease.ts";
import type { LeasePolicies } from "../domain/lease-policy.ts";
import type { CommitKind, Metrics } from "../http/metrics.ts";
import { completeAttemptsIn } from "../ledger/complete.ts";
import { type DecideEnding, endAttemptsWith } from "../ledger/end.ts";
import { storeJobs } from "../ledger/enqueue.ts";
import type { PayloadQuota } from "../ledger/flow-usage.ts";
import {
  acceptOffersIn,
  renewLeasesIn,
  returnLeasesIn,
  storeProgressIn,
} from "../ledger/leases.ts";
import type { LedgerPool } from "../ledger/pool.ts";
import { type GroupCommit, groupCommit } from "../lib/group-commit.ts";
import type { JobLog } from "./job-log.ts";

/** Items of one transaction. More would hold locks longer and gain nothing measurable. */
const MAX_BATCH = 1_000;

/**
 * Transactions of one kind in flight: while one waits for its commit to reach the disk, the next
 * one runs.
 */
const CONCURRENCY = 1;

/**
 * How far apart renewals begin, in milliseconds. A lease has a minute and a worker renews it four
 * times in that, so nobody misses a seventh of a second; the heartbeats of a thousand sessions are
 * seven transactions a second instead of one for each that comes alone.
 */
const RENEWALS_APART_MS = 150;

/** Weight that may wait: leases are bounded by the fleet's slots, so this is never refused. */
const MAX_QUEUED_WRITES = 10_000_000;

/** Jobs that may wait to be enqueued, plus KiB of payload; more callers are told to come later. */
const MAX_QUEUED_JOBS = 64_000;

/** What the batched writes are made of. */
export interface StoreOptions {
  readonly pool: LedgerPool;
  readonly board: NoticeBoard;
  readonly policies: LeasePolicies;
  /** Told how attempts ended. */
  readonly ended: (outcomes: readonly Outcome[]) => void;
  readonly log: JobLog;
  readonly metrics: Pick<Metrics, "committed" | "enqueued">;
  readonly payloadQuota: PayloadQuota;
}

/** How attempts that did not succeed are decided about, by the policy of their job's type. */
export const decideBy =
  (policies: LeasePolicies): DecideEnding =>
  (facts, cause) =>
    decideEnding(facts, cause, policies.for(facts.jobType), Math.random());

/** The writes that share commits, and the moment when none of them is under way. */
export interface Store {
  readonly leases: LeaseWritePorts;
  readonly enqueue: ReturnType<typeof enqueueCommit>["write"];
  readonly idle: () => Promise<void>;
}

/** Builds the batched writes; each announces what it changed once that is committed. */
export function wireStore(options: StoreOptions): Store {
  const { pool, board, policies, log } = options;
  const batched = <Item, Answer>(
    kind: CommitKind,
    flush: (items: readonly Item[]) => Promise<readonly Answer[]>,
    spacingMs = 0,
  ) => groupCommit<Item, Answer>({ flush: counted(options, kind, flush), ...LIMITS, spacingMs });
  const announcing =
    <Item extends { readonly lease: LeaseRef }>(
      kind: "complete" | "end",
      write: (
        items: readonly Item[],
      ) => Promise<
        Consequences & { verdicts: readonly WriteVerdict[]; outcomes: readonly Outcome[] }
      >,
    ) =>
    async (items: readonly Item[]) => {
      const answer = await write(items);
      announce(board, answer);
      options.ended(answer.outcomes);
      const leases = items.map((item) => item.lease);
      log.written(kind, leases, answer.verdicts);
      return answer.verdicts;
    };
  const acceptOffers = acceptOffersIn(pool);

  const accept = batched(
    "accept",
    distinct(
      announceTenants(board, async (leases: readonly LeaseRef[]) => {
        const verdicts = await acceptOffers(leases);
        log.written("accept", leases, verdicts);
        return verdicts;
      }),
    ),
  );
  const renew = batched("renew", distinct(renewLeasesIn(pool)), RENEWALS_APART_MS);
  const progress = batched("progress", distinct(announceTenants(board, storeProgressIn(pool))));
  const complete = batched("complete", announcing("complete", completeAttemptsIn(pool)));
  const end = batched("end", announcing("end", endAttemptsWith(pool, decideBy(policies))));
  const enqueue = enqueueCommit(options);
  const giveBack = returnLeasesIn(pool);
  const commits: GroupCommit<never, unknown>[] = [accept, renew, progress, complete, end, enqueue];
  return {
    leases: {
      accept: accept.write,
      renew: renew.write,
      progress: progress.write,
      complete: complete.write,
      end: end.write,
      giveBack: async (request) => {
        const answer = await giveBack(request);
        announce(board, answer);
        return answer.verdicts;
      },
      maxResultBytes: policies.base.maxPayloadBytes,
    },
    enqueue: enqueue.write,
    idle: async () => {
      await Promise.all(commits.map((commit) => commit.idle()));
    },
  };
}

const LIMITS = {
  maxWeight: MAX_BATCH,
  maxQueuedWeight: MAX_QUEUED_WRITES,
  concurrency: CONCURRENCY,
  isOutage: (error: unknown) => error instanceof LedgerUnavailable,
};

function enqueueCommit(options: StoreOptions) {
  const { pool, board, policies, metrics, payloadQuota } = options;
  const store = storeJobs(pool, policies.base.idempotencyRetentionMs, payloadQuota);
  return groupCommit({
    ...LIMITS,
    maxQueuedWeight: MAX_QUEUED_JOBS,
    weigh: (job: NewJob) => 1 + job.spec.payload.length / 1024,
    flush: counted(options, "enqueue", async (jobs: readonly NewJob[]) => {
      const { results, lanes } = await store(jobs);
      const changed = [...new Set(jobs.map((job) => job.tenant))];
      const scheduled = jobs.some((job) => job.spec.notBefore !== undefined);
      announce(board, { changed, lanes, scheduled });
      metrics.enqueued(results.filter(({ kind }) => kind === "created").length);
      return results;
    }),
  });
}

/** Notes how many items shared a batch. */
const counted =
  <Item, Answer>(
    { metrics }: StoreOptions,
    kind: CommitKind,
    flush: (items: readonly Item[]) => Promise<readonly Answer[]>,
  ) =>
  (items: readonly Item[]): Promise<readonly Answer[]> => {
    metrics.committed(kind, items.length);
    return flush(items);
  };

/** Announces that the tenants of the items changed, for watchers. */
const announceTenants =
  <Item extends { readonly tenant: string } | { readonly lease: { readonly tenant: string } }, A>(
    board: NoticeBoard,
    write: (items: readonly Item[]) => Promise<readonly A[]>,
  ) =>
  async (items: readonly Item[]): Promise<readonly A[]> => {
    const answers = await write(items);
    const tenants = items.map((item) => ("lease" in item ? item.lease.tenant : item.tenant));
    announce(board, { changed: [...new Set(tenants)], lanes: [], scheduled: false });
    return answers;
  };

interface JobRef {
  readonly tenant: string;
  readonly jobId: string;
}

/**
 * Splits a batch in which two calls write to the same job: the later one must not share a statement
 * with the earlier. An UPDATE touches a row once, so that of two renewals of a lease that waited
 * out an outage together the second would be told that its lease is gone.
 */
const distinct =
  <Item extends JobRef | { readonly lease: JobRef }, A>(
    write: (items: readonly Item[]) => Promise<readonly A[]>,
  ) =>
  async (items: readonly Item[]): Promise<readonly A[]> => {
    const answers: A[] = [];
    let batch: Item[] = [];
    const seen = new Set<string>();
    const flush = async () => {
      if (batch.length > 0) answers.push(...(await write(batch)));
      batch = [];
      seen.clear();
    };
    for (const item of items) {
      const { tenant, jobId } = "lease" in item ? item.lease : item;
      const key = `${tenant}\0${jobId}`;
      if (seen.has(key)) await flush();
      seen.add(key);
      batch.push(item);
    }
    await flush();
    return answers;
  };
