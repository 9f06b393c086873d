import type { LeaseRef } from "../domain/lease.ts";
import type { FenceColumns } from "./lease.sql.ts";

/** Turns leases into the arrays that the lease statements take. */
export const fenceColumns = (leases: readonly LeaseRef[]): FenceColumns => [
  leases.map((lease) => lease.tenant),
  leases.map((lease) => lease.jobId),
  leases.map((lease) => lease.leaseEpoch),
  leases.map((lease) => lease.leaseToken),
];
