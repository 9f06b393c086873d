import type { StuckCause } from "../../domain/stuck.ts";
import { STUCK_CAUSES } from "../../domain/stuck.ts";
import { jittered, type Loop, loop } from "../../lib/loop.ts";

/** A lane that was found to wait in vain. */
export interface AnnouncedLane {
  readonly queue: string;
  readonly jobType: string;
  readonly source: string;
  readonly cause: StuckCause;
  readonly advice: string;
}

/** What is stuck, over all tenants. */
export type StuckCounts = Readonly<Record<StuckCause, number>>;

/** What looking for stuck work needs. Each call is bounded. */
export interface StuckWorkPorts {
  readonly tenants: () => Promise<readonly string[]>;
  /** Looks at the lanes of a tenant; answers those that it announced. */
  readonly lanes: (tenant: string) => Promise<readonly AnnouncedLane[]>;
  /** Looks at blocked jobs after one; undefined: another replica is at it. */
  readonly blocked: (
    tenant: string,
    afterJob: string,
  ) => Promise<
    { readonly announced: readonly string[]; readonly next: string | undefined } | undefined
  >;
  /** Forgets about blocked jobs that are not held any more, after one; answers where to go on. */
  readonly forget: (tenant: string, after: string) => Promise<string | undefined>;
  readonly counts: (
    tenant: string,
  ) => Promise<readonly { readonly cause: StuckCause; readonly count: number }[]>;
  /** Told about what was announced just now. */
  readonly onStuck: (
    tenant: string,
    lanes: readonly AnnouncedLane[],
    jobs: readonly string[],
  ) => void;
  readonly onCounts: (counts: StuckCounts) => void;
  readonly random: () => number;
  readonly onError: (loop: string, error: unknown) => void;
}

const FIRST_JOB = "00000000-0000-0000-0000-000000000000";

/** Pages of a thousand jobs of one tenant that a look takes in; the next look goes on behind. */
const MAX_PAGES = 20;

/** Looks for stuck work of all tenants. */
export class StuckWork {
  readonly #ports: StuckWorkPorts;
  /** Where the next look at blocked jobs begins, by tenant. */
  readonly #blockedAfter = new Map<string, string>();

  constructor(ports: StuckWorkPorts) {
    this.#ports = ports;
  }

  /** Looks once; what fails for one tenant does not keep the others from it. */
  async look(): Promise<void> {
    const totals = Object.fromEntries(STUCK_CAUSES.map((cause) => [cause, 0])) as Record<
      StuckCause,
      number
    >;
    for (const tenant of await this.#ports.tenants()) {
      try {
        await this.#lookAt(tenant);
        for (const { cause, count } of await this.#ports.counts(tenant)) totals[cause] += count;
      } catch (error) {
        this.#ports.onError("stuck work", error);
      }
    }
    this.#ports.onCounts(totals);
  }

  async #lookAt(tenant: string): Promise<void> {
    const lanes = await this.#ports.lanes(tenant);
    const jobs: string[] = [];
    let after: string | undefined = this.#blockedAfter.get(tenant) ?? FIRST_JOB;
    this.#blockedAfter.delete(tenant);
    for (let page = 0; page < MAX_PAGES && after !== undefined; page++) {
      const found: Awaited<ReturnType<StuckWorkPorts["blocked"]>> = await this.#ports.blocked(
        tenant,
        after,
      );
      jobs.push(...(found?.announced ?? []));
      after = found?.next;
    }
    if (after !== undefined) this.#blockedAfter.set(tenant, after);
    let noted: string | undefined = "";
    while (noted !== undefined) noted = await this.#ports.forget(tenant, noted);
    if (lanes.length + jobs.length > 0) this.#ports.onStuck(tenant, lanes, jobs);
  }
}

/** How often it looks at most, in milliseconds. */
const LOOK_MS = 30_000;

/** The loop that looks for stuck work, often enough for `stuckAfterMs` to mean something. */
export function stuckWorkLoop(ports: StuckWorkPorts, stuckAfterMs: number): Loop {
  const work = new StuckWork(ports);
  const restMs = Math.min(LOOK_MS, Math.max(100, stuckAfterMs / 2));
  return loop({
    name: "stuck work",
    restAfterErrorMs: restMs,
    onError: ports.onError,
    tick: async () => {
      await work.look();
      return jittered(restMs, ports.random());
    },
  });
}
