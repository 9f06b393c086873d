import type pg from "pg";
import { expect } from "vitest";

// Every unfinished job has one token, in one place, and nothing else has any.
const TOKENS = `
  with token as (
    select tenant, job_id, 'ready' as place from ready
    union all select tenant, job_id, 'lease' from lease
    union all select tenant, job_id, 'scheduled' from scheduled
  ),
  fate as (
    select j.tenant, j.id, j.base_state,
      exists (select from attempt a
        where (a.tenant, a.job_id) = (j.tenant, j.id) and a.outcome = 'succeeded') as succeeded,
      (select count(*) from token t where (t.tenant, t.job_id) = (j.tenant, j.id))::int as tokens
    from job j
  )
  select
    count(*)::int as enqueued,
    count(*) filter (where succeeded)::int as succeeded,
    count(*) filter (where base_state = 'dead')::int as dead,
    count(*) filter (where base_state = 'cancelled')::int as cancelled,
    count(*) filter (where not succeeded and base_state = 'blocked')::int as blocked,
    count(*) filter (where not succeeded and tokens = 1)::int as held,
    count(*) filter (where tokens <>
      case when succeeded or base_state in ('blocked', 'dead', 'cancelled') then 0 else 1 end
    )::int as wrong,
    (select count(*) from (
      select tenant, job_id from token union all select tenant, job_id from attempt
      union all select tenant, from_job from edge union all select tenant, to_job from edge
    ) t where not exists (
      select from job j where (j.tenant, j.id) = (t.tenant, t.job_id)))::int as orphans,
    (select count(*) from (select from attempt where outcome = 'succeeded'
      group by tenant, job_id having count(*) > 1) twice)::int as twice,
    (select count(*) from (select from attempt group by tenant, job_id
      having max(attempt) <> count(*) or min(attempt) <> 1) gap)::int as gaps
  from fate`;

/** Where the jobs of a ledger stand, all tenants together. */
export interface Balance {
  readonly enqueued: number;
  readonly succeeded: number;
  readonly dead: number;
  readonly cancelled: number;
  readonly unfinished: number;
}

/**
 * Asserts that no job was lost or doubled: what was enqueued is succeeded, dead, cancelled or
 * unfinished; each unfinished one has exactly one token (blocked ones none), no other has any;
 * nothing succeeded twice and ended attempts are numbered without a gap. Answers the sums.
 */
export async function expectConservation(owner: pg.Pool): Promise<Balance> {
  const { rows } = await owner.query(TOKENS);
  const { wrong, orphans, twice, gaps, blocked, held, ...sums } = rows[0];
  expect({ wrong, orphans, twice, gaps }).toEqual({ wrong: 0, orphans: 0, twice: 0, gaps: 0 });
  const unfinished = blocked + held;
  const { enqueued, succeeded, dead, cancelled } = sums;
  expect(succeeded + dead + cancelled + unfinished).toBe(enqueued);
  return { enqueued, succeeded, dead, cancelled, unfinished };
}
