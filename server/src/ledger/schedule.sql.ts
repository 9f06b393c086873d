import type { SchedulePause } from "../app/schedules/stored-schedule.ts";
import type { ScheduleContent } from "../domain/plan/schedule-content.ts";
import { sql } from "./sql.ts";
import { STATE, STATE_JOINS } from "./state.sql.ts";

/** A schedule. */
export interface ScheduleRow {
  readonly tenant: string;
  readonly name: string;
  readonly content: ScheduleContent;
  readonly content_digest: Buffer;
  readonly version: number;
  readonly pause: SchedulePause | null;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly settled_upto: Date;
  /** When it is looked at next: for its next firing, or one that waits. */
  readonly next_at: Date | null;
  readonly last_nominal: Date | null;
  readonly last_job_id: string | null;
  readonly last_run_id: string | null;
  readonly queued: number;
  readonly retry_at: Date | null;
  /** The ledger's clock, in whole milliseconds. */
  readonly now: Date;
}

/** Moments that domain code reckons with have whole milliseconds, so the clock has, too. */
const NOW = "date_trunc('milliseconds', now())";

const COLUMNS = `tenant, name, content, content_digest, version, pause, created_at, updated_at,
  settled_upto, next_at, last_nominal, last_job_id, last_run_id, queued, retry_at, ${NOW} as now`;

/** The ledger's clock, in whole milliseconds. */
export const ledgerNow = sql<readonly [], { readonly now: Date }>(
  "ledger_now",
  `select ${NOW} as now`,
);

/** Writes a schedule; no row if the name is taken. Its firings count from now on. */
export const insertSchedule = sql<
  readonly [
    tenant: string,
    name: string,
    content: string,
    contentDigest: Buffer,
    nextAt: Date | null,
  ],
  ScheduleRow
>(
  "insert_schedule",
  `
insert into schedule (tenant, name, content, content_digest, version, settled_upto, next_at)
values ($1, $2, $3, $4, (extract(epoch from now()) * 1000)::bigint, ${NOW}, $5)
on conflict (tenant, name) do nothing
returning ${COLUMNS}`,
);

/** One schedule. */
export const selectSchedule = sql<readonly [tenant: string, name: string], ScheduleRow>(
  "select_schedule",
  `select ${COLUMNS} from schedule where tenant = $1 and name = $2`,
);

/** Up to 1,001 schedules after a name, by name. */
export const listSchedules = sql<readonly [tenant: string, after: string], ScheduleRow>(
  "list_schedules",
  `select ${COLUMNS} from schedule where tenant = $1 and name > $2 order by name limit 1001`,
);

/** One schedule, locked; waits for who works on it. */
export const lockSchedule = sql<readonly [tenant: string, name: string], ScheduleRow>(
  "lock_schedule",
  `select ${COLUMNS} from schedule where tenant = $1 and name = $2 for update`,
);

/** The same if it is due; no row if it is not, or another replica works on it. */
export const lockDueSchedule = sql<readonly [tenant: string, name: string], ScheduleRow>(
  "lock_due_schedule",
  `
select ${COLUMNS} from schedule where tenant = $1 and name = $2 and next_at <= now()
for update skip locked`,
);

/** Writes how far a schedule came. */
export const settleSchedule = sql<
  readonly [
    tenant: string,
    name: string,
    settledUpto: Date,
    nextAt: Date | null,
    lastNominal: Date | null,
    lastJobId: string | null,
    lastRunId: string | null,
    queued: number,
    retryAt: Date | null,
  ],
  never
>(
  "settle_schedule",
  `
update schedule set settled_upto = $3, next_at = $4, last_nominal = $5, last_job_id = $6,
  last_run_id = $7, queued = $8, retry_at = $9
where tenant = $1 and name = $2`,
);

/** Writes what is now said about a schedule. */
export const writeSchedule = sql<
  readonly [tenant: string, name: string, content: string, contentDigest: Buffer],
  never
>(
  "write_schedule",
  `
update schedule set content = $3, content_digest = $4, version = version + 1, updated_at = now()
where tenant = $1 and name = $2`,
);

/** Writes why a schedule is paused, or with null that it is not. */
export const writeSchedulePause = sql<
  readonly [tenant: string, name: string, pause: string | null],
  never
>(
  "write_schedule_pause",
  "update schedule set pause = $3, updated_at = now() where tenant = $1 and name = $2",
);

/** Removes a schedule and its firings that wait; old ones go when their time is over. */
export const deleteSchedule = sql<
  readonly [tenant: string, name: string],
  { readonly name: string }
>(
  "delete_schedule",
  `
with waiting as (
  update firing set outcome = 'skipped', fired_at = now()
  where tenant = $1 and schedule = $2 and outcome = 'queued'
)
delete from schedule where tenant = $1 and name = $2 returning name`,
);

/** Up to 100 schedules of the visible tenants that are due, the longest overdue first. */
export const dueSchedules = sql<readonly [], { readonly tenant: string; readonly name: string }>(
  "due_schedules",
  "select tenant, name from schedule where next_at <= now() order by next_at limit 100",
);

/** Makes a schedule wait that nobody could work on, so that it does not keep others from it. */
export const putOffSchedule = sql<readonly [tenant: string, name: string, delayMs: number], never>(
  "put_off_schedule",
  `
update schedule set next_at = now() + $3::integer * interval '1 ms'
where tenant = $1 and name = $2 and next_at <= now()`,
);

const OF_RUN = "j.tenant = r.tenant and j.run_id = r.id and j.run_position is not null";

const isUnfinished = (condition: string) => `exists (
  select from job j ${STATE_JOINS}
  where ${condition} and ${STATE} not in ('succeeded', 'dead', 'cancelled'))`;

/** Whether the job or the run is unfinished; what is not there is finished. */
const isBusy = (tenant: string, jobId: string, runId: string) => `(
  ${isUnfinished(`j.tenant = ${tenant} and j.id = ${jobId}`)}
  or exists (select from run r where r.tenant = ${tenant} and r.id = ${runId}
    and (r.open or r.building or ${isUnfinished(OF_RUN)})))`;

/** Whether a job or a run is unfinished. */
export const unfinished = sql<
  readonly [tenant: string, jobId: string | null, runId: string | null],
  { readonly busy: boolean }
>("schedule_unfinished", `select ${isBusy("$1", "$2::uuid", "$3::uuid")} as busy`);

/**
 * Makes schedules of the visible tenants due whose firings wait for what was made last, and that is
 * finished; 100 at most, and none that another replica works on.
 */
export const wakeSchedules = sql<readonly [tenants: string[]], { readonly name: string }>(
  "wake_schedules",
  `
with waiting as materialized (
  select s.tenant, s.name from unnest($1::text[]) as i (tenant)
  join schedule s on s.tenant = i.tenant and s.queued > 0
  where s.next_at > now() and (s.retry_at is null or s.retry_at <= now())
    and not ${isBusy("s.tenant", "s.last_job_id", "s.last_run_id")}
  order by s.tenant, s.name limit 100 for update of s skip locked
)
update schedule s set next_at = now() from waiting w
where s.tenant = w.tenant and s.name = w.name
returning s.name`,
);

/** How the windows of a source and scope lie. */
export const windowGrid = sql<
  readonly [tenant: string, source: string, scope: string],
  { readonly width_ms: number; readonly lateness_ms: number; readonly origin: Date }
>(
  "window_grid",
  `
select width_ms, lateness_ms, origin from window_series
where tenant = $1 and source = $2 and scope = $3`,
);

/** Runs as orch_loops: the tenants that have due schedules. */
export const tenantsWithDueSchedules = sql<readonly [], { readonly tenant: string }>(
  "loops_tenants_with_due_schedules",
  `
select distinct tenant from (
  select tenant from schedule where next_at <= now() order by next_at limit 1000
) due`,
);

/** Runs as orch_loops: the tenants that have firings which wait. */
export const tenantsWithQueuedFirings = sql<readonly [], { readonly tenant: string }>(
  "loops_tenants_with_queued_firings",
  "select distinct tenant from schedule where queued > 0",
);

/** Runs as orch_loops: how long until the next schedule is due, in milliseconds. */
export const nextScheduleDue = sql<readonly [], { readonly due_in_ms: number | null }>(
  "loops_next_schedule_due",
  `
select (extract(epoch from min(next_at) - now()) * 1000)::double precision as due_in_ms
from schedule where next_at is not null`,
);
