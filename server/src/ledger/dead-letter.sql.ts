import type { FailureClass } from "../domain/lease.ts";
import { sql } from "./sql.ts";

/** Jobs that died, one array per part, all of the same length. */
export type DiedColumns = readonly [
  tenants: string[],
  jobIds: string[],
  signatures: string[],
  patterns: string[],
  failureClasses: string[],
];

/** Puts jobs among the dead letters. */
export const insertLetters = sql<DiedColumns, never>(
  "insert_dead_letters",
  `
insert into dead_letter (tenant, job_id, signature, pattern, failure_class, job_type, queue,
  source, run_id)
select i.tenant, i.job_id, i.signature, i.pattern, i.failure_class, j.job_type, j.queue, j.source,
  j.run_id
from unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::text[])
  as i (tenant, job_id, signature, pattern, failure_class)
join job j on j.tenant = i.tenant and j.id = i.job_id`,
);

/**
 * The dead letters among jobs, locked: nobody else retries or discards them meanwhile. Without
 * those of runs that retention is about to remove; it does not begin with others until the commit.
 */
export const lockLetters = sql<
  readonly [tenant: string, jobIds: string[]],
  { readonly job_id: string }
>(
  "lock_dead_letters",
  `
with kept as materialized (
  select id from run
  where tenant = $1 and not removing and id = any (array(
    select run_id from dead_letter where tenant = $1 and job_id = any ($2::uuid[])))
  order by id for key share
)
select job_id from dead_letter
where tenant = $1 and job_id = any ($2::uuid[])
  and (run_id is null or run_id = any (array(select id from kept)))
order by job_id for update`,
);

/** Removes dead letters. */
export const deleteLetters = sql<
  readonly [tenant: string, jobIds: string[]],
  { readonly job_id: string }
>(
  "delete_dead_letters",
  "delete from dead_letter where tenant = $1 and job_id = any ($2::uuid[]) returning job_id",
);

/** Gives dead letters up: the jobs stay dead. */
export const discardLetters = sql<
  readonly [tenant: string, jobIds: string[], reason: string],
  { readonly job_id: string }
>(
  "discard_dead_letters",
  `
with gone as (
  delete from dead_letter where tenant = $1 and job_id = any ($2::uuid[]) returning job_id
),
events as (
  insert into job_event (tenant, job_id, kind, from_state, to_state, actor, reason)
  select $1, job_id, 'discarded', 'dead', 'dead', 'operator', $3 from gone
)
select job_id from gone`,
);

/** What narrows dead letters; null does not. */
export type LetterFilter = readonly [
  jobTypes: string[] | null,
  queue: string | null,
  source: string | null,
  failureClasses: string[] | null,
  signature: string | null,
  runId: string | null,
  diedFrom: Date | null,
  diedBefore: Date | null,
];

/** Conditions on `dead_letter d` of a {@link LetterFilter} that begins at parameter `first`. */
export const letterConditions = (first: number): string => {
  const at = (place: number) => `$${first + place}`;
  return `(${at(0)}::text[] is null or d.job_type = any (${at(0)}))
    and (${at(1)}::text is null or d.queue = ${at(1)})
    and (${at(2)}::text is null or d.source = ${at(2)})
    and (${at(3)}::text[] is null or d.failure_class = any (${at(3)}))
    and (${at(4)}::text is null or d.signature = ${at(4)})
    and (${at(5)}::uuid is null or d.run_id = ${at(5)})
    and (${at(6)}::timestamptz is null or d.died_at >= ${at(6)})
    and (${at(7)}::timestamptz is null or d.died_at < ${at(7)})`;
};

/** A dead letter with why its job's last attempt did not succeed. */
export interface LetterRow {
  readonly job_id: string;
  readonly job_type: string;
  readonly queue: string;
  readonly source: string;
  readonly run_id: string | null;
  readonly signature: string;
  readonly pattern: string;
  readonly failure_class: FailureClass;
  readonly failure_message: string | null;
  readonly terminal: boolean | null;
  readonly retry_after_ms: number | null;
  readonly attempts: number;
  readonly died_at: Date;
  readonly died_us: number;
}

const LETTER = `d.job_id, d.job_type, d.queue, d.source, d.run_id, d.signature, d.pattern,
  d.failure_class, a.failure_message, a.terminal, a.retry_after_ms,
  coalesce(a.attempt, 0) as attempts, d.died_at,
  (extract(epoch from d.died_at) * 1000000)::bigint as died_us`;

const LAST_ATTEMPT = `left join lateral (
  select * from attempt t where t.tenant = d.tenant and t.job_id = d.job_id
  order by t.attempt desc limit 1
) a on true`;

/** Up to 1,001 letters that died before one, newest first. Plan it for these parameters. */
export const listLetters = sql<
  readonly [tenant: string, beforeUs: number, beforeJobId: string, ...filter: LetterFilter],
  LetterRow
>(
  "list_dead_letters",
  `
with page as materialized (
  select * from dead_letter d
  where d.tenant = $1
    and (d.died_at, d.job_id) < (timestamptz 'epoch' + $2::bigint * interval '1 us', $3::uuid)
    and ${letterConditions(4)}
  order by d.died_at desc, d.job_id desc limit 1001
)
select ${LETTER} from page d ${LAST_ATTEMPT}
order by d.died_at desc, d.job_id desc`,
);

/** One letter. */
export const readLetter = sql<readonly [tenant: string, jobId: string], LetterRow>(
  "read_dead_letter",
  `
select ${LETTER} from dead_letter d ${LAST_ATTEMPT} where d.tenant = $1 and d.job_id = $2`,
);

/** Letters of one signature; `looked_at` letters were looked at in all. */
export interface LetterGroupRow {
  readonly signature: string;
  readonly failure_class: FailureClass;
  readonly pattern: string;
  readonly count: number;
  readonly job_types: string[];
  readonly first_at: Date;
  readonly last_at: Date;
  readonly sample_job_id: string;
  readonly looked_at: number;
}

/**
 * Groups the newest 100,001 letters that match; the largest 1,001 groups. Plan it for these
 * parameters.
 */
export const groupLetters = sql<readonly [tenant: string, ...filter: LetterFilter], LetterGroupRow>(
  "group_dead_letters",
  `
with newest as materialized (
  select * from dead_letter d where d.tenant = $1 and ${letterConditions(2)}
  order by d.died_at desc, d.job_id desc limit 100001
),
typed as (
  select signature, job_type, count(*) as count, min(failure_class) as failure_class,
    min(pattern) as pattern, min(died_at) as first_at, max(died_at) as last_at
  from newest group by signature, job_type
),
grouped as (
  select signature, sum(count)::bigint as count, min(failure_class) as failure_class,
    min(pattern) as pattern, min(first_at) as first_at, max(last_at) as last_at,
    (array_agg(job_type order by count desc, job_type))[1:10] as job_types
  from typed group by signature order by count desc, signature limit 1001
)
select g.*, sample.job_id as sample_job_id, (select count(*) from newest) as looked_at
from grouped g cross join lateral (
  select d.job_id from dead_letter d
  where d.tenant = $1 and d.signature = g.signature and d.died_at = g.last_at
    and ${letterConditions(2)}
  order by d.job_id desc limit 1
) sample
order by g.count desc, g.signature`,
);
