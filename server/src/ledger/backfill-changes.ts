import { dropWindows, type OpenWindowRow, putWindows } from "./backfill-step.sql.ts";
import type { Transaction } from "./transaction.ts";

/** A window: milliseconds since 1970. */
export interface WindowMs {
  readonly startMs: number;
  readonly endMs: number;
}

/** What a window of a backfill can be. */
export type RowState = OpenWindowRow["state"] | "covered" | "shared" | "failed";

/** What a step changes about the windows of a backfill, and which of them are open then. */
export class WindowChanges {
  readonly #put = new Map<number, WindowMs & { state: RowState; jobId: string | null }>();
  readonly #dropped = new Set<number>();
  readonly #open = new Map<number, OpenWindowRow["state"]>();
  readonly #counts = { covered: 0, shared: 0, failed: 0 };

  constructor(open: readonly OpenWindowRow[]) {
    for (const row of open) this.#open.set(row.window_start.getTime(), row.state);
  }

  /** What is to be added to the counts of the backfill. */
  get counts(): readonly [covered: number, shared: number, failed: number] {
    return [this.#counts.covered, this.#counts.shared, this.#counts.failed];
  }

  /** How many windows are open and in this state. */
  open(state: OpenWindowRow["state"]): number {
    let count = 0;
    for (const one of this.#open.values()) if (one === state) count += 1;
    return count;
  }

  /** A window becomes something; a last state counts, and must be put once. */
  put({ startMs, endMs }: WindowMs, state: RowState, jobId: string | null): void {
    this.#put.set(startMs, { startMs, endMs, state, jobId });
    this.#dropped.delete(startMs);
    if (state === "in_progress" || state === "waiting") this.#open.set(startMs, state);
    else {
      this.#open.delete(startMs);
      this.#counts[state] += 1;
    }
  }

  /** So many windows were covered by others, and need no row. */
  share(windows: number): void {
    this.#counts.shared += windows;
  }

  /** A window is left out after all. */
  drop(startMs: number): void {
    this.#put.delete(startMs);
    this.#open.delete(startMs);
    this.#dropped.add(startMs);
  }

  /** Writes all of it. */
  async write(tx: Transaction, tenant: string, id: string): Promise<void> {
    const put = [...this.#put.values()];
    if (put.length > 0) {
      await tx.run(
        putWindows,
        ...([tenant, id] as const),
        put.map(({ startMs }) => new Date(startMs)),
        put.map(({ endMs }) => new Date(endMs)),
        put.map(({ state }) => state),
        put.map(({ jobId }) => jobId),
      );
    }
    if (this.#dropped.size === 0) return;
    const dropped = [...this.#dropped].map((startMs) => new Date(startMs));
    await tx.run(dropWindows, tenant, id, dropped);
  }
}
