import type { DeadLetterFilter, DeadLetterView } from "../../domain/dead-letter.ts";
import { type PageScope, readPageToken, writePageToken } from "../../domain/page-token.ts";
import { cutPage, pageSizeOf } from "../flow/page.ts";

/** The place of a letter among others, which stand in the order of their deaths. */
export interface LetterPosition {
  /** Microseconds since 1970. */
  readonly diedUs: number;
  readonly jobId: string;
}

/** A page of letters, newest first. */
export type ListDeadLettersResult =
  | {
      readonly kind: "page";
      readonly letters: readonly DeadLetterView[];
      /** Empty on the last page. */
      readonly nextPageToken: string;
    }
  | { readonly kind: "page_token_invalid" };

/** What {@link listDeadLetters} needs. */
export interface ListDeadLettersPorts {
  /** Up to `limit` (1,001 at most) letters that match and stand behind one, newest first. */
  readonly list: (
    tenant: string,
    filter: DeadLetterFilter,
    before: LetterPosition | undefined,
    limit: number,
  ) => Promise<DeadLetterView[]>;
}

/** Lists dead letters a page at a time; one can be shorter than asked for and not be the last. */
export const listDeadLetters =
  (ports: ListDeadLettersPorts) =>
  async (
    tenant: string,
    filter: DeadLetterFilter,
    pageSize: number,
    pageToken: string,
  ): Promise<ListDeadLettersResult> => {
    const scope = scopeOf(tenant, filter);
    const position = pageToken === "" ? undefined : readPageToken(scope, pageToken);
    if (pageToken !== "" && position === undefined) return { kind: "page_token_invalid" };
    const size = pageSizeOf(pageSize);
    const before = position === undefined ? undefined : readPosition(position);
    const found = await ports.list(tenant, filter, before, size + 1);
    const { items, continueAfter } = cutPage(found, size);
    const nextPageToken =
      continueAfter === undefined
        ? ""
        : writePageToken(scope, `${continueAfter.diedUs} ${continueAfter.jobId}`);
    return { kind: "page", letters: items, nextPageToken };
  };

/** Lists are the same when their filters say the same, in whatever order. */
const scopeOf = (tenant: string, filter: DeadLetterFilter): PageScope => ({
  tenant,
  list: "dead_letters",
  query: {
    ...filter,
    jobTypes: [...new Set(filter.jobTypes)].sort(),
    failureClasses: [...new Set(filter.failureClasses)].sort(),
    diedFrom: filter.diedFrom?.toISOString(),
    diedBefore: filter.diedBefore?.toISOString(),
  },
});

function readPosition(position: string): LetterPosition {
  const [diedUs = "", jobId = ""] = position.split(" ");
  return { diedUs: Number(diedUs), jobId };
}
