/** How a {@link Batcher} behaves. */
export interface BatcherOptions<Item, Answer> {
  /** Writes a batch and returns an answer per item, in order. */
  readonly flush: (items: readonly Item[]) => Promise<readonly Answer[]>;
  /** The largest total weight of a batch. An item heavier than this goes alone. */
  readonly maxWeight: number;
  /** The largest total weight that may wait; more is refused with {@link BatcherFullError}. */
  readonly maxQueuedWeight: number;
  /** How many batches may be in flight. More than one overlaps the commits' waits. */
  readonly concurrency?: number;
  /** What an item weighs; 1 unless told. */
  readonly weigh?: (item: Item) => number;
  /**
   * How far apart batches begin, in milliseconds: for items that can wait. The first one after a
   * quiet time goes at once all the same. 0 unless told.
   */
  readonly spacingMs?: number;
  /**
   * Whether a failed batch failed because of the world (database away) rather than because of
   * one of its items. Such a batch is failed as it is; any other is tried again item by item, so
   * that a poison item fails alone.
   */
  readonly isOutage: (error: unknown) => boolean;
}

/** Says that more work waits than the batcher is allowed to hold. Try again later. */
export class BatcherFullError extends Error {
  override readonly name = "BatcherFullError";
}

interface Waiting<Item, Answer> {
  readonly item: Item;
  readonly weight: number;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Group commit without a timer: an item that finds the batcher idle is flushed at once, items
 * that arrive meanwhile share the next batch. So an idle system adds no delay and a busy one
 * makes large batches.
 */
export class Batcher<Item, Answer> {
  readonly #options: BatcherOptions<Item, Answer>;
  readonly #waiting: Waiting<Item, Answer>[] = [];
  #queuedWeight = 0;
  #inFlight = 0;
  #lastBeganAt = Number.NEGATIVE_INFINITY;
  #spacing: NodeJS.Timeout | undefined;
  #idle: (() => void)[] = [];

  constructor(options: BatcherOptions<Item, Answer>) {
    this.#options = options;
  }

  /** Adds an item; resolves with its answer once its batch is written. */
  add(item: Item): Promise<Answer> {
    const weight = this.#options.weigh?.(item) ?? 1;
    if (this.#queuedWeight + weight > this.#options.maxQueuedWeight && this.#queuedWeight > 0) {
      return Promise.reject(new BatcherFullError("too much work is waiting for the ledger"));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, weight, resolve, reject });
      this.#queuedWeight += weight;
      // A microtask later, so that items added in the same tick share a batch.
      queueMicrotask(() => this.#pump());
    });
  }

  /** Resolves when nothing waits and nothing is in flight. */
  async idle(): Promise<void> {
    if (this.#inFlight === 0 && this.#waiting.length === 0) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #pump(): void {
    while (this.#waiting.length > 0 && this.#inFlight < (this.#options.concurrency ?? 1)) {
      if (this.#isTooSoon()) return;
      this.#inFlight++;
      void this.#flush(this.#nextBatch()).finally(() => {
        this.#inFlight--;
        this.#pump();
        if (this.#inFlight === 0 && this.#waiting.length === 0) {
          for (const resolve of this.#idle.splice(0)) resolve();
        }
      });
    }
  }

  /** Whether the next batch has to wait for the spacing; it comes when that is over. */
  #isTooSoon(): boolean {
    const { spacingMs = 0 } = this.#options;
    if (spacingMs === 0) return false;
    const nowMs = performance.now();
    const restMs = this.#lastBeganAt + spacingMs - nowMs;
    if (restMs <= 0) {
      this.#lastBeganAt = nowMs;
      return false;
    }
    this.#spacing ??= setTimeout(() => {
      this.#spacing = undefined;
      this.#pump();
    }, restMs);
    return true;
  }

  #nextBatch(): Waiting<Item, Answer>[] {
    let weight = 0;
    let count = 0;
    for (const waiting of this.#waiting) {
      if (count > 0 && weight + waiting.weight > this.#options.maxWeight) break;
      weight += waiting.weight;
      count++;
    }
    this.#queuedWeight -= weight;
    return this.#waiting.splice(0, count);
  }

  async #flush(batch: readonly Waiting<Item, Answer>[]): Promise<void> {
    try {
      const answers = await this.#options.flush(batch.map((waiting) => waiting.item));
      if (answers.length !== batch.length) {
        throw new Error(`flush answered ${answers.length} of ${batch.length} items`);
      }
      batch.forEach((waiting, index) => {
        waiting.resolve(answers[index] as Answer);
      });
    } catch (error) {
      if (batch.length === 1 || this.#options.isOutage(error)) {
        for (const waiting of batch) waiting.reject(error);
        return;
      }
      for (const waiting of batch) await this.#flush([waiting]);
    }
  }
}
