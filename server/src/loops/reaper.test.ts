import { expect, it } from "vitest";
import { reaper } from "./reaper.ts";

it("goes on with the other tenants when one's leases cannot be ended", async () => {
  const failures: string[] = [];
  const counts = await new Promise<object>((resolve) => {
    const sweeping = reaper({
      tick: async () => {},
      tenantsWithDueLeases: async () => ["poisoned", "healthy"],
      stopOverdue: async () => 0,
      reap: async (tenants) => {
        if (tenants.includes("poisoned")) throw new Error("poison");
        return { returned: 0, ended: tenants.length };
      },
      onReaped: (reaped) => {
        void sweeping.stop();
        resolve(reaped);
      },
      random: () => 0.5,
      sweepMs: 60_000,
      onError: (loop) => failures.push(loop),
    });
    sweeping.start();
  });
  expect(counts).toEqual({ returned: 0, ended: 1, overdue: 0 });
  expect(failures).toEqual(["reaper", "reaper of poisoned"]);
});
