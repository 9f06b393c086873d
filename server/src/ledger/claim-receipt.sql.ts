import { CLAIMED, type ClaimedJob } from "./claim.sql.ts";
import { sql } from "./sql.ts";

/** Remembers what a unary claim is about to answer; nothing if the id was used before. */
export const openReceipt = sql<
  readonly [tenant: string, requestId: string, workerId: string],
  { readonly request_id: string }
>(
  "open_claim_receipt",
  `
insert into claim_receipt (tenant, request_id, worker_id, job_ids, epochs)
values ($1, $2, $3, '{}', '{}')
on conflict (tenant, request_id) do nothing
returning request_id`,
);

/** Writes the answer into the receipt. */
export const fillReceipt = sql<
  readonly [tenant: string, requestId: string, jobIds: string[], epochs: number[]],
  never
>(
  "fill_claim_receipt",
  "update claim_receipt set job_ids = $3, epochs = $4 where tenant = $1 and request_id = $2",
);

/** Whether a request id was used. */
export const knownReceipt = sql<
  readonly [tenant: string, requestId: string],
  { readonly request_id: string }
>(
  "known_claim_receipt",
  "select request_id from claim_receipt where tenant = $1 and request_id = $2",
);

/** Takes back the receipt of a claim that found nothing. */
export const dropReceipt = sql<readonly [tenant: string, requestId: string], never>(
  "drop_claim_receipt",
  "delete from claim_receipt where tenant = $1 and request_id = $2",
);

/** The leases of an earlier answer that are still current. */
export const receiptLeases = sql<
  readonly [tenant: string, requestId: string, workerId: string],
  ClaimedJob
>(
  "claim_receipt_leases",
  `
select ${CLAIMED}
from claim_receipt c
cross join lateral unnest(c.job_ids, c.epochs) with ordinality
  as given (job_id, lease_epoch, position)
join lease l on l.tenant = c.tenant and l.job_id = given.job_id
  and l.lease_epoch = given.lease_epoch and l.state = 'running'
join job j on j.tenant = l.tenant and j.id = l.job_id
left join progress p on l.lease_epoch > 1 and p.tenant = l.tenant and p.job_id = l.job_id
where c.tenant = $1 and c.request_id = $2 and c.worker_id = $3
order by given.position`,
);
