import { LedgerUnavailable } from "../app/ledger-unavailable.ts";
import { jittered, type Loop, loop } from "../lib/loop.ts";

/** What reaping needs. */
export interface ReaperPorts {
  /** Ticks the clock of availability first, so that no sweep judges by one that stood still. */
  readonly tick: () => Promise<unknown>;
  readonly tenantsWithDueLeases: () => Promise<readonly string[]>;
  /** Asks attempts that ran past their deadline to stop. */
  readonly stopOverdue: (tenants: readonly string[]) => Promise<number>;
  /** Takes back a bounded number of expired leases. */
  readonly reap: (tenants: readonly string[]) => Promise<{ returned: number; ended: number }>;
  /** Told about each sweep that did something. */
  readonly onReaped: (counts: { returned: number; ended: number; overdue: number }) => void;
  readonly random: () => number;
  readonly sweepMs: number;
  readonly onError: (loop: string, error: unknown) => void;
}

/** The loop that takes back what crashed, paused and cut-off workers hold. */
export const reaper = (ports: ReaperPorts): Loop =>
  loop({
    name: "reaper",
    restAfterErrorMs: 1_000,
    onError: ports.onError,
    tick: async () => {
      await ports.tick();
      const tenants = await ports.tenantsWithDueLeases();
      const rest = jittered(ports.sweepMs, ports.random());
      if (tenants.length === 0) return rest;
      const overdue = await ports.stopOverdue(tenants);
      const { returned, ended } = await reapEach(ports, tenants);
      if (overdue + returned + ended === 0) return rest;
      ports.onReaped({ returned, ended, overdue });
      // There may be more than one batch.
      return returned + ended > 0 ? 0 : rest;
    },
  });

/** Of all tenants at once; if that fails, of each alone, so that one cannot stop the others. */
async function reapEach(
  ports: ReaperPorts,
  tenants: readonly string[],
): Promise<{ returned: number; ended: number }> {
  try {
    return await ports.reap(tenants);
  } catch (error) {
    if (error instanceof LedgerUnavailable || tenants.length === 1) throw error;
    ports.onError("reaper", error);
  }
  const sum = { returned: 0, ended: 0 };
  for (const tenant of tenants) {
    try {
      const { returned, ended } = await ports.reap([tenant]);
      sum.returned += returned;
      sum.ended += ended;
    } catch (error) {
      ports.onError(`reaper of ${tenant}`, error);
    }
  }
  return sum;
}
