import type { Admission, Admit } from "../app/flow/admit-jobs.ts";
import type { EnqueueResult } from "../app/jobs/enqueue-jobs.ts";
import { contentDigest, type JobSpec, type NewJob } from "../domain/job-spec.ts";
import type { ReadyLane } from "../domain/offer.ts";
import { newId } from "../lib/ids.ts";
import type { WindowMs } from "./backfill-changes.ts";
import { storeJobsInTransaction } from "./enqueue.ts";
import type { PayloadQuota } from "./flow-usage.ts";
import type { Transaction } from "./transaction.ts";

/** What making the jobs of backfills needs. */
export interface BackfillJobsOptions {
  readonly idempotencyRetentionMs: number;
  readonly payloadQuota: PayloadQuota;
  readonly admit: Admit;
}

/** What became of a window: its job; no place for it now; or it can have none. */
export type WindowJob =
  | { readonly window: WindowMs; readonly kind: "made"; readonly jobId: string }
  | { readonly window: WindowMs; readonly kind: "no_place" | "impossible" };

/** Makes the jobs of windows, as far as queues and quotas have a place for them. */
export class BackfillJobs {
  readonly #options: BackfillJobsOptions;
  #admission: Admission | undefined;
  #created: readonly boolean[] = [];

  constructor(options: BackfillJobsOptions) {
    this.#options = options;
  }

  /** Gives back the places in queues that no job took, all of them if nothing was committed. */
  settle(committed: boolean): void {
    this.#admission?.settle((position) => committed && this.#created[position] === true);
    this.#admission = undefined;
  }

  /** Call it once, and then {@link settle}. */
  async make(
    tx: Transaction,
    tenant: string,
    { job, scope }: { readonly job: JobSpec; readonly scope: string },
    windows: readonly WindowMs[],
  ): Promise<{ readonly jobs: readonly WindowJob[]; readonly lanes: readonly ReadyLane[] }> {
    const wanted = windows.map(({ startMs, endMs }): NewJob => {
      const window = { scope, start: new Date(startMs), end: new Date(endMs) };
      const spec = { ...job, window };
      return { tenant, jobId: newId(), spec, contentDigest: contentDigest(spec) };
    });
    const { admit, idempotencyRetentionMs, payloadQuota } = this.#options;
    this.#admission = await admit(
      tenant,
      wanted.map((one) => ({ job: one, unmet: 0 })),
    );
    const full = this.#admission?.full;
    const admitted = wanted.filter((_, position) => full?.has(position) !== true);
    const stored =
      admitted.length === 0
        ? { results: [], lanes: [] }
        : await storeJobsInTransaction(tx, admitted, idempotencyRetentionMs, payloadQuota);
    const results = new Map(admitted.map(({ jobId }, index) => [jobId, stored.results[index]]));
    const jobs = wanted.map(({ jobId }, index): WindowJob => {
      const window = windows[index] as WindowMs;
      return outcomeOf(window, jobId, results.get(jobId));
    });
    this.#created = jobs.map(({ kind }) => kind === "made");
    return { jobs, lanes: stored.lanes };
  }
}

function outcomeOf(window: WindowMs, jobId: string, result: EnqueueResult | undefined): WindowJob {
  switch (result?.kind) {
    case "created":
      return { window, kind: "made", jobId };
    case undefined:
    case "queue_full":
    case "quota_exceeded":
      return { window, kind: "no_place" };
    default:
      // Its payload's artifact is gone: it will not come back by waiting.
      return { window, kind: "impossible" };
  }
}
