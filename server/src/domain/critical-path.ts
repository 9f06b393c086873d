/** What the path has to know about a job. Moments are milliseconds since 1970. */
export interface PathJob {
  /** When its newest attempt started; undefined: none did. */
  readonly startedMs: number | undefined;
  /** Undefined: it is unfinished. */
  readonly endedMs: number | undefined;
  /** Whether it waits for other jobs. */
  readonly blocked: boolean;
}

const NONE = -1;
const FIRST_CAPACITY = 1_024;

/**
 * Finds the chain of jobs that decides how long a run takes: each step is, of the jobs that the
 * next one waited for, the one that ended last. Jobs first, then edges in any order; both are
 * looked at once and edges are not kept, so that it takes some 30 bytes a job and nothing an edge.
 */
export class CriticalPath {
  #started = new Float64Array(FIRST_CAPACITY);
  #ended = new Float64Array(FIRST_CAPACITY);
  #blocked = new Uint8Array(FIRST_CAPACITY);
  /** The parent that ended last. */
  #before = new Int32Array(FIRST_CAPACITY);
  #size = 0;

  /** Adds a job; answers its index, which is how many were added before. */
  addJob({ startedMs, endedMs, blocked }: PathJob): number {
    const index = this.#size++;
    if (index === this.#ended.length) this.#grow();
    this.#before[index] = NONE;
    this.#started[index] = startedMs ?? Number.NaN;
    this.#ended[index] = endedMs ?? Number.POSITIVE_INFINITY;
    this.#blocked[index] = blocked ? 1 : 0;
    return index;
  }

  /**
   * Adds a dependency. A parent that ended after the job did decided nothing: an operator ran it
   * again, or the job did not wait for its end.
   */
  addEdge(from: number, to: number): void {
    const ended = this.#endOf(from);
    if (ended === Number.POSITIVE_INFINITY || ended > this.#endOf(to)) return;
    const best = this.#before[to] as number;
    const bestEnd = best === NONE ? Number.NEGATIVE_INFINITY : this.#endOf(best);
    if (ended > bestEnd || (ended === bestEnd && from < best)) this.#before[to] = from;
  }

  /**
   * The indices of the steps, first to last. It ends with the job that ended last; while jobs are
   * unfinished and not blocked, with the one of those that has the most steps before it, and of
   * equals the one that could go first. Empty: there are no jobs.
   */
  steps(): number[] {
    const steps: number[] = [];
    for (let at = this.#last(); at !== NONE; at = this.#before[at] as number) steps.push(at);
    return steps.reverse();
  }

  #last(): number {
    const lengths = this.#lengths();
    let last = NONE;
    for (let index = 0; index < this.#size; index++) {
      if (this.#blocked[index] === 1) continue;
      if (last === NONE || this.#decidesMore(index, last, lengths)) last = index;
    }
    return last;
  }

  #decidesMore(one: number, other: number, lengths: Int32Array): boolean {
    const by = this.#endOf(one) - this.#endOf(other);
    if (!Number.isNaN(by) && by !== 0) return by > 0;
    if (this.#endOf(one) === Number.POSITIVE_INFINITY) {
      const longer = (lengths[one] as number) - (lengths[other] as number);
      return longer === 0 ? this.#since(one) < this.#since(other) : longer > 0;
    }
    // What was cancelled because the other failed ended with it, and did nothing.
    return !Number.isNaN(this.#started[one]) && Number.isNaN(this.#started[other]);
  }

  /** How many steps the way to each job has. */
  #lengths(): Int32Array {
    const lengths = new Int32Array(this.#size);
    const way: number[] = [];
    for (let index = 0; index < this.#size; index++) {
      let at = index;
      for (; at !== NONE && lengths[at] === 0; at = this.#before[at] as number) way.push(at);
      let length = at === NONE ? 0 : (lengths[at] as number);
      for (let step = way.pop(); step !== undefined; step = way.pop()) lengths[step] = ++length;
    }
    return lengths;
  }

  #grow(): void {
    const capacity = 2 * this.#size;
    const grown = <T extends Float64Array | Uint8Array | Int32Array>(from: T, to: T): T => {
      to.set(from);
      return to;
    };
    this.#started = grown(this.#started, new Float64Array(capacity));
    this.#ended = grown(this.#ended, new Float64Array(capacity));
    this.#blocked = grown(this.#blocked, new Uint8Array(capacity));
    this.#before = grown(this.#before, new Int32Array(capacity));
  }

  #endOf(index: number): number {
    return this.#ended[index] as number;
  }

  /** From when on it could go: the end of what it waited for. */
  #since(index: number): number {
    const before = this.#before[index] as number;
    return before === NONE ? Number.NEGATIVE_INFINITY : this.#endOf(before);
  }
}
