import type { Program } from "./processes.ts";

/** How many jobs had been handled at a moment. */
export interface Mark {
  /** By performance.now() of the main process. */
  readonly atMs: number;
  readonly done: number;
}

/**
 * Adds up what several programs say about how many jobs they have handled. Deaf after
 * {@link close}, so that the next round begins at zero.
 */
export class Progress {
  readonly marks: Mark[] = [];
  readonly #counts = new Map<number, number>();
  readonly #off: readonly (() => void)[];
  readonly #waiting = new Set<() => void>();

  constructor(programs: readonly Program[]) {
    this.#off = programs.map((program) =>
      program.onLine(({ done }) => {
        if (typeof done !== "number") return;
        this.#counts.set(program.pid, done);
        this.marks.push({ atMs: performance.now(), done: this.#sum() });
        for (const look of [...this.#waiting]) look();
      }),
    );
  }

  /** The jobs handled so far. */
  get done(): number {
    return this.marks.at(-1)?.done ?? 0;
  }

  /** Resolves when so many were handled. Rejects when nothing moves for `patienceMs`. */
  reached(count: number, patienceMs = 30_000): Promise<void> {
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined;
      const look = () => {
        clearTimeout(timer);
        if (this.done < count) {
          timer = setTimeout(() => {
            this.#waiting.delete(look);
            reject(new Error(`stuck at ${this.done} of ${count} jobs for ${patienceMs} ms`));
          }, patienceMs);
          return;
        }
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }

  /** Jobs a second while the count went from `from` to `to`; the nearest marks count. */
  rate(from: number, to: number): number {
    const first = this.marks.find(({ done }) => done >= from);
    const last = this.marks.find(({ done }) => done >= to) ?? this.marks.at(-1);
    if (first === undefined || last === undefined || last.atMs <= first.atMs) return 0;
    return ((last.done - first.done) / (last.atMs - first.atMs)) * 1000;
  }

  /** The longest time without news between the first and the last, in milliseconds: a stall. */
  get longestPauseMs(): number {
    return this.marks.reduce((longest, { atMs }, index) => {
      const before = this.marks[index - 1]?.atMs ?? atMs;
      return Math.max(longest, atMs - before);
    }, 0);
  }

  /** Stops listening. */
  close(): void {
    for (const off of this.#off) off();
  }

  #sum(): number {
    let sum = 0;
    for (const count of this.#counts.values()) sum += count;
    return sum;
  }
}
