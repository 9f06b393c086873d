import { type Lane, laneKey, type ReadyLane } from "../domain/offer.ts";
import { type LaneRow, toLane } from "./lane.sql.ts";

/** What a committed write means for the rest of the system. */
export interface Aftermath {
  /** Tenants whose jobs changed: watchers look again. */
  readonly changed: readonly string[];
  /** Lanes that have new work: the dispatcher looks there. */
  readonly lanes: readonly ReadyLane[];
  /** Whether jobs were scheduled: the promoter looks when the next one is due. */
  readonly scheduled: boolean;
  /** Set: the end of jobs is still to be told, and the cascade's loop does that. */
  readonly cascading?: boolean;
}

/** A job that may have become ready: `seq` is its place in its lane, null if it did not. */
export interface Moved extends LaneRow {
  readonly tenant: string;
  readonly seq: number | null;
}

/** The lanes of jobs that became ready, each with its sequence numbers. */
export function mergeLanes(moved: readonly Moved[]): ReadyLane[] {
  const lanes = new Map<string, { lane: Lane; minSeq: number; seqs: number[] }>();
  for (const row of moved) {
    if (row.seq === null) continue;
    const lane = toLane(row.tenant, row);
    const key = `${row.tenant}\0${laneKey(lane)}`;
    const entry = lanes.get(key);
    if (entry === undefined) lanes.set(key, { lane, minSeq: row.seq, seqs: [row.seq] });
    else {
      entry.minSeq = Math.min(entry.minSeq, row.seq);
      entry.seqs.push(row.seq);
    }
  }
  return Array.from(lanes.values(), ({ lane, minSeq, seqs }) => ({ ...lane, minSeq, seqs }));
}

/** Puts an aftermath together. */
export const aftermathOf = (
  tenants: readonly string[],
  lanes: readonly ReadyLane[],
  scheduled = false,
  cascading = false,
): Aftermath => ({ changed: [...new Set(tenants)], lanes, scheduled, cascading });
