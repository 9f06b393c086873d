import { type PageScope, readPageToken, writePageToken } from "../../domain/page-token.ts";
import { cutPage, pageSizeOf } from "../flow/page.ts";
import type { Firing, StoredSchedule } from "./stored-schedule.ts";

/** A page of schedules, by name. */
export type ListSchedulesResult =
  | {
      readonly kind: "page";
      readonly schedules: readonly StoredSchedule[];
      /** Empty on the last page. */
      readonly nextPageToken: string;
    }
  | { readonly kind: "page_token_invalid" };

/** What {@link listSchedules} needs. */
export interface ListSchedulesPorts {
  /** Up to `limit` (1,001 at most) after a name, by name. */
  readonly list: (tenant: string, after: string, limit: number) => Promise<StoredSchedule[]>;
}

/** Lists schedules by name, a page at a time. */
export const listSchedules =
  (ports: ListSchedulesPorts) =>
  async (tenant: string, pageSize: number, pageToken: string): Promise<ListSchedulesResult> => {
    const page: PageScope = { tenant, list: "schedules", query: null };
    const after = pageToken === "" ? "" : readPageToken(page, pageToken);
    if (after === undefined) return { kind: "page_token_invalid" };
    const size = pageSizeOf(pageSize);
    const found = await ports.list(tenant, after, size + 1);
    const { items, continueAfter: last } = cutPage(found, size);
    const nextPageToken = last === undefined ? "" : writePageToken(page, last.name);
    return { kind: "page", schedules: items, nextPageToken };
  };

/** Where a list of firings goes on: after this one, to older ones. */
export interface FiringPosition {
  readonly nominalAt: Date;
  /** Undefined: the clock made it. */
  readonly requestId: string | undefined;
}

/** A page of firings, newest first. */
export type ListFiringsResult =
  | {
      readonly kind: "page";
      readonly firings: readonly Firing[];
      /** Empty on the last page. */
      readonly nextPageToken: string;
    }
  | { readonly kind: "page_token_invalid" }
  | { readonly kind: "not_found" };

/** What {@link listFirings} needs. */
export interface ListFiringsPorts {
  /** Up to `limit` (1,001 at most) after a position; undefined: there is no such schedule. */
  readonly list: (
    tenant: string,
    schedule: string,
    after: FiringPosition | undefined,
    limit: number,
  ) => Promise<Firing[] | undefined>;
}

/** Lists what a schedule did, newest first, a page at a time. */
export const listFirings =
  (ports: ListFiringsPorts) =>
  async (
    tenant: string,
    schedule: string,
    pageSize: number,
    pageToken: string,
  ): Promise<ListFiringsResult> => {
    const page: PageScope = { tenant, list: "firings", query: schedule };
    const position = pageToken === "" ? "" : readPageToken(page, pageToken);
    if (position === undefined) return { kind: "page_token_invalid" };
    const size = pageSizeOf(pageSize);
    const found = await ports.list(tenant, schedule, positionOf(position), size + 1);
    if (found === undefined) return { kind: "not_found" };
    const { items, continueAfter: last } = cutPage(found, size);
    const next = last && `${last.nominalAt.getTime()} ${last.requestId ?? ""}`;
    const nextPageToken = next === undefined ? "" : writePageToken(page, next);
    return { kind: "page", firings: items, nextPageToken };
  };

function positionOf(text: string): FiringPosition | undefined {
  if (text === "") return undefined;
  const [ms, requestId] = text.split(" ");
  return { nominalAt: new Date(Number(ms)), requestId: requestId || undefined };
}
