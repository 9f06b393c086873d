import { type PageScope, readPageToken, writePageToken } from "../domain/page-token.ts";

/** How many items a page has when neither the caller nor the list says. */
const DEFAULT_PAGE_SIZE = 100;

/** A page ends early rather than grow beyond this: clients read 4 MiB messages, and no more. */
const MAX_PAGE_BYTES = 2 * 1024 * 1024;

/** UTF-8 takes at most this many bytes for each unit of a string. */
const BYTES_PER_UNIT = 3;

/** Which page of a list is asked for; the requests of the contract say it in these words. */
export interface PageRequest {
  /** How many items at most; 0 stands for the default. */
  readonly pageSize: number;
  /** Of the page before; empty for the first page. */
  readonly pageToken: string;
}

/** A page; it can be shorter than asked for and not be the last. */
export interface Page<Item> {
  readonly kind: "page";
  readonly items: readonly Item[];
  /** Empty on the last page. */
  readonly nextPageToken: string;
}

/** The token is not one of this list. */
export interface PageTokenInvalid {
  readonly kind: "page_token_invalid";
}

/** A list and how it is read. */
export interface Listing<Item, Gone extends undefined> {
  /** What tokens of the list are good for. */
  readonly scope: PageScope;
  /** Up to `limit` (1,001 at most) items behind a position; the empty one is the beginning. */
  readonly read: (position: string, limit: number) => Promise<readonly Item[] | NoInfer<Gone>>;
  /** What `read` takes to go on behind an item; not empty. */
  readonly positionOf: (item: Item) => string;
  /** How many items a page has when the caller does not say; else 100. */
  readonly defaultSize?: number;
  /** About how many bytes an item takes in a message; else its JSON says it. */
  readonly bytesOf?: (item: Item) => number;
}

/**
 * Reads a page of a list: as many items as were asked for and fit into a message. A list that
 * belongs to something says `undefined` for `Gone`: that is the answer if the thing is not there.
 */
export async function readPage<Item, Gone extends undefined = never>(
  { pageSize, pageToken }: PageRequest,
  { scope, read, positionOf, ...sizes }: Listing<Item, Gone>,
): Promise<Page<Item> | PageTokenInvalid | Gone> {
  const { defaultSize = DEFAULT_PAGE_SIZE, bytesOf = jsonBytes } = sizes;
  const position = readPageToken(scope, pageToken);
  if (position === undefined) return { kind: "page_token_invalid" };
  const size = pageSize || defaultSize;
  // One more than the page has: there is a next page.
  const found = await read(position, size + 1);
  if (found === undefined) return found;
  const items = thatFit(found.slice(0, size), bytesOf);
  const last = items.length < found.length ? items.at(-1) : undefined;
  return { kind: "page", items, nextPageToken: writePageToken(scope, last && positionOf(last)) };
}

/** As many of the items as fit into a message, but one at least. */
function thatFit<Item>(items: readonly Item[], bytesOf: (item: Item) => number): readonly Item[] {
  let bytes = 0;
  const count = items.findIndex((item, index) => {
    bytes += bytesOf(item);
    return index > 0 && bytes > MAX_PAGE_BYTES;
  });
  return count === -1 ? items : items.slice(0, count);
}

/** For items of plain JSON, which are about as large on the wire. */
const jsonBytes = (item: unknown): number => BYTES_PER_UNIT * JSON.stringify(item).length;
