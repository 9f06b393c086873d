import type { OperationOutcome } from "../../domain/operation.ts";
import { type PageRequest, readPage } from "../page.ts";
import type { OperationResultView, OperationView } from "./operation-view.ts";

/** The place of an operation among others, which stand in the order in which they began. */
export interface OperationPosition {
  /** Microseconds since 1970. */
  readonly createdUs: number;
  readonly id: string;
}

/** What {@link listOperations} needs. */
export interface ListOperationsPorts {
  /** Up to `limit` (1,001 at most) operations behind one, newest first. */
  readonly list: (
    tenant: string,
    runningOnly: boolean,
    before: OperationPosition | undefined,
    limit: number,
  ) => Promise<OperationView[]>;
}

/** Lists operations, newest first. */
export const listOperations =
  (ports: ListOperationsPorts) => (tenant: string, runningOnly: boolean, asked: PageRequest) =>
    readPage(asked, {
      scope: { tenant, list: "operations", query: { runningOnly } },
      read: (position, limit) => ports.list(tenant, runningOnly, readPosition(position), limit),
      positionOf: ({ createdUs, id }) => `${createdUs} ${id}`,
    });

function readPosition(text: string): OperationPosition | undefined {
  if (text === "") return undefined;
  const [createdUs, id = ""] = text.split(" ");
  return { createdUs: Number(createdUs), id };
}

/** What {@link listOperationResults} needs. */
export interface ListResultsPorts {
  /** Up to `limit` (1,001 at most) results after a job's; undefined: no such operation. */
  readonly list: (
    tenant: string,
    operationId: string,
    outcome: OperationOutcome | undefined,
    afterJobId: string | undefined,
    limit: number,
  ) => Promise<OperationResultView[] | undefined>;
}

/** Lists what became of the jobs of an operation, in the order of their ids. */
export const listOperationResults =
  (ports: ListResultsPorts) =>
  (
    tenant: string,
    operationId: string,
    outcome: OperationOutcome | undefined,
    asked: PageRequest,
  ) =>
    readPage<OperationResultView, undefined>(asked, {
      scope: { tenant, list: "operation_results", query: { operationId, outcome } },
      read: (after, limit) => ports.list(tenant, operationId, outcome, after || undefined, limit),
      positionOf: ({ jobId }) => jobId,
    });
