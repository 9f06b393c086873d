import type { StuckCause } from "../domain/stuck.ts";
import { LANE } from "./lane.sql.ts";
import { sql } from "./sql.ts";

/** Takes the turn of looking for stuck work of a tenant, until the transaction ends. */
export const takeStuckTurn = sql<readonly [tenant: string], { readonly mine: boolean }>(
  "take_stuck_turn",
  "select pg_try_advisory_xact_lock(hashtextextended('orch_stuck:' || $1, 0)) as mine",
);

/** What an earlier look wrote down. */
export interface StuckRow {
  readonly subject: string;
  readonly cause: StuckCause;
  readonly advice: string;
  readonly since: Date;
  readonly age_ms: number;
  readonly announced: boolean;
}

const NOTE = `subject, cause, advice, since,
  (extract(epoch from now() - since) * 1000)::double precision as age_ms, announced`;

/** Up to 10,000 notes about lanes of a tenant. */
export const laneNotes = sql<readonly [tenant: string], StuckRow>(
  "stuck_lane_notes",
  `
select ${NOTE} from stuck where tenant = $1 and kind = 'lane' order by subject limit 10000`,
);

/** The announced note about one lane or job, if there is one. */
export const readStuck = sql<
  readonly [tenant: string, kind: "lane" | "job", subject: string],
  StuckRow
>(
  "read_stuck",
  `select ${NOTE} from stuck where tenant = $1 and kind = $2 and subject = $3 and announced`,
);

/** Writes down what is new, or has another cause than before. */
export const noteStuckLanes = sql<
  readonly [tenant: string, subjects: string[], causes: string[], advices: string[]],
  never
>(
  "note_stuck_lanes",
  `
insert into stuck (tenant, kind, subject, cause, advice)
select $1, 'lane', i.subject, i.cause, i.advice
from unnest($2::text[], $3::text[], $4::text[]) as i (subject, cause, advice)
on conflict (tenant, kind, subject) do update
set cause = excluded.cause, advice = excluded.advice, since = now(), announced = false`,
);

/** Forgets notes about lanes whose cause is gone. */
export const forgetLaneNotes = sql<readonly [tenant: string, subjects: string[]], never>(
  "forget_stuck_lanes",
  "delete from stuck where tenant = $1 and kind = 'lane' and subject = any ($2)",
);

/** An event that says that a job is stuck. */
export interface StuckEventRow {
  readonly job_id: string;
}

/**
 * Announces lanes: says so in the history of each one's oldest job that nobody is about to take.
 * One parameter per part of the lane's key.
 */
export const announceLanes = sql<
  readonly [
    tenant: string,
    subjects: string[],
    advices: string[],
    queues: string[],
    jobTypes: string[],
    priorities: number[],
    sources: string[],
    concurrencyKeys: string[],
  ],
  StuckEventRow
>(
  "announce_stuck_lanes",
  `
with input as materialized (
  select * from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::smallint[],
    $7::text[], $8::text[]) as i (subject, advice, ${LANE})
),
heads as materialized (
  select i.subject, i.advice, head.job_id from input i cross join lateral (
    select r.job_id from ready r
    where r.tenant = $1 and r.queue = i.queue and r.job_type = i.job_type
      and r.priority = i.priority and r.source = i.source
      and r.concurrency_key = i.concurrency_key
    order by r.seq limit 1 for update skip locked
  ) head
),
announced as (
  update stuck set announced = true
  where tenant = $1 and kind = 'lane' and subject = any (array(select subject from heads))
)
insert into job_event (tenant, job_id, kind, from_state, to_state, actor, reason)
select $1, job_id, 'stuck', 'ready', 'ready', 'reaper', advice from heads
returning job_id`,
);

// A job that a job waits for ended without success, and the edge says hold. The offset keeps it a
// lookup for each job, and the inner select one for each edge: as joins, which the planner would
// make of them, they cost seconds.
const HELD = `exists (
    select from edge e where e.tenant = j.tenant and e.to_job = j.id and e.on_failure = 'hold'
      and e.condition = 'success' and (
        select p.base_state in ('dead', 'cancelled') and not p.skipped from job p
        where p.tenant = e.tenant and p.id = e.from_job)
    offset 0)`;

/** How far a look at blocked jobs came. */
export interface BlockedPage {
  /** The last job that was looked at; null if there was none. */
  readonly last: string | null;
  readonly seen: number;
  /** Jobs that were announced. */
  readonly announced: string[];
}

/**
 * Looks at up to 1,000 blocked jobs of a tenant after one, and announces those that are held by a
 * job that ended, once each.
 */
export const announceHeld = sql<
  readonly [tenant: string, afterJob: string, advice: string],
  BlockedPage
>(
  "announce_held_jobs",
  `
with page as materialized (
  select id from job where tenant = $1 and base_state = 'blocked' and id > $2
  order by id limit 1000
),
held as materialized (
  select h.id from page g cross join lateral (
    select j.id from job j
    where j.tenant = $1 and j.id = g.id and j.base_state = 'blocked' and ${HELD}
      and not exists (select from stuck s where s.tenant = $1 and s.kind = 'job'
        and s.subject = j.id::text offset 0)
    limit 1 for update of j skip locked
  ) h
),
noted as (
  insert into stuck (tenant, kind, subject, cause, advice, announced)
  select $1, 'job', id::text, 'dependency', $3, true from held
  on conflict (tenant, kind, subject) do nothing
  returning subject
),
events as (
  insert into job_event (tenant, job_id, kind, from_state, to_state, actor, reason)
  select $1, subject::uuid, 'stuck', 'blocked', 'blocked', 'reaper', $3 from noted
)
select (select max(id::text) from page) as last, (select count(*)::integer from page) as seen,
  coalesce((select array_agg(subject) from noted), '{}') as announced`,
);

/** Forgets up to 1,000 notes after one about jobs that are not held any more. */
export const forgetHeld = sql<
  readonly [tenant: string, after: string],
  { readonly last: string | null; readonly seen: number }
>(
  "forget_held_jobs",
  `
with page as materialized (
  select subject from stuck where tenant = $1 and kind = 'job' and subject > $2
  order by subject limit 1000
),
over as materialized (
  select g.subject from page g where not exists (
    select from job j where j.tenant = $1 and j.id = g.subject::uuid
      and j.base_state = 'blocked' and ${HELD} offset 0)
),
gone as (
  delete from stuck
  where tenant = $1 and kind = 'job' and subject = any (array(select subject from over))
)
select max(subject) as last, count(*)::integer as seen from page`,
);

/** How many announced notes a tenant has, by their causes. */
export const countStuck = sql<
  readonly [tenant: string],
  { readonly cause: StuckCause; readonly count: number }
>(
  "count_stuck",
  `
select cause, count(*)::integer as count from stuck where tenant = $1 and announced
group by cause`,
);

/** Runs as orch_loops: all tenants that the ledger has something of. */
export const knownTenants = sql<readonly [], { readonly tenant: string }>(
  "loops_known_tenants",
  "select distinct tenant from orch_known_tenants() as known (tenant)",
);
