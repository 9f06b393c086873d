import { type Loop, loop } from "../lib/loop.ts";

/** What promoting needs. */
export interface PromoterPorts {
  readonly tenantsWithDueJobs: () => Promise<readonly string[]>;
  /** Makes a bounded number of due jobs ready; answers how many. */
  readonly promote: (tenants: readonly string[]) => Promise<number>;
  /** How long until the next job is due, in milliseconds; undefined: there is none. */
  readonly nextDueMs: () => Promise<number | undefined>;
  readonly onError: (loop: string, error: unknown) => void;
}

/** The longest rest, in milliseconds: another replica may have scheduled something meanwhile. */
const MAX_REST_MS = 1_000;

/** The shortest rest, in milliseconds, so that many jobs that are due soon share a batch. */
const MIN_REST_MS = 5;

/** The loop that makes scheduled jobs ready when their moment comes. Wake it for a new one. */
export const promoter = (ports: PromoterPorts): Loop =>
  loop({
    name: "promoter",
    restAfterErrorMs: MAX_REST_MS,
    onError: ports.onError,
    tick: async () => {
      const tenants = await ports.tenantsWithDueJobs();
      if (tenants.length > 0 && (await ports.promote(tenants)) > 0) return 0;
      const dueMs = (await ports.nextDueMs()) ?? MAX_REST_MS;
      return Math.min(MAX_REST_MS, Math.max(MIN_REST_MS, Math.ceil(dueMs)));
    },
  });
