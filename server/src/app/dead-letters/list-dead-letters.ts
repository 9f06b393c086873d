import type { DeadLetterFilter, DeadLetterView } from "../../domain/dead-letter.ts";
import { type PageRequest, readPage } from "../page.ts";

/** The place of a letter among others, which stand in the order of their deaths. */
export interface LetterPosition {
  /** Microseconds since 1970. */
  readonly diedUs: number;
  readonly jobId: string;
}

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

/** Lists dead letters, newest first. */
export const listDeadLetters =
  (ports: ListDeadLettersPorts) => (tenant: string, filter: DeadLetterFilter, asked: PageRequest) =>
    readPage(asked, {
      scope: { tenant, list: "dead_letters", query: queryOf(filter) },
      read: (position, limit) => ports.list(tenant, filter, readPosition(position), limit),
      positionOf: ({ diedUs, jobId }) => `${diedUs} ${jobId}`,
    });

/** Lists are the same when their filters say the same, in whatever order. */
const queryOf = (filter: DeadLetterFilter) => ({
  ...filter,
  jobTypes: [...new Set(filter.jobTypes)].sort(),
  failureClasses: [...new Set(filter.failureClasses)].sort(),
});

function readPosition(text: string): LetterPosition | undefined {
  if (text === "") return undefined;
  const [diedUs, jobId = ""] = text.split(" ");
  return { diedUs: Number(diedUs), jobId };
}
