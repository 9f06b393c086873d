import type { ReadyLane } from "../domain/offer.ts";

/** What a committed write means for the rest of the system. */
export interface Aftermath {
  /** Tenants whose jobs changed: watchers look again. */
  readonly changed: readonly string[];
  /** Lanes that have new work: the dispatcher looks there. */
  readonly lanes: readonly ReadyLane[];
  /** Whether jobs were scheduled: the promoter looks when the next one is due. */
  readonly scheduled: boolean;
}

/** A job that may have become ready: `seq` is its place in its lane, null if it did not. */
export interface Moved {
  readonly tenant: string;
  readonly queue: string;
  readonly job_type: string;
  readonly priority: number;
  readonly seq: number | null;
}

/** The lanes of jobs that became ready, each with its lowest sequence number. */
export function mergeLanes(moved: readonly Moved[]): ReadyLane[] {
  const lanes = new Map<string, ReadyLane>();
  for (const row of moved) {
    if (row.seq === null) continue;
    const key = `${row.tenant}\0${row.queue}\0${row.job_type}\0${row.priority}`;
    lanes.set(key, {
      tenant: row.tenant,
      queue: row.queue,
      jobType: row.job_type,
      priority: row.priority,
      minSeq: Math.min(lanes.get(key)?.minSeq ?? row.seq, row.seq),
    });
  }
  return [...lanes.values()];
}

/** Puts an aftermath together. */
export const aftermathOf = (
  tenants: readonly string[],
  lanes: readonly ReadyLane[],
  scheduled = false,
): Aftermath => ({ changed: [...new Set(tenants)], lanes, scheduled });
