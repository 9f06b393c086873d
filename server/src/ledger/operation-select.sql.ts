import { type LetterFilter, letterConditions } from "./dead-letter.sql.ts";
import { type Statement, sql } from "./sql.ts";
import { jobWithId, STATE, STATE_JOINS } from "./state.sql.ts";

/** What the next part of a filter's jobs has. */
export interface PartRow {
  /** The first jobs that match, in the order in which they are looked at. */
  readonly ids: string[];
  /** What stands for each of them in `after`. */
  readonly places: string[];
  /** How many matched. */
  readonly matching: number;
  /** Where the part ends; null: nothing was left to look at. */
  readonly upto: string | null;
  /** Whether nothing is left behind it. */
  readonly last: boolean;
}

/** What all selections by a job filter take; null does not narrow. */
export type SelectParams = readonly [
  tenant: string,
  /** Where the part before ended: a job's id, or its place in the run as a decimal. */
  after: string,
  /** Of the operation, whose jobs were all there when it began; null: it begins now. */
  operationId: string | null,
  states: string[],
  jobTypes: string[] | null,
  queue: string | null,
  project: string | null,
  source: string | null,
  labels: string | null,
  createdFrom: Date | null,
  createdBefore: Date | null,
  workerId: string | null,
  runId: string | null,
];

/** The same for dead letters. */
export type SelectLetterParams = readonly [
  tenant: string,
  after: string,
  operationId: string | null,
  ...filter: LetterFilter,
];

/** How much a part has: how many rows are looked at, how many of them are taken, and named. */
interface Size {
  readonly name: string;
  readonly look: number;
  readonly take: number;
  readonly show: number;
}

/**
 * Selections read a bounded part of what could match, whatever the filter says: the next rows in
 * some states, then those of them that match. Limits are in the text because of the planner
 * (evidence).
 */
export interface Selections {
  /** Walks the tables and the index that hold just the jobs of each state, by id. */
  readonly byState: Statement<SelectParams, PartRow>;
  /** Walks the jobs of a run, in its order. */
  readonly run: Statement<SelectParams, PartRow>;
  /** Walks the dead letters, by the jobs' ids. */
  readonly letters: Statement<SelectLetterParams, PartRow>;
}

const BEGAN = `coalesce(
  (select o.created_at from operation o where o.tenant = $1 and o.id = $3::uuid), now())`;

// A dead job that is no dead letter was discarded: no action is about it. Without the run: where
// statistics are old, the planner would look each job up by that.
const FILTER = `j.created_at < (select at from began)
    and ($5::text[] is null or j.job_type = any ($5))
    and ($6::text is null or j.queue = $6)
    and ($7::text is null or j.project = $7)
    and ($8::text is null or j.source = $8)
    and ($9::jsonb is null or j.labels @> $9)
    and ($10::timestamptz is null or j.created_at >= $10)
    and ($11::timestamptz is null or j.created_at < $11)
    and ($12::text is null or exists (select from lease held where held.tenant = j.tenant
      and held.job_id = j.id and held.worker_id = $12))
    and (j.base_state <> 'dead' or (select d.job_id from dead_letter d
      where d.tenant = j.tenant and d.job_id = j.id) is not null)`;

/** `looked` has a place for each row, `matched` those that match, at most as many as are taken. */
const part = (looked: string, matched: string, { look, take, show }: Size): string => `
with began as materialized (select ${BEGAN} as at),
looked as materialized (${looked}),
matched as materialized (${matched} order by place limit ${take})
select coalesce(shown.ids, '{}') as ids, coalesce(shown.places, '{}') as places,
  (select count(*) from matched) as matching,
  case when (select count(*) from matched) = ${take}
    then (select place::text from matched order by matched.place desc limit 1)
    else (select place::text from looked order by looked.place desc limit 1) end as upto,
  (select count(*) from matched) < ${take} and (select count(*) from looked) < ${look} as last
from (
  select array_agg(id order by place) as ids, array_agg(place::text order by place) as places
  from (select id, place from matched order by place limit ${show}) first
) shown`;

const byState = (size: Size): string =>
  part(
    `
  select id, id as place from (
    (select r.job_id as id from ready r
     where 'ready' = any ($4::text[]) and r.tenant = $1 and r.job_id > $2::text::uuid
     order by r.job_id limit ${size.look})
    union all
    (select h.job_id from lease h
     where $4::text[] && '{offered,running}' and h.tenant = $1 and h.job_id > $2::text::uuid
       and h.state = any ($4::text[])
     order by h.job_id limit ${size.look})
    union all
    (select at_rest.id from unnest($4::text[]) as wanted (state) cross join lateral (
       select j.id from job j
       where wanted.state in ('blocked', 'scheduled', 'dead') and j.tenant = $1
         and j.base_state = wanted.state and j.base_state <> 'ready' and j.id > $2::text::uuid
       order by j.id limit ${size.look}
     ) at_rest)
  ) found order by id limit ${size.look}`,
    `
  select looked.id, looked.place from looked ${jobWithId("looked.id")}
  where $13::uuid is null and ${FILTER}`,
    size,
  );

const run = (size: Size): string =>
  part(
    `
  select j.id, j.run_position as place from job j
  where j.tenant = $1 and j.run_id = $13::uuid and j.run_position > $2::text::integer
  order by j.run_position limit ${size.look}`,
    `
  select looked.id, looked.place from looked ${jobWithId("looked.id")}
    ${STATE_JOINS}
  where ${STATE} = any ($4::text[]) and ${FILTER}`,
    size,
  );

const letters = (size: Size): string =>
  part(
    `
  select d.job_id as id, d.job_id as place, d.job_type, d.queue, d.source,
    d.failure_class, d.signature, d.run_id, d.died_at
  from dead_letter d where d.tenant = $1 and d.job_id > $2::text::uuid
  order by d.job_id limit ${size.look}`,
    `
  select d.id, d.place from looked d ${jobWithId("d.id")}
  where j.created_at < (select at from began) and ${letterConditions(4)}`,
    size,
  );

const selections = (size: Size): Selections => ({
  byState: sql(`select_by_state_${size.name}`, byState(size)),
  run: sql(`select_of_run_${size.name}`, run(size)),
  letters: sql(`select_letters_${size.name}`, letters(size)),
});

/** For steps of up to 50 jobs and of up to 500, and for counting 20,000 rows at a time. */
export const selectionsBySize = {
  small: selections({ name: "small", look: 500, take: 50, show: 50 }),
  large: selections({ name: "large", look: 2_500, take: 500, show: 500 }),
  count: selections({ name: "count", look: 20_000, take: 20_000, show: 10 }),
} as const;

/** The most jobs of a small selection. */
export const SMALL_SELECTION = 50;

/** The same statements, for the test that prepares them all. */
export const everySelection: ReadonlyMap<
  string,
  Statement<SelectParams, PartRow> | Statement<SelectLetterParams, PartRow>
> = new Map(
  Object.values(selectionsBySize).flatMap((one) =>
    [one.byState, one.run, one.letters].map((statement) => [statement.name, statement] as const),
  ),
);

/** Whether the tenant has a run. */
export const findRun = sql<readonly [tenant: string, runId: string], { readonly id: string }>(
  "find_run",
  "select id from run where tenant = $1 and id = $2 and not removing",
);
