import { type PageRequest, readPage } from "../page.ts";
import type { Backfill, BackfillWindow, BackfillWindowState } from "./backfill.ts";

/** What {@link listBackfills} needs. */
export interface ListBackfillsPorts {
  /** Up to `limit` (1,001 at most) backfills before the one of an id, newest first. */
  readonly list: (
    tenant: string,
    source: string,
    after: string,
    limit: number,
  ) => Promise<Backfill[]>;
}

/** Lists backfills, newest first. */
export const listBackfills =
  (ports: ListBackfillsPorts) => (tenant: string, source: string, asked: PageRequest) =>
    readPage(asked, {
      scope: { tenant, list: "backfills", query: source },
      read: (after, limit) => ports.list(tenant, source, after, limit),
      positionOf: ({ id }) => id,
    });

/** A window of a backfill, and the scope of its source that all of them have. */
export interface ScopedWindow extends BackfillWindow {
  readonly scope: string;
}

/** What {@link listBackfillWindows} needs. */
export interface ListBackfillWindowsPorts {
  readonly read: (tenant: string, id: string) => Promise<Backfill | undefined>;
  /** Up to `limit` (1,001 at most) windows after one that began at a moment. */
  readonly list: (
    tenant: string,
    id: string,
    state: BackfillWindowState | undefined,
    after: Date | undefined,
    limit: number,
  ) => Promise<BackfillWindow[]>;
}

/** Lists the windows for which a backfill made or found a job, oldest first. */
export const listBackfillWindows =
  (ports: ListBackfillWindowsPorts) =>
  (tenant: string, id: string, state: BackfillWindowState | undefined, asked: PageRequest) =>
    readPage<ScopedWindow, undefined>(asked, {
      scope: { tenant, list: "backfill_windows", query: [id, state ?? null] },
      read: async (position, limit) => {
        const backfill = await ports.read(tenant, id);
        if (backfill === undefined) return undefined;
        const after = position === "" ? undefined : new Date(position);
        const windows = await ports.list(tenant, id, state, after, limit);
        const { scope } = backfill.spec;
        return windows.map((window) => ({ scope, ...window }));
      },
      positionOf: ({ start }) => start.toISOString(),
    });
