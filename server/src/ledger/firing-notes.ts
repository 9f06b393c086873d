import type { FiringOutcome } from "../app/schedules/stored-schedule.ts";
import { type FiringRow, insertFirings } from "./firing.sql.ts";
import type { Transaction } from "./transaction.ts";

/** What became of a firing. */
export type FiringNote = Pick<
  FiringRow,
  "outcome" | "job_id" | "run_id" | "missed_count" | "error"
>;

/** A note of a firing that made nothing. */
export const noNote = { job_id: null, run_id: null, missed_count: 0, error: null };

/** The firings of one step, until they are written. */
export class FiringNotes {
  readonly #notes: (FiringNote & { readonly nominal: Date; readonly requestId: string })[] = [];
  readonly #outcomes = new Map<FiringOutcome, number>();

  /** How many rows there are to write. */
  get length(): number {
    return this.#notes.length;
  }

  /** How many firings came to what; a missed one counts for all that it stands for. */
  get outcomes(): ReadonlyMap<FiringOutcome, number> {
    return this.#outcomes;
  }

  /** Notes a new firing. */
  add(nominal: Date, requestId: string, note: FiringNote): void {
    this.#notes.push({ ...note, nominal, requestId });
    this.count(note.outcome, Math.max(1, note.missed_count));
  }

  /** Counts firings, also those that were noted before. */
  count(outcome: FiringOutcome, firings: number): void {
    this.#outcomes.set(outcome, (this.#outcomes.get(outcome) ?? 0) + firings);
  }

  /** Skips those that wait, as a newer one takes their place. */
  skipQueued(): void {
    this.#notes.forEach((note, index) => {
      if (note.outcome !== "queued") return;
      this.#notes[index] = { ...note, outcome: "skipped" };
      this.count("skipped", 1);
    });
  }

  /** Writes them, in the order in which they were noted. */
  async write(tx: Transaction, tenant: string, schedule: string): Promise<FiringRow[]> {
    const notes = this.#notes;
    if (notes.length === 0) return [];
    return tx.run(
      insertFirings,
      tenant,
      schedule,
      notes.map((note) => note.nominal),
      notes.map((note) => note.requestId),
      notes.map((note) => note.outcome),
      notes.map((note) => note.job_id),
      notes.map((note) => note.run_id),
      notes.map((note) => note.missed_count),
      notes.map((note) => note.error),
    );
  }
}
