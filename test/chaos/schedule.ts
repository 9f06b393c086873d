import { seeded } from "./seeded.ts";

/** Groups of faults that take turns; one of each group at a time. */
export const FAULTS = {
  "pg-crash": "postgres",
  "pg-pause": "postgres",
  "pg-outage": "postgres",
  "pg-exhaust": "postgres",
  "pg-backends": "sessions",
  "pg-slow-commit": "sessions",
  "commit-cut": "sessions",
  "server-kill": "server",
  "server-pause": "server",
  "server-restart": "server",
  "server-partition": "server",
  "worker-kill": "worker",
  "worker-pause": "worker",
  "net-delay": "network",
  "net-partition": "network",
  "net-cut": "network",
  "queue-kill": "queue",
  "queue-empty": "queue",
  "queue-flush": "queue",
  "queue-pause": "queue",
} as const;

/** Something that the nemesis can do. */
export type FaultKind = keyof typeof FAULTS;
type Group = (typeof FAULTS)[FaultKind];

/** Every kind. */
export const FAULT_KINDS = Object.keys(FAULTS) as FaultKind[];

/** A fault that will be. */
export interface PlannedFault {
  /** After the start. */
  readonly atMs: number;
  readonly kind: FaultKind;
  /** Which server, worker or link: taken modulo how many there are. */
  readonly target: number;
  readonly durationMs: number;
  /** A draw for the fault's own use, in [0, 1). */
  readonly draw: number;
}

/** From one fault of a group to the next, and how long a fault lasts. */
const RHYTHM: Readonly<Record<Group, { every: readonly [number, number]; lasts: number }>> = {
  postgres: { every: [5_000, 10_000], lasts: 2_000 },
  sessions: { every: [2_000, 5_000], lasts: 1_000 },
  server: { every: [3_000, 6_000], lasts: 5_000 },
  // Longer than a lease lives, sometimes.
  worker: { every: [1_500, 4_000], lasts: 7_000 },
  network: { every: [2_000, 5_000], lasts: 5_000 },
  queue: { every: [4_000, 9_000], lasts: 2_000 },
};

/** The groups that can keep leases from being renewed or taken back. */
const CONTROL: ReadonlySet<Group> = new Set(["postgres", "sessions", "server", "queue"]);

/** Whether a fault can stop the control plane. */
export const stopsControlPlane = (kind: FaultKind): boolean => CONTROL.has(FAULTS[kind]);

const STORM_MS = 20_000;
const CYCLE_MS = 32_000;

/**
 * A run is storms of 20 s with 12 s in between in which only workers are hit: how long a lost
 * lease takes to come back (invariant 7) can only be said of time in which the rest is there.
 */
const isCalm = (atMs: number): boolean => atMs % CYCLE_MS > STORM_MS;

/** The faults of a run, by time. The same seed, length and kinds give the same faults. */
export function planFaults(
  seed: number,
  runMs: number,
  kinds: readonly FaultKind[],
): PlannedFault[] {
  const faults: PlannedFault[] = [];
  for (const group of new Set(kinds.map((kind) => FAULTS[kind]))) {
    const own = kinds.filter((kind) => FAULTS[kind] === group);
    const { every, lasts } = RHYTHM[group];
    const random = seeded(seed, `faults of ${group}`);
    // Each kind in turn, in an order that is drawn anew each time, so that short runs meet many.
    let bag: FaultKind[] = [];
    let atMs = random.between(500, every[1] / 2);
    while (atMs < runMs) {
      if (bag.length === 0) bag = [...own];
      const [kind = own[0] as FaultKind] = bag.splice(random.between(0, bag.length - 1), 1);
      const durationMs = random.between(0, lasts);
      const fault = { atMs, kind, target: random.between(0, 999), durationMs, draw: random.next() };
      if (group === "worker" || !isCalm(atMs)) faults.push(fault);
      atMs += durationMs + random.between(...every);
    }
  }
  return faults.sort((a, b) => a.atMs - b.atMs);
}
