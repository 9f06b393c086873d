import type { JobSpec } from "../domain/job-spec.ts";
import type { Lane } from "../domain/offer.ts";

/** The columns that, with the tenant, name a lane; `job`, `ready` and `lease` have them. */
export const LANE = "queue, job_type, priority, source, concurrency_key";

/** The same of one table in a statement that has several. */
export const laneOf = (alias: string): string =>
  LANE.split(", ")
    .map((column) => `${alias}.${column}`)
    .join(", ");

/** A lane as statements answer it. */
export interface LaneRow {
  readonly queue: string;
  readonly job_type: string;
  readonly priority: number;
  readonly source: string;
  readonly concurrency_key: string;
}

/** The lane that a row names. */
export const toLane = (tenant: string, row: LaneRow): Lane => ({
  tenant,
  queue: row.queue,
  jobType: row.job_type,
  priority: row.priority,
  source: row.source,
  concurrencyKey: row.concurrency_key,
});

/** The lane in which a job stands when it is ready. */
export const laneRowOf = (spec: JobSpec): LaneRow => ({
  queue: spec.queue,
  job_type: spec.jobType,
  priority: spec.priority,
  source: spec.source,
  concurrency_key: spec.concurrencyKey,
});
