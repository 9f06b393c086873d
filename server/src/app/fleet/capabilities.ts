import { type Loop, loop } from "../../lib/loop.ts";
import type { Claimant } from "../bridge/claimant.ts";

/** How many workers of a replica take a job type of a tenant from a queue. */
export interface Capability {
  readonly tenant: string;
  readonly queue: string;
  readonly jobType: string;
  readonly workers: number;
}

/** What {@link Capabilities} needs. */
export interface CapabilityPorts {
  /** Who works here for which tenants, those that are taken out left aside. */
  readonly workers: () => Iterable<readonly Pick<Claimant, "tenant" | "pools">[]>;
  /** Grows with each worker that comes: what did not grow need not be looked at. */
  readonly arrivals: () => number;
  /** Writes what this replica has, and that it is alive. */
  readonly write: (capabilities: readonly Capability[]) => Promise<void>;
  /** Takes away what this replica no longer has. */
  readonly remove: (capabilities: readonly Capability[]) => Promise<void>;
  /** Takes away what replicas left that are gone. */
  readonly removeStale: () => Promise<void>;
  readonly onError: (loop: string, error: unknown) => void;
  /** A steady clock in milliseconds. */
  readonly nowMs: () => number;
}

/** All of it is written this often, in milliseconds. */
const BEAT_MS = 10_000;

/** What is new is written so soon, in milliseconds. */
const SOON_MS = 1_000;

/** Kinds of work that one replica tells others about. */
const MAX_KINDS = 20_000;

/**
 * Tells other replicas what this one's workers take. What is more than was said is told within two
 * seconds, what is less with the next beat: a worker that polls comes and goes all the time.
 */
export class Capabilities {
  readonly #ports: CapabilityPorts;
  readonly loop: Loop;
  #told = new Map<string, Capability>();
  #beatAt = Number.NEGATIVE_INFINITY;
  #arrivals = 0;

  constructor(ports: CapabilityPorts) {
    this.#ports = ports;
    this.loop = loop({
      name: "capabilities",
      restAfterErrorMs: SOON_MS,
      onError: ports.onError,
      tick: async () => {
        await this.tick();
        return SOON_MS;
      },
    });
  }

  /** Tells what is new, or all of it if that is due. */
  async tick(): Promise<void> {
    const { write, remove, removeStale, nowMs } = this.#ports;
    const beat = nowMs() - this.#beatAt >= BEAT_MS;
    const arrivals = this.#ports.arrivals();
    if (!beat && arrivals === this.#arrivals) return;
    const have = this.#now();
    const wanted = [...have.values()].filter(
      (one) => beat || one.workers > (this.#told.get(keyOf(one))?.workers ?? 0),
    );
    if (wanted.length > 0) await write(wanted);
    for (const one of wanted) this.#told.set(keyOf(one), one);
    this.#arrivals = arrivals;
    if (!beat) return;
    const lost = [...this.#told.values()].filter((one) => !have.has(keyOf(one)));
    if (lost.length > 0) await remove(lost);
    for (const one of lost) this.#told.delete(keyOf(one));
    await removeStale();
    this.#beatAt = nowMs();
  }

  /** Takes back all that was told: this replica stops. */
  async withdraw(): Promise<void> {
    const told = [...this.#told.values()];
    this.#told.clear();
    if (told.length > 0) await this.#ports.remove(told);
  }

  #now(): Map<string, Capability> {
    const kinds = new Map<string, Capability>();
    for (const workers of this.#ports.workers()) {
      for (const worker of workers) {
        for (const one of takenBy(worker)) {
          const key = keyOf(one);
          if (!kinds.has(key) && kinds.size >= MAX_KINDS) continue;
          kinds.set(key, { ...one, workers: (kinds.get(key)?.workers ?? 0) + 1 });
        }
      }
    }
    return kinds;
  }
}

type Kind = Omit<Capability, "workers">;

/** What one worker takes, each kind once however many pools have it. */
function takenBy({ tenant, pools }: Pick<Claimant, "tenant" | "pools">): Iterable<Kind> {
  const kinds = new Map<string, Kind>();
  for (const { queues, jobTypes } of pools) {
    for (const queue of queues) {
      for (const jobType of jobTypes) {
        const kind = { tenant, queue, jobType };
        kinds.set(keyOf(kind), kind);
      }
    }
  }
  return kinds.values();
}

const keyOf = ({ tenant, queue, jobType }: Kind): string => `${tenant}\0${queue}\0${jobType}`;
