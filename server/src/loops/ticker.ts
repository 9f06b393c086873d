import { type Loop, loop } from "../lib/loop.ts";

/** What ticking needs. */
export interface TickerPorts {
  /** Writes a sign of life; answers what it found out. */
  readonly tick: (gapMs: number) => Promise<{ outageMs: number; otherReplicas: number }>;
  /** Told when an outage of the control plane has ended. */
  readonly onOutage: (outageMs: number) => void;
  /** Told how many other replicas are alive. */
  readonly onReplicas: (others: number) => void;
  readonly onError: (loop: string, error: unknown) => void;
}

const INTERVAL_MS = 1_000;

/**
 * A gap between signs of life that counts as an outage, in milliseconds. A shorter one cannot end
 * a lease, because a renewal misses three times before its lease does; a false alarm only lets
 * leases live a little longer.
 */
export const OUTAGE_GAP_MS = 3 * INTERVAL_MS;

/** The loop that keeps the clock of availability; see the table control_plane. */
export const ticker = (ports: TickerPorts): Loop =>
  loop({
    name: "ticker",
    restAfterErrorMs: INTERVAL_MS,
    onError: ports.onError,
    tick: async () => {
      const { outageMs, otherReplicas } = await ports.tick(OUTAGE_GAP_MS);
      if (outageMs > 0) ports.onOutage(outageMs);
      ports.onReplicas(otherReplicas);
      return INTERVAL_MS;
    },
  });
