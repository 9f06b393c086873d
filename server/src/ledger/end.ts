import type { Pool } from "pg";
import type { EndRequest } from "../app/bridge/lease-writes.ts";
import type { Outcome } from "../app/flow/outcomes.ts";
import type { Ending, EndingCause, EndingFacts } from "../domain/ending.ts";
import type { JobState } from "../domain/job-machine.ts";
import type { WriteVerdict } from "../domain/lease.ts";
import { type Aftermath, aftermathOf, type Moved, mergeLanes } from "./aftermath.ts";
import { type LetGo, NOTHING_LET_GO, tellDependants } from "./cascade.ts";
import { type DiedJob, recordDeadLetters } from "./dead-letters.ts";
import { type EndingColumns, type EndingLease, endAttempts, lockLeases } from "./end.sql.ts";
import { fenceColumns } from "./fences.ts";
import { inTransaction, type Transaction } from "./transaction.ts";
import { settleUnapplied } from "./unapplied.ts";

/** Decides about one attempt; called while its lease is locked. */
export type DecideEnding = (facts: EndingFacts, cause: EndingCause) => Ending;

/** What ended attempts answer, and what the rest of the system should know. */
export interface EndAnswer extends Aftermath {
  readonly verdicts: readonly WriteVerdict[];
  readonly outcomes: readonly Outcome[];
}

/** Ends attempts, of any tenants, in one transaction; an answer per request, in order. */
export const endAttemptsWith =
  (pool: Pool, decide: DecideEnding) =>
  (requests: readonly EndRequest[]): Promise<EndAnswer> =>
    inTransaction(
      pool,
      requests.map((request) => request.lease.tenant),
      (tx) => endInTransaction(tx, requests, decide),
    );

/** The same, as a part of a larger transaction. */
export async function endInTransaction(
  tx: Transaction,
  requests: readonly EndRequest[],
  decide: DecideEnding,
): Promise<EndAnswer> {
  const leases = requests.map((request) => request.lease);
  const locked = firstPerJob(await tx.run(lockLeases, ...fenceColumns(leases)));
  const endings = locked.map((row) => {
    const request = requests[row.position - 1] as EndRequest;
    return { row, request, ending: decide(factsOf(row), request.cause) };
  });
  const verdicts: (WriteVerdict | undefined)[] = new Array(requests.length).fill(undefined);
  for (const { row, ending } of endings) {
    verdicts[row.position - 1] = { kind: "applied", state: ending.next };
  }
  const moved: Moved[] = [];
  let letGo: LetGo = NOTHING_LET_GO;
  if (endings.length > 0) {
    const ended = await tx.run(endAttempts, ...endingColumns(endings));
    moved.push(...ended.map((row) => ({ ...row, seq: row.next === "ready" ? row.seq : null })));
    const lost = ended.filter((row) => row.linked && isLost(row.next));
    if (lost.length > 0) {
      letGo = await tellDependants(
        tx,
        lost.map((row) => ({ tenant: row.tenant, jobId: row.job_id, outcome: "failed" })),
      );
    }
    const died = endings.filter(({ ending }) => ending.next === "dead");
    if (died.length > 0) await recordDeadLetters(tx, died.map(diedJob));
  }
  const completionIds = requests.map((request) => request.completionId);
  return {
    verdicts: await settleUnapplied(tx, leases, completionIds, verdicts),
    outcomes: endings.map(outcomeOf),
    ...aftermathOf(
      leases.map((lease) => lease.tenant),
      mergeLanes([...moved, ...letGo.moved]),
      letGo.scheduled || endings.some(({ ending }) => ending.next === "scheduled"),
      letGo.cascading,
    ),
  };
}

/** A batch may name a lease twice; the first one counts, the second is a duplicate of it. */
const firstPerJob = (rows: readonly EndingLease[]): EndingLease[] => [
  ...new Map(
    [...rows]
      .sort((a, b) => b.position - a.position)
      .map((row) => [`${row.tenant}\0${row.job_id}`, row]),
  ).values(),
];

const isLost = (state: JobState): boolean => state === "dead" || state === "cancelled";

const factsOf = (row: EndingLease): EndingFacts => ({
  jobType: row.job_type,
  cancelReason: row.cancel_reason ?? undefined,
  cancelNote: row.cancel_note ?? undefined,
  retry: row.retry ?? undefined,
  failures: row.failures,
  interruptionAgesMs: row.interruption_ages_ms,
  elapsedMs: row.elapsed_ms,
});

const diedJob = ({ row, ending }: Decided): DiedJob => ({
  tenant: row.tenant,
  jobId: row.job_id,
  failureClass: ending.failure.failureClass,
  message: ending.failure.message,
});

const outcomeOf = ({ row, ending }: Decided): Outcome => ({
  tenant: row.tenant,
  queue: row.queue,
  jobType: row.job_type,
  source: row.source,
  failureClass: ending.failure.failureClass,
  retryAfterMs: ending.failure.retryAfterMs,
  elapsedMs: row.attempt_ms,
});

interface Decided {
  readonly row: EndingLease;
  readonly request: EndRequest;
  readonly ending: Ending;
}

function endingColumns(decided: readonly Decided[]): EndingColumns {
  const column = <T>(pick: (one: Decided) => T): T[] => decided.map(pick);
  return [
    column(({ row }) => row.tenant),
    column(({ row }) => row.job_id),
    column(({ ending }) => ending.outcome),
    column(({ ending }) => ending.failure.failureClass),
    column(({ ending }) => ending.failure.message),
    column(({ ending }) => ending.failure.terminal),
    column(({ ending }) => ending.failure.retryAfterMs ?? null),
    column(({ request }) => request.completionId ?? null),
    column(({ ending }) => ending.next),
    column(({ ending }) => ending.delayMs),
    column(({ request }) => request.actor),
    column(({ ending }) => ending.reason),
  ];
}
