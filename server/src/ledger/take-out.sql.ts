import type { RunnerSelector } from "../domain/fleet.ts";
import { sql } from "./sql.ts";

/** A selector as the ledger keeps it; what is not set may be left out. */
export type StoredSelector = Partial<RunnerSelector>;

/** Task runners that are taken out. */
export interface TakeOutRow {
  readonly id: string;
  readonly selector: StoredSelector;
  readonly request_digest: Buffer;
  readonly move_leases: boolean;
  readonly actor: string;
  readonly reason: string;
  readonly ticket: string;
  readonly grace_ms: number;
  readonly moved: number;
  readonly created_at: Date;
}

const COLUMNS = `id, selector, request_digest, move_leases, actor, reason, ticket, grace_ms, moved,
  created_at`;

/** Notes a take-out; no row if the id is taken. */
export const insertTakeOut = sql<
  readonly [
    tenant: string,
    id: string,
    selector: string,
    requestDigest: Buffer,
    moveLeases: boolean,
    graceMs: number,
    actor: string,
    reason: string,
    ticket: string,
  ],
  TakeOutRow
>(
  "insert_take_out",
  `
insert into take_out (tenant, id, selector, request_digest, move_leases, moving, grace_ms, actor,
  reason, ticket)
values ($1, $2, $3, $4, $5, $5, $6, $7, $8, $9)
on conflict (tenant, id) do nothing
returning ${COLUMNS}`,
);

/** One take-out, whether in force or not. */
export const readTakeOut = sql<
  readonly [tenant: string, id: string],
  TakeOutRow & { readonly ended_at: Date | null }
>("read_take_out", `select ${COLUMNS}, ended_at from take_out where tenant = $1 and id = $2`);

/** Ends a take-out; no row if it is not in force. */
export const endTakeOut = sql<readonly [tenant: string, id: string], { readonly id: string }>(
  "end_take_out",
  `
update take_out set ended_at = now(), moving = false
where tenant = $1 and id = $2 and ended_at is null returning id`,
);

/** The newest 1,000 take-outs in force. */
export const listTakeOuts = sql<readonly [tenant: string], TakeOutRow>(
  "list_take_outs",
  `
select ${COLUMNS} from take_out where tenant = $1 and ended_at is null
order by created_at desc, id desc limit 1000`,
);

/** Whom the take-outs in force name: what claims go by. */
export const takenOutSelectors = sql<
  readonly [tenant: string],
  { readonly selector: StoredSelector }
>("taken_out_selectors", "select selector from take_out where tenant = $1 and ended_at is null");

/** Runs as orch_loops: the tenants that have leases to move. */
export const tenantsWithMoves = sql<readonly [], { readonly tenant: string }>(
  "loops_tenants_with_moves",
  "select distinct tenant from take_out where moving",
);

/** The take-outs of a tenant whose leases move. */
export const movingTakeOuts = sql<readonly [tenant: string], { readonly id: string }>(
  "moving_take_outs",
  "select id from take_out where tenant = $1 and moving order by id limit 100",
);

/** Locks a take-out whose leases move; no row if it is done or another replica is at it. */
export const lockMoving = sql<
  readonly [tenant: string, id: string],
  TakeOutRow & { readonly age_ms: number }
>(
  "lock_moving_take_out",
  `
select ${COLUMNS},
  (extract(epoch from now() - created_at) * 1000)::double precision as age_ms
from take_out where tenant = $1 and id = $2 and moving for update`,
);

/** Notes what a step moved, and whether there may be more. */
export const noteMoved = sql<
  readonly [tenant: string, id: string, moved: number, moving: boolean],
  never
>(
  "note_moved",
  "update take_out set moved = moved + $3, moving = $4 where tenant = $1 and id = $2",
);

/** A lease of a task runner that is taken out; it is locked. */
export interface HeldRow {
  readonly job_id: string;
  readonly attempt: number;
  readonly lease_epoch: number;
  readonly token: string;
  readonly state: "offered" | "running";
  /** Whether its worker has a session that can be told. */
  readonly connected: boolean;
}

/** A replica without a sign of life for so long is not there, nor are its sessions. */
const SILENT = "interval '10 s'";

/** Whether a session `s` is there, over a left join of its replica `r`. */
export const IS_CONNECTED = `(s.closed_at is null
    and coalesce(r.last_seen > now() - ${SILENT}, false))`;

/**
 * Locks up to 500 leases of the task runners that a selector names, in the order of their jobs
 * after one. What is to be cancelled for another reason is left alone. A worker without any
 * session is known by its id only. The offset keeps sessions a lookup: without hash joins the
 * planner would compare every session of the host with every lease.
 */
export const lockHeld = sql<
  readonly [
    tenant: string,
    workerIds: string[] | null,
    host: string,
    labels: string,
    afterJob: string,
  ],
  HeldRow
>(
  "lock_held_leases",
  `
select l.job_id, l.attempt, l.lease_epoch, l.token, l.state,
  coalesce(held.connected, false) as connected
from lease l left join lateral (
  select s.host, s.labels, ${IS_CONNECTED} as connected
  from session s left join replica r on r.server_id = s.server_id
  where s.tenant = l.tenant and s.worker_id = l.worker_id offset 0
) held on true
where l.tenant = $1 and l.job_id > $5 and l.cancel_reason is null
  and ($2::text[] is null or l.worker_id = any ($2))
  and ($3 = '' or held.host = $3) and coalesce(held.labels, '{}') @> $4::jsonb
order by l.job_id limit 500 for update of l`,
);

/** Asks running jobs to make way; the leases are locked. */
export const preemptHeld = sql<
  readonly [tenant: string, jobIds: string[], note: string, graceMs: number],
  never
>(
  "preempt_held_leases",
  `
update lease set cancel_reason = 'preempted', cancel_note = $3,
  expires_at = now() + $4::integer * interval '1 ms'
where tenant = $1 and job_id = any ($2::uuid[])`,
);
