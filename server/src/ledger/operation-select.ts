import type { Pool } from "pg";
import type { TargetCount } from "../app/operations/start-operation.ts";
import type { DeadLetterFilter } from "../domain/dead-letter.ts";
import type { JobFilter } from "../domain/job-view.ts";
import {
  type JobAction,
  type JobOperation,
  type OperationTarget,
  statesToLookAt,
} from "../domain/operation.ts";
import { letterFilter } from "./dead-letters.ts";
import { sortedIds } from "./operate.ts";
import {
  findRun,
  type PartRow,
  type Selections,
  type SelectParams,
  SMALL_SELECTION,
  selectionsBySize,
} from "./operation-select.sql.ts";
import { inTransaction, type Transaction } from "./transaction.ts";

/** Whether the tenant has a run. */
export const runExistsIn =
  (pool: Pool) =>
  (tenant: string, runId: string): Promise<boolean> =>
    inTransaction(pool, [tenant], async (tx) => (await tx.run(findRun, tenant, runId)).length > 0);

/** Where a walk over an operation's jobs is: `{}` is its beginning. */
export interface SelectProgress {
  /** What the part before ended with: a job's id, or a place as a decimal. */
  readonly after?: string;
}

/** The next jobs of an operation, and where they end. */
export interface SelectedJobs {
  readonly jobIds: readonly string[];
  readonly progress: SelectProgress;
  /** Whether none is left behind them. */
  readonly last: boolean;
}

/** Which jobs of which tenant; the operation's id says since when it has been there. */
interface Selection {
  readonly tenant: string;
  readonly operationId: string | undefined;
  readonly target: OperationTarget;
  readonly action: JobAction["kind"];
}

/** The next jobs of an operation, `size` at most, but maybe fewer or none before the last. */
export async function selectNext(
  tx: Transaction,
  selection: Selection,
  progress: SelectProgress,
  size: number,
): Promise<SelectedJobs> {
  const { target } = selection;
  if (target.kind === "jobs") {
    const all = sortedIds(target.jobIds);
    const from = Number(progress.after ?? 0);
    const jobIds = all.slice(from, from + size);
    const end = from + jobIds.length;
    return { jobIds, progress: { after: String(end) }, last: end === all.length };
  }
  const { small, large } = selectionsBySize;
  const part = await selectPart(
    tx,
    size <= SMALL_SELECTION ? small : large,
    selection,
    progress.after,
  );
  const jobIds = part.ids.slice(0, size);
  if (jobIds.length < part.ids.length) {
    // More matched than the rate allows: the next step begins behind the last that was taken.
    return { jobIds, progress: { after: part.places[size - 1] as string }, last: false };
  }
  const rest = part.upto === null ? {} : { after: part.upto };
  return { jobIds, progress: rest, last: part.last };
}

/** The most jobs that are counted. */
const MAX_COUNT = 1_000_000;

/** How many of the counted jobs are named. */
const MAX_SAMPLE = 10;

/** Counts what an operation would look at, in bounded reads. */
export const countTargetIn =
  (pool: Pool) =>
  async (
    tenant: string,
    target: OperationTarget,
    action: JobAction["kind"],
  ): Promise<TargetCount> => {
    if (target.kind === "jobs") {
      const ids = sortedIds(target.jobIds);
      return { matching: ids.length, sampleJobIds: ids.slice(0, MAX_SAMPLE) };
    }
    const selection = { tenant, operationId: undefined, target, action };
    const sampleJobIds: string[] = [];
    let matching = 0;
    let after: string | undefined;
    for (;;) {
      const from = after;
      const part = await inTransaction(pool, [tenant], (tx) =>
        selectPart(tx, selectionsBySize.count, selection, from),
      );
      matching += part.matching;
      sampleJobIds.push(...part.ids.slice(0, MAX_SAMPLE - sampleJobIds.length));
      if (part.last || part.upto === null || matching >= MAX_COUNT) break;
      after = part.upto;
    }
    return { matching: Math.min(matching, MAX_COUNT), sampleJobIds };
  };

const NO_ID = "00000000-0000-0000-0000-000000000000";

const NO_PART: PartRow = { ids: [], places: [], matching: 0, upto: null, last: true };

async function selectPart(
  tx: Transaction,
  sized: Selections,
  { tenant, operationId, target, action }: Selection,
  after: string | undefined,
): Promise<PartRow> {
  const since = operationId ?? null;
  if (target.kind === "jobs") return NO_PART;
  if (target.kind === "dead_letters") {
    if (statesToLookAt(action, ["dead"]).length === 0) return NO_PART;
    const filter = letterFilter(target.filter);
    const rows = await tx.run(sized.letters, tenant, after ?? NO_ID, since, ...filter);
    return rows[0] ?? NO_PART;
  }
  const { filter } = target;
  const states = [...statesToLookAt(action, filter.states)];
  if (states.length === 0) return NO_PART;
  const [statement, from] =
    filter.runId === undefined
      ? [sized.byState, after ?? NO_ID]
      : [sized.run, after ?? BEFORE_THE_FIRST];
  const rows = await tx.run(statement, tenant, from, since, states, ...filterParams(filter));
  return rows[0] ?? NO_PART;
}

/** Before every place in a run. */
const BEFORE_THE_FIRST = "-1";

const orNull = <T>(values: readonly T[]): T[] | null => (values.length === 0 ? null : [...values]);

type FilterParams = SelectParams extends readonly [string, string, unknown, string[], ...infer Rest]
  ? Rest
  : never;

const filterParams = (filter: JobFilter): FilterParams => [
  orNull(filter.jobTypes),
  filter.queue ?? null,
  filter.project ?? null,
  filter.source ?? null,
  Object.keys(filter.labels).length === 0 ? null : JSON.stringify(filter.labels),
  filter.createdFrom ?? null,
  filter.createdBefore ?? null,
  filter.workerId ?? null,
  filter.runId ?? null,
];

/** An operation as {@link JSON.stringify} left it in the ledger. */
export function readJobOperation(json: unknown): JobOperation {
  const stored = json as JobOperation;
  return { ...stored, target: readTarget(stored.target) };
}

function readTarget(target: OperationTarget): OperationTarget {
  if (target.kind === "jobs") return target;
  if (target.kind === "matching") {
    return { kind: target.kind, filter: revived<JobFilter>(target.filter, CREATED) };
  }
  return { kind: target.kind, filter: revived<DeadLetterFilter>(target.filter, DIED) };
}

const CREATED = ["createdFrom", "createdBefore"];
const DIED = ["diedFrom", "diedBefore"];

/** JSON has moments as texts. */
const revived = <Filter extends object>(filter: Filter, moments: readonly string[]): Filter =>
  Object.fromEntries(
    Object.entries(filter).map(([key, value]) => [
      key,
      moments.includes(key) ? new Date(value as string) : value,
    ]),
  ) as Filter;
