import type { History } from "../history.ts";

/** A place where a history breaks an invariant. */
export interface Violation {
  /** The job it is about; undefined when it is about none. */
  readonly jobId?: string;
  readonly text: string;
}

/** What looking found. */
export interface Finding {
  /** How many things were looked at; 0 means that the run proved nothing here. */
  readonly checked: number;
  readonly violations: readonly Violation[];
}

/** Something that holds in every history, whatever the faults. */
export interface Invariant {
  /** The number in the design's list, as text; "–" for what is beyond it. */
  readonly number: string;
  readonly title: string;
  /** Pure: the same history gives the same finding. */
  check(history: History): Finding;
  /**
   * What a run that is long enough must have looked at, so that holding means something; a run
   * with less than that fails. 0 unless told.
   */
  readonly leastChecked?: (history: History) => number;
}

/** Groups rows by job, in their order. */
export function byJob<Row extends { readonly jobId: string }>(
  rows: readonly Row[],
): ReadonlyMap<string, readonly Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const group = groups.get(row.jobId);
    if (group === undefined) groups.set(row.jobId, [row]);
    else group.push(row);
  }
  return groups;
}
