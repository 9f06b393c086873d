import type { FlowConfig } from "../../domain/flow/settings.ts";

/** Seconds that are remembered of a host: what a first throttle is measured by. */
const SECONDS = 6;

/** Hosts that are remembered; the one that was used least recently goes. */
const MAX_HOSTS = 10_000;

interface Admitted {
  second: number;
  /** Jobs in each of the last seconds, the newest first. */
  counts: number[];
}

/**
 * What this replica let through to hosts that have no limiter yet, and how many leases of a job
 * type it saw out: both only in memory, because nothing is decided by them until somebody
 * complains.
 */
export class Admissions {
  readonly #hosts = new Map<string, Admitted>();
  readonly #inUse = new Map<string, number>();

  /** A job was handed out for a host. */
  admitted(tenant: string, host: string, nowMs: number): void {
    const key = `${tenant}\0${host}`;
    const entry = this.#at(key, nowMs);
    entry.counts[0] = (entry.counts[0] ?? 0) + 1;
    this.#hosts.delete(key);
    this.#hosts.set(key, entry);
    if (this.#hosts.size <= MAX_HOSTS) return;
    const [oldest] = this.#hosts.keys();
    if (oldest !== undefined) this.#hosts.delete(oldest);
  }

  /** Jobs handed out for a host in each of the last seconds, the newest first. */
  recent(tenant: string, host: string, nowMs: number): readonly number[] {
    const key = `${tenant}\0${host}`;
    return this.#hosts.has(key) ? this.#at(key, nowMs).counts : [];
  }

  /**
   * A claim saw how many leases are out, by scope: the most of each job type with a limit is kept.
   */
  sawUsage(config: FlowConfig, active: ReadonlyMap<string, number>): void {
    for (const [key, settings] of config.settings) {
      if (settings.dynamicConcurrency === undefined) continue;
      const place = `${config.tenant}\0${key.slice("job_type:".length)}`;
      this.#inUse.set(place, Math.max(this.#inUse.get(place) ?? 0, active.get(key) ?? 0));
    }
  }

  /** The most leases of a job type seen out since the last call. */
  takeInUse(tenant: string, jobType: string): number {
    const place = `${tenant}\0${jobType}`;
    const most = this.#inUse.get(place) ?? 0;
    this.#inUse.delete(place);
    return most;
  }

  #at(key: string, nowMs: number): Admitted {
    const second = Math.floor(nowMs / 1_000);
    const entry = this.#hosts.get(key) ?? { second, counts: [] };
    const shift = Math.max(0, Math.min(SECONDS, second - entry.second));
    const zeros = Array<number>(shift).fill(0);
    entry.counts = [...zeros, ...entry.counts].slice(0, SECONDS);
    entry.second = Math.max(entry.second, second);
    return entry;
  }
}
