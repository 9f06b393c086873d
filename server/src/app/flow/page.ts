/** How many items a page of flow control has when the caller does not say. */
const DEFAULT_PAGE_SIZE = 100;

/** A page ends early rather than grow beyond this: clients read 4 MiB messages, and no more. */
const MAX_PAGE_BYTES = 2 * 1024 * 1024;

/** UTF-8 takes at most this many bytes for each unit of a string. */
const BYTES_PER_UNIT = 3;

/** How many items a page of the wanted size has; 0 stands for the default. */
export const pageSizeOf = (wanted: number): number => (wanted === 0 ? DEFAULT_PAGE_SIZE : wanted);

/** A page, and its last item if there are more behind it. */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly continueAfter: Item | undefined;
}

/**
 * The first `size` of what was found, or as many as fit into a message, but one at least. The
 * items are plain JSON, and about as large on the wire.
 */
export function cutPage<Item>(found: readonly Item[], size: number): Page<Item> {
  const items: Item[] = [];
  let bytes = 0;
  for (const item of found.slice(0, size)) {
    bytes += BYTES_PER_UNIT * JSON.stringify(item).length;
    if (items.length > 0 && bytes > MAX_PAGE_BYTES) break;
    items.push(item);
  }
  return { items, continueAfter: items.length < found.length ? items.at(-1) : undefined };
}
