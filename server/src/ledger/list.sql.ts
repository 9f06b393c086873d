import { type JobViewRow, VIEW_JOINS, viewColumns } from "./read.sql.ts";
import { type Statement, sql } from "./sql.ts";
import { jobWithId, STATE, STATE_JOINS } from "./state.sql.ts";

/** What all lists take; null does not narrow. */
export type ListParams = readonly [
  tenant: string,
  /** Jobs with smaller ids. */
  before: string,
  jobTypes: string[] | null,
  queue: string | null,
  project: string | null,
  source: string | null,
  labels: string | null,
  createdFrom: Date | null,
  createdBefore: Date | null,
  states: string[] | null,
  runId: string | null,
  workerId: string | null,
];

/** Lists read a page at a time; `limit` is in the text because of the planner (evidence). */
export interface ListStatements {
  /** Without states to narrow by: walks the jobs themselves, newest first. */
  readonly all: Statement<ListParams, JobViewRow>;
  /** In some states: walks the tables and the index that hold just the jobs of each. */
  readonly byState: Statement<ListParams, JobViewRow>;
  /** Jobs of a run. */
  readonly run: Statement<ListParams, JobViewRow>;
}

const FILTER = `j.tenant = $1 and j.id < $2::uuid
    and ($3::text[] is null or j.job_type = any ($3))
    and ($4::text is null or j.queue = $4)
    and ($5::text is null or j.project = $5)
    and ($6::text is null or j.source = $6)
    and ($7::jsonb is null or j.labels @> $7)
    and ($8::timestamptz is null or j.created_at >= $8)
    and ($9::timestamptz is null or j.created_at < $9)
    and ($11::uuid is null or j.run_id = $11)
    and ($12::text is null or exists (select from lease held where held.tenant = j.tenant
      and held.job_id = j.id and held.worker_id = $12))`;

const IN_STATE = `($10::text[] is null or ${STATE} = any ($10::text[]))`;

const page = (ids: string) => `
with page as materialized (${ids})
select ${viewColumns("brief")} from page ${jobWithId("page.id")}${VIEW_JOINS}
order by j.id desc`;

const all = (limit: number) =>
  page(`
  select j.id from job j where $10::text[] is null and ${FILTER}
  order by j.id desc limit ${limit}`);

// `job_at_rest` holds blocked, scheduled, dead and cancelled jobs, the two hot tables the others
// that are unfinished, and a job that succeeded has one attempt that did. A branch for states that
// were not asked for is not run at all: its condition is a constant.
const byState = (limit: number) =>
  page(`
  select id from (
    (select j.id from ready r join job j on j.tenant = r.tenant and j.id = r.job_id
     where 'ready' = any ($10::text[]) and r.tenant = $1 and r.job_id < $2::uuid and ${FILTER}
     order by r.job_id desc limit ${limit})
    union all
    (select j.id from lease h join job j on j.tenant = h.tenant and j.id = h.job_id
     where $10::text[] && '{offered,running}' and h.tenant = $1 and h.job_id < $2::uuid
       and h.state = any ($10::text[]) and ${FILTER}
     order by h.job_id desc limit ${limit})
    union all
    (select j.id from attempt t join job j on j.tenant = t.tenant and j.id = t.job_id
     where 'succeeded' = any ($10::text[]) and t.tenant = $1 and t.job_id < $2::uuid
       and t.outcome = 'succeeded' and ${FILTER}
     order by t.job_id desc limit ${limit})
    union all
    (select at_rest.id from unnest($10::text[]) as wanted (state) cross join lateral (
       select j.id from job j
       where wanted.state in ('blocked', 'scheduled', 'dead', 'cancelled')
         and j.base_state = wanted.state and j.base_state <> 'ready' and ${FILTER}
       order by j.id desc limit ${limit}
     ) at_rest)
  ) found order by id desc limit ${limit}`);

const run = (limit: number) =>
  page(`
  select j.id from job j ${STATE_JOINS}
  where j.run_id = $11::uuid and j.run_position is not null and ${FILTER} and ${IN_STATE}
    and not exists (select from run where tenant = $1 and id = $11::uuid and removing)
  order by j.id desc limit ${limit}`);

const statements = (limit: number): ListStatements => ({
  all: sql(`list_jobs_${limit}`, all(limit)),
  byState: sql(`list_jobs_by_state_${limit}`, byState(limit)),
  run: sql(`list_jobs_of_run_${limit}`, run(limit)),
});

/**
 * Makes the planner look at the parameters for the rest of the transaction: a filter that is not
 * used must vanish from the plan. The plan for any parameters took 85 times as long (1,001 of
 * 400,000 jobs: 15 ms and 1,275 ms).
 */
export const planForTheseParameters = sql<readonly [], never>(
  "list_jobs_plan",
  "select set_config('plan_cache_mode', 'force_custom_plan', true)",
);

/** For pages of up to 100 jobs, and of up to 1,000; one more row says that there is a next page. */
export const listStatements = { small: statements(101), large: statements(1_001) } as const;

/** The page sizes of {@link listStatements}. */
export const SMALL_PAGE = 100;

/** The same statements, for the test that prepares them all. */
export const everyListStatement: ReadonlyMap<string, Statement<ListParams, JobViewRow>> = new Map(
  Object.values(listStatements).flatMap(({ all, byState, run }) =>
    [all, byState, run].map((statement) => [statement.name, statement]),
  ),
);
