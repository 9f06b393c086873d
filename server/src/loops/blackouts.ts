import { type Loop, loop } from "../lib/loop.ts";

/** What stopping for blackouts needs. */
export interface BlackoutPorts {
  /** The tenants that somebody here works for. */
  readonly tenants: () => readonly string[];
  /** Asks running jobs to stop whose blackout says so; answers how many it asked. */
  readonly stop: (tenants: readonly string[]) => Promise<number>;
  readonly onError: (loop: string, error: unknown) => void;
}

/** How often it is looked, in milliseconds: how late a running job is asked. */
const INTERVAL_MS = 1_000;

/** The loop that asks running jobs to make way for blackouts that say so. */
export const blackouts = (ports: BlackoutPorts): Loop =>
  loop({
    name: "blackouts",
    restAfterErrorMs: INTERVAL_MS,
    onError: ports.onError,
    tick: async () => {
      await ports.stop(ports.tenants());
      return INTERVAL_MS;
    },
  });
