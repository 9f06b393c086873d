import type { Pool } from "pg";
import type { CompleteRequest } from "../app/bridge/lease-writes.ts";
import type { Outcome } from "../app/flow/outcomes.ts";
import { formatDigest, parseDigest } from "../domain/digest.ts";
import type { WriteVerdict } from "../domain/lease.ts";
import { type Aftermath, aftermathOf, mergeLanes } from "./aftermath.ts";
import { type LetGo, NOTHING_LET_GO, tellDependants } from "./cascade.ts";
import {
  bindArtifacts,
  type CompletedRow,
  completeAttempts,
  completeLateAttempts,
  noteSucceeded,
} from "./complete.sql.ts";
import { coverWindows } from "./coverage.ts";
import { presentArtifacts } from "./enqueue.sql.ts";
import { fenceColumns } from "./fences.ts";
import { asBuffer } from "./job-columns.ts";
import { inTransaction, type Transaction } from "./transaction.ts";
import { settleUnapplied } from "./unapplied.ts";

/** What completions answer, and what the rest of the system should know. */
export interface CompleteAnswer extends Aftermath {
  readonly verdicts: readonly WriteVerdict[];
  readonly outcomes: readonly Outcome[];
}

/**
 * Ends attempts that succeeded, of any tenants, in one transaction: binds their artifacts and lets
 * go the jobs that waited for them. An answer per request, in order.
 */
export const completeAttemptsIn =
  (pool: Pool) =>
  (requests: readonly CompleteRequest[]): Promise<CompleteAnswer> =>
    inTransaction(
      pool,
      requests.map((request) => request.lease.tenant),
      (tx) => completeInTransaction(tx, requests),
    );

async function completeInTransaction(
  tx: Transaction,
  requests: readonly CompleteRequest[],
): Promise<CompleteAnswer> {
  const verdicts = await rejectMissingArtifacts(tx, requests);
  const open = [...requests.keys()].filter((index) => verdicts[index] === undefined);
  const asked = open.map((index) => requests[index] as CompleteRequest);
  const rows = asked.length === 0 ? [] : await complete(tx, completeAttempts, asked);
  // For the rest, in a statement of its own: it sees the sweep that the first one waited for.
  if (rows.length < asked.length) rows.push(...(await complete(tx, completeLateAttempts, asked)));
  for (const row of rows) {
    verdicts[open[row.position - 1] as number] = { kind: "applied", state: "succeeded" };
  }
  await bind(tx, asked, rows);
  const letGo = await settleLinked(tx, rows);
  return {
    outcomes: rows.flatMap(outcomeOf),
    verdicts: await settleUnapplied(
      tx,
      requests.map((request) => request.lease),
      requests.map((request) => request.completionId),
      verdicts,
    ),
    ...aftermathOf(
      requests.map((request) => request.lease.tenant),
      mergeLanes(letGo.moved),
      letGo.scheduled,
      letGo.cascading,
    ),
  };
}

const outcomeOf = (row: CompletedRow): Outcome[] => {
  const { tenant, queue, job_type: jobType, source, elapsed_ms: elapsedMs } = row;
  if (queue === null || jobType === null || source === null || elapsedMs === null) return [];
  return [{ tenant, queue, jobType, source, failureClass: undefined, elapsedMs }];
};

const complete = (
  tx: Transaction,
  statement: typeof completeAttempts,
  asked: readonly CompleteRequest[],
): Promise<CompletedRow[]> =>
  tx.run(
    statement,
    ...fenceColumns(asked.map((request) => request.lease)),
    asked.map((request) => request.completionId),
    asked.map((request) => (request.result.length === 0 ? null : asBuffer(request.result))),
  );

async function rejectMissingArtifacts(
  tx: Transaction,
  requests: readonly CompleteRequest[],
): Promise<(WriteVerdict | undefined)[]> {
  const named = requests.flatMap(({ lease, artifacts }) =>
    artifacts.map(({ digest }) => ({ tenant: lease.tenant, digest })),
  );
  if (named.length === 0) return new Array(requests.length).fill(undefined);
  const present = await tx.run(
    presentArtifacts,
    named.map(({ tenant }) => tenant),
    named.map(({ digest }) => parseDigest(digest)),
  );
  const known = new Set(present.map((row) => `${row.tenant}\0${formatDigest(row.digest)}`));
  return requests.map(({ lease, artifacts }) => {
    const digests = artifacts
      .map(({ digest }) => digest)
      .filter((digest) => !known.has(`${lease.tenant}\0${digest}`));
    return digests.length === 0 ? undefined : { kind: "artifact_not_found", digests };
  });
}

async function bind(
  tx: Transaction,
  asked: readonly CompleteRequest[],
  rows: readonly CompletedRow[],
): Promise<void> {
  const bindings = rows.flatMap((row) =>
    (asked[row.position - 1] as CompleteRequest).artifacts.map((artifact) => ({ row, artifact })),
  );
  if (bindings.length === 0) return;
  await tx.run(
    bindArtifacts,
    bindings.map(({ row }) => row.tenant),
    bindings.map(({ row }) => row.job_id),
    bindings.map(({ row }) => row.attempt),
    bindings.map(({ row }) => row.lease_epoch),
    bindings.map(({ artifact }) => artifact.name),
    bindings.map(({ artifact }) => parseDigest(artifact.digest)),
  );
}

async function settleLinked(tx: Transaction, rows: readonly CompletedRow[]): Promise<LetGo> {
  const linked = rows.filter((row) => row.linked);
  if (linked.length === 0) return NOTHING_LET_GO;
  const windowed = linked.filter((row) => row.windowed);
  if (windowed.length > 0) {
    const notes = await coverWindows(tx, windowed);
    await tx.run(
      noteSucceeded,
      windowed.map((row) => row.tenant),
      windowed.map((row) => row.job_id),
      windowed.map((row) => row.attempt),
      windowed.map((row) => row.lease_epoch),
      windowed.map((row) => row.worker_id),
      windowed.map((row) => row.from_state),
      notes,
    );
  }
  return tellDependants(
    tx,
    linked.map((row) => ({ tenant: row.tenant, jobId: row.job_id, outcome: "succeeded" })),
  );
}
