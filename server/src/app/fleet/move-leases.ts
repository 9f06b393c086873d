import { jittered, type Loop, loop } from "../../lib/loop.ts";

/** What moving leases needs. */
export interface MoveLeasesPorts {
  /**
   * Moves a page of what the task runners of a take-out hold, after a job; undefined: nothing is
   * left to do, or another replica is at it.
   */
  readonly step: (
    tenant: string,
    takeOutId: string,
    afterJob: string,
  ) => Promise<{ readonly moved: number; readonly next: string | undefined } | undefined>;
}

const FIRST = "00000000-0000-0000-0000-000000000000";

/** Moves what the task runners of a take-out hold now; answers how many leases that were. */
export const moveLeases =
  ({ step }: MoveLeasesPorts) =>
  async (tenant: string, takeOutId: string): Promise<number> => {
    let moved = 0;
    let after: string | undefined = FIRST;
    while (after !== undefined) {
      const page: Awaited<ReturnType<typeof step>> = await step(tenant, takeOutId, after);
      moved += page?.moved ?? 0;
      after = page?.next;
    }
    return moved;
  };

/** What {@link leaseMover} needs. */
export interface LeaseMoverPorts {
  readonly tenants: () => Promise<readonly string[]>;
  readonly takeOuts: (tenant: string) => Promise<readonly string[]>;
  readonly move: ReturnType<typeof moveLeases>;
  readonly random: () => number;
  readonly onError: (loop: string, error: unknown) => void;
}

/** How often it looks while leases move, and while none do, in milliseconds. */
const BUSY_MS = 500;
const IDLE_MS = 5_000;

/**
 * The loop that goes on with what a TakeOut began: what was handed out while replicas learned of
 * it, and all of it if the replica that was asked died.
 */
export const leaseMover = (ports: LeaseMoverPorts): Loop =>
  loop({
    name: "lease mover",
    restAfterErrorMs: IDLE_MS,
    onError: ports.onError,
    tick: async () => {
      const tenants = await ports.tenants();
      for (const tenant of tenants) {
        for (const id of await ports.takeOuts(tenant)) await ports.move(tenant, id);
      }
      return tenants.length > 0 ? BUSY_MS : jittered(IDLE_MS, ports.random());
    },
  });
