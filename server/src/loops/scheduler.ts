import { LedgerUnavailable } from "../app/ledger-unavailable.ts";
import { type Loop, loop } from "../lib/loop.ts";

/** Names a schedule. */
export interface DueSchedule {
  readonly tenant: string;
  readonly name: string;
}

/** What firing schedules needs. */
export interface SchedulerPorts {
  readonly tenantsDue: () => Promise<readonly string[]>;
  /** A bounded number of schedules that are due, the longest overdue first. */
  readonly due: (tenants: readonly string[]) => Promise<readonly DueSchedule[]>;
  /** Does a bounded part of what is due; false if another replica is at it. */
  readonly fire: (schedule: DueSchedule) => Promise<boolean>;
  /** Makes a schedule wait that could not be worked on. */
  readonly putOff: (schedule: DueSchedule, delayMs: number) => Promise<void>;
  /** The tenants that have firings which wait for what was made before them. */
  readonly tenantsWaiting: () => Promise<readonly string[]>;
  /** Makes those due whose turn it is. */
  readonly wakeWaiting: (tenants: readonly string[]) => Promise<unknown>;
  /** How long until the next schedule is due, in milliseconds; undefined: there is none. */
  readonly nextDueMs: () => Promise<number | undefined>;
  readonly onError: (loop: string, error: unknown) => void;
}

/** The longest rest, in milliseconds: another replica may have made a schedule meanwhile. */
const MAX_REST_MS = 1_000;

/** The shortest rest, in milliseconds, so that many schedules that are due soon share a look. */
const MIN_REST_MS = 5;

/** How long a schedule waits that could not be worked on, in milliseconds. */
const PUT_OFF_MS = 30_000;

/** Jobs end in quick succession: those of so many milliseconds share a look. */
const CHANGES_APART_MS = 50;

/** The loop of schedules, and what it is told. */
export interface Scheduler extends Loop {
  /** Jobs of these tenants changed: the turn of firings that wait may have come. */
  readonly changed: (tenants: readonly string[]) => void;
}

/** The loop that fires schedules when their moment comes. Wake it for a new or changed one. */
export function scheduler(ports: SchedulerPorts): Scheduler {
  let waiting = new Set<string>();
  const changed = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  const inner = loop({
    name: "scheduler",
    restAfterErrorMs: MAX_REST_MS,
    onError: ports.onError,
    tick: async () => {
      if (changed.size > 0) {
        const tenants = [...changed];
        changed.clear();
        await ports.wakeWaiting(tenants);
      }
      if (await fireDue(ports)) return 0;
      const before = waiting;
      waiting = new Set(await ports.tenantsWaiting());
      // What ended before this loop knew that somebody waits for it was no news to it.
      const late = [...waiting].filter((tenant) => !before.has(tenant));
      if (late.length > 0) await ports.wakeWaiting(late);
      const dueMs = (await ports.nextDueMs()) ?? MAX_REST_MS;
      return Math.min(MAX_REST_MS, Math.max(MIN_REST_MS, Math.ceil(dueMs)));
    },
  });
  return {
    ...inner,
    changed(tenants) {
      for (const tenant of tenants) if (waiting.has(tenant)) changed.add(tenant);
      if (changed.size === 0 || timer !== undefined) return;
      timer = setTimeout(() => {
        timer = undefined;
        inner.wake();
      }, CHANGES_APART_MS);
    },
    async stop() {
      clearTimeout(timer);
      await inner.stop();
    },
  };
}

/** Works once on each schedule that is due; answers whether it did anything. */
async function fireDue(ports: SchedulerPorts): Promise<boolean> {
  const tenants = await ports.tenantsDue();
  if (tenants.length === 0) return false;
  let fired = false;
  for (const schedule of await ports.due(tenants)) {
    try {
      if (await ports.fire(schedule)) fired = true;
    } catch (error) {
      if (error instanceof LedgerUnavailable) throw error;
      // One that cannot be worked on must not keep the others from it.
      ports.onError("scheduler", error);
      await ports.putOff(schedule, PUT_OFF_MS);
    }
  }
  return fired;
}
