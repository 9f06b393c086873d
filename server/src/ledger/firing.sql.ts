import type { FiringOutcome } from "../app/schedules/stored-schedule.ts";
import { sql } from "./sql.ts";

/** The request id of a firing that the clock made. */
export const BY_CLOCK = "00000000-0000-0000-0000-000000000000";

/** A firing. */
export interface FiringRow {
  readonly schedule: string;
  readonly nominal_at: Date;
  readonly request_id: string;
  readonly fired_at: Date;
  readonly outcome: FiringOutcome;
  readonly job_id: string | null;
  readonly run_id: string | null;
  readonly missed_count: number;
  readonly error: string | null;
}

const COLUMNS =
  "schedule, nominal_at, request_id, fired_at, outcome, job_id, run_id, missed_count, error";

/** Notes firings; the key makes sure that each is noted once. */
export const insertFirings = sql<
  readonly [
    tenant: string,
    schedule: string,
    nominalAt: Date[],
    requestIds: string[],
    outcomes: string[],
    jobIds: (string | null)[],
    runIds: (string | null)[],
    missedCounts: number[],
    errors: (string | null)[],
  ],
  FiringRow
>(
  "insert_firings",
  `
insert into firing (tenant, schedule, nominal_at, request_id, outcome, job_id, run_id,
  missed_count, error)
select $1, $2, * from unnest($3::timestamptz[], $4::uuid[], $5::text[], $6::uuid[], $7::uuid[],
  $8::bigint[], $9::text[])
returning ${COLUMNS}`,
);

/** Up to 100 firings that wait, oldest first. */
export const queuedFirings = sql<readonly [tenant: string, schedule: string], FiringRow>(
  "queued_firings",
  `
select ${COLUMNS} from firing where tenant = $1 and schedule = $2 and outcome = 'queued'
order by nominal_at limit 100`,
);

/** Writes what became of a firing that waited. */
export const settleFiring = sql<
  readonly [
    tenant: string,
    schedule: string,
    nominalAt: Date,
    requestId: string,
    outcome: FiringOutcome,
    jobId: string | null,
    runId: string | null,
    error: string | null,
  ],
  { readonly outcome: FiringOutcome }
>(
  "settle_firing",
  `
update firing set outcome = $5, job_id = $6, run_id = $7, error = $8, fired_at = now()
where tenant = $1 and schedule = $2 and nominal_at = $3 and request_id = $4
returning outcome`,
);

/** Skips the firings that wait, as a newer one takes their place; 100 at most wait. */
export const skipQueuedFirings = sql<
  readonly [tenant: string, schedule: string],
  { readonly nominal_at: Date }
>(
  "skip_queued_firings",
  `
update firing set outcome = 'skipped', fired_at = now()
where tenant = $1 and schedule = $2 and outcome = 'queued' returning nominal_at`,
);

/** The firing of the schedule since a moment that a request triggered. */
export const triggeredFiring = sql<
  readonly [tenant: string, schedule: string, requestId: string, since: Date],
  FiringRow
>(
  "triggered_firing",
  `
select ${COLUMNS} from firing where tenant = $1 and schedule = $2 and request_id = $3
  and request_id <> '${BY_CLOCK}' and nominal_at >= $4`,
);

/**
 * Up to 1,001 firings of a schedule before a position, newest first. None from before the schedule
 * was made: they are of another one that had the name.
 */
export const listFirings = sql<
  readonly [tenant: string, schedule: string, before: Date | null, requestId: string, since: Date],
  FiringRow
>(
  "list_firings",
  `
select ${COLUMNS} from firing
where tenant = $1 and schedule = $2
  and (nominal_at, request_id) < (coalesce($3::timestamptz, 'infinity'), $4::uuid)
  and nominal_at >= $5
order by nominal_at desc, request_id desc limit 1001`,
);
