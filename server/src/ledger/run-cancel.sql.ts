import { sql } from "./sql.ts";

/** Notes that a locked run is cancelled: nothing is appended and nothing starts in it any more. */
export const requestCancel = sql<readonly [tenant: string, runId: string], never>(
  "request_run_cancel",
  `
update run set cancel_requested_at = coalesce(cancel_requested_at, now()), open = false,
  building = false
where tenant = $1 and id = $2`,
);

/** A page of a run's jobs: up to 500 ids after a position, in their order. */
export const runJobPage = sql<
  readonly [tenant: string, runId: string, after: number],
  { readonly job_id: string; readonly run_position: number }
>(
  "run_job_page",
  `
select id as job_id, run_position from job
where tenant = $1 and run_id = $2 and run_position > $3 order by run_position limit 500`,
);
