import { formatDigest } from "../../domain/digest.ts";
import { contentDigest, type JobSpec, type NewJob } from "../../domain/job-spec.ts";
import type { ReadyLane } from "../../domain/offer.ts";
import { newId } from "../../lib/ids.ts";
import type { Admit } from "../flow/admit-jobs.ts";
import type { QueueFull, QuotaExceeded } from "../flow/refusals.ts";

/** What became of one job spec. */
export type EnqueueResult =
  | { readonly kind: "created"; readonly jobId: string }
  | { readonly kind: "duplicate"; readonly jobId: string }
  | {
      readonly kind: "idempotency_conflict" | "job_id_conflict";
      readonly jobId: string;
      /** "sha256:…" of the content that is there, and of the content that was sent. */
      readonly existingDigest: string;
      readonly sentDigest: string;
    }
  | { readonly kind: "payload_too_large"; readonly bytes: number; readonly maxBytes: number }
  | { readonly kind: "payload_artifact_not_found"; readonly digest: string }
  | {
      readonly kind: "window_series_not_found";
      readonly source: string;
      readonly scope: string;
    }
  /** It is no window of its series; `fault` says why. */
  | { readonly kind: "window_invalid"; readonly fault: string }
  | QueueFull
  | QuotaExceeded;

/** What the ledger answers for a batch: a result per job, and the lanes that have new work. */
export interface StoredJobs {
  readonly results: readonly EnqueueResult[];
  readonly lanes: readonly ReadyLane[];
}

/** What enqueueing needs. */
export interface EnqueuePorts {
  /** Writes jobs durably; batches with other callers' jobs. */
  readonly store: (jobs: readonly NewJob[]) => Promise<readonly EnqueueResult[]>;
  readonly admit: Admit;
  /** What jobs that are there already would be answered; undefined for those that are not. */
  readonly findEnqueued: (jobs: readonly NewJob[]) => Promise<(EnqueueResult | undefined)[]>;
  readonly maxPayloadBytes: number;
}

/** A job spec with the id that its producer chose, if any. */
export interface EnqueueItem {
  readonly jobId: string | undefined;
  readonly spec: JobSpec;
}

/** Puts jobs into the ledger; a result per item, in order. One bad item stops no other. */
export const enqueueJobs =
  (ports: EnqueuePorts) =>
  async (tenant: string, items: readonly EnqueueItem[]): Promise<EnqueueResult[]> => {
    const results: EnqueueResult[] = new Array(items.length);
    const jobs: NewJob[] = [];
    const positions: number[] = [];
    items.forEach((item, position) => {
      const bytes = item.spec.payload.length;
      if (bytes > ports.maxPayloadBytes) {
        results[position] = { kind: "payload_too_large", bytes, maxBytes: ports.maxPayloadBytes };
        return;
      }
      jobs.push(newJob(tenant, item));
      positions.push(position);
    });
    const stored = jobs.length === 0 ? [] : await storeAdmitted(ports, tenant, jobs);
    stored.forEach((result, index) => {
      results[positions[index] as number] = result;
    });
    return results;
  };

/** Stores the jobs that their queues have a place for; a repeated call needs none. */
async function storeAdmitted(
  ports: EnqueuePorts,
  tenant: string,
  jobs: readonly NewJob[],
): Promise<readonly EnqueueResult[]> {
  const admission = await ports.admit(
    tenant,
    jobs.map((job) => ({ job, unmet: 0 })),
  );
  if (admission === undefined) return ports.store(jobs);
  const results: EnqueueResult[] = [];
  try {
    const { full } = admission;
    const refused = jobs.filter((_, position) => full.has(position));
    const known = refused.length === 0 ? [] : await ports.findEnqueued(refused);
    const admitted = jobs.filter((_, position) => !full.has(position));
    const stored = admitted.length === 0 ? [] : await ports.store(admitted);
    const answers = { known: known.values(), stored: stored.values() };
    jobs.forEach((_, position) => {
      const refusal = full.get(position);
      const answer = (refusal === undefined ? answers.stored : answers.known).next().value;
      results[position] = answer ?? (refusal as QueueFull);
    });
  } finally {
    admission.settle((position) => results[position]?.kind === "created");
  }
  return results;
}

const newJob = (tenant: string, item: EnqueueItem): NewJob => ({
  tenant,
  jobId: item.jobId ?? newId(),
  spec: item.spec,
  contentDigest: contentDigest(item.spec),
});

/** A conflict between what is in the ledger and what was sent, or a duplicate if they agree. */
export const duplicateOrConflict = (
  kind: "idempotency_conflict" | "job_id_conflict",
  existing: { readonly jobId: string; readonly contentDigest: Uint8Array },
  sent: Uint8Array,
): EnqueueResult =>
  Buffer.compare(existing.contentDigest, sent) === 0
    ? { kind: "duplicate", jobId: existing.jobId }
    : {
        kind,
        jobId: existing.jobId,
        existingDigest: formatDigest(existing.contentDigest),
        sentDigest: formatDigest(sent),
      };
