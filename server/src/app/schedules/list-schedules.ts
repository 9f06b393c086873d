import { type PageRequest, readPage } from "../page.ts";
import type { Firing, StoredSchedule } from "./stored-schedule.ts";

/** What {@link listSchedules} needs. */
export interface ListSchedulesPorts {
  /** Up to `limit` (1,001 at most) after a name, by name. */
  readonly list: (tenant: string, after: string, limit: number) => Promise<StoredSchedule[]>;
}

/** Lists schedules by name. */
export const listSchedules = (ports: ListSchedulesPorts) => (tenant: string, asked: PageRequest) =>
  readPage(asked, {
    scope: { tenant, list: "schedules", query: null },
    read: (after, limit) => ports.list(tenant, after, limit),
    positionOf: ({ name }) => name,
  });

/** Where a list of firings goes on: after this one, to older ones. */
export interface FiringPosition {
  readonly nominalAt: Date;
  /** Undefined: the clock made it. */
  readonly requestId: string | undefined;
}

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

/** Lists what a schedule did, newest first. */
export const listFirings =
  (ports: ListFiringsPorts) => (tenant: string, schedule: string, asked: PageRequest) =>
    readPage<Firing, undefined>(asked, {
      scope: { tenant, list: "firings", query: schedule },
      read: (position, limit) => ports.list(tenant, schedule, readPosition(position), limit),
      positionOf: ({ nominalAt, requestId }) => `${nominalAt.getTime()} ${requestId ?? ""}`,
    });

function readPosition(text: string): FiringPosition | undefined {
  if (text === "") return undefined;
  const [ms, requestId] = text.split(" ");
  return { nominalAt: new Date(Number(ms)), requestId: requestId || undefined };
}
