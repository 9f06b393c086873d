import { jittered, type Loop, loop } from "../lib/loop.ts";

/** What telling dependants needs. */
export interface CascadesPorts {
  /** The tenants that have ended jobs whose dependants have not all been told. */
  readonly tenantsWithCascades: () => Promise<readonly string[]>;
  /** Tells some of them; answers on how many ended jobs it worked. */
  readonly tell: (tenants: readonly string[]) => Promise<number>;
  readonly random: () => number;
  readonly onError: (loop: string, error: unknown) => void;
}

/** The rest of a loop that nobody woke, in milliseconds: a replica may have died over its work. */
const REST_MS = 1_000;

/**
 * The loop that tells what the end of jobs means for more dependants than their own transaction
 * does. Wake it when there are some.
 */
export const cascades = (ports: CascadesPorts): Loop =>
  loop({
    name: "cascades",
    restAfterErrorMs: REST_MS,
    onError: ports.onError,
    tick: async () => {
      const tenants = await ports.tenantsWithCascades();
      if (tenants.length > 0 && (await ports.tell(tenants)) > 0) return 0;
      return jittered(REST_MS, ports.random());
    },
  });
