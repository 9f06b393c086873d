import { Batcher } from "./batcher.ts";

/** How {@link groupCommit} behaves. */
export interface GroupCommitOptions<Item, Answer> {
  /** Writes items, of any callers, and answers each, in order. */
  readonly flush: (items: readonly Item[]) => Promise<readonly Answer[]>;
  /** The largest total weight of a batch. */
  readonly maxWeight: number;
  /** The largest total weight that may wait. */
  readonly maxQueuedWeight: number;
  /** How many batches may be in flight. */
  readonly concurrency: number;
  /** What an item weighs; 1 unless told. */
  readonly weigh?: (item: Item) => number;
  /** How far apart batches begin, in milliseconds; 0 unless told. */
  readonly spacingMs?: number;
  readonly isOutage: (error: unknown) => boolean;
}

/** A write that shares its commit with others'. */
export interface GroupCommit<Item, Answer> {
  readonly write: (items: readonly Item[]) => Promise<readonly Answer[]>;
  /** Resolves when nothing waits and nothing is in flight. */
  readonly idle: () => Promise<void>;
}

/**
 * Lets calls that each carry a list of items share batches: the lists are laid end to end, written
 * at once, and each call gets its own answers. A call fails as a whole, and alone.
 */
export function groupCommit<Item, Answer>(
  options: GroupCommitOptions<Item, Answer>,
): GroupCommit<Item, Answer> {
  const { weigh } = options;
  const batcher = new Batcher<readonly Item[], readonly Answer[]>({
    maxWeight: options.maxWeight,
    maxQueuedWeight: options.maxQueuedWeight,
    concurrency: options.concurrency,
    spacingMs: options.spacingMs ?? 0,
    isOutage: options.isOutage,
    weigh: (items) =>
      weigh === undefined ? items.length : items.reduce((sum, item) => sum + weigh(item), 0),
    flush: async (lists) => {
      const answers = await options.flush(lists.length === 1 ? (lists[0] ?? []) : lists.flat());
      let start = 0;
      return lists.map((list) => {
        const end = start + list.length;
        const own = answers.slice(start, end);
        start = end;
        return own;
      });
    },
  });
  return {
    write: (items) => (items.length === 0 ? Promise.resolve([]) : batcher.add(items)),
    idle: () => batcher.idle(),
  };
}
