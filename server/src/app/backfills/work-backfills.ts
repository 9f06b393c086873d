import { type Loop, loop } from "../../lib/loop.ts";
import type { Consequences } from "../notices.ts";

/** What a step of a backfill did, and what the rest of the system should know. */
export interface BackfillStepped extends Consequences {
  /** How many jobs it made. */
  readonly created: number;
  /** Whether the next step may come at once: this one stopped at its bound. */
  readonly again: boolean;
  /** Jobs that must be cancelled, as their backfill was. */
  readonly toCancel: readonly string[];
}

/** What {@link workBackfills} needs. */
export interface WorkBackfillsPorts {
  /** The tenants that have unfinished backfills. */
  readonly tenants: () => Promise<readonly string[]>;
  readonly unfinished: (tenant: string) => Promise<readonly string[]>;
  /** Undefined: it is finished, or another replica is at it. */
  readonly step: (tenant: string, id: string) => Promise<BackfillStepped | undefined>;
  /** Cancels the jobs of a backfill that was cancelled. */
  readonly cancel: (tenant: string, jobIds: readonly string[]) => Promise<void>;
  /** Told about what a step committed. */
  readonly stepped: (step: BackfillStepped) => void;
  /** A clock that only goes forward, in milliseconds. */
  readonly nowMs: () => number;
  readonly random: () => number;
  readonly onError: (loop: string, error: unknown) => void;
}

/** How often it looks without being woken, in milliseconds: new backfills, lost notices. */
const POLL_MS = 2_000;

/** Ticks are this far apart, in milliseconds, however much changes. */
const MIN_GAP_MS = 20;

/**
 * After a tick that took long it rests three times as long: notices come with every write of a
 * tenant, and backfills may use a quarter of one connection.
 */
const REST_FACTOR = 3;

/** What the log calls it. */
const LOOP = "backfills";

/** Steps of one backfill in one tick, so that others get their turn. */
const MAX_STEPS = 20;

/** The loop that moves backfills on. */
export interface BackfillWorker extends Loop {
  /** Jobs of tenants changed: backfills of theirs may go on. */
  readonly changed: (tenants: readonly string[]) => void;
}

/**
 * Moves backfills on, each a few steps at a time: when jobs of their tenants changed, at most
 * every {@link MIN_GAP_MS}, and now and then without that.
 */
export function workBackfills(ports: WorkBackfillsPorts): BackfillWorker {
  const { nowMs, onError } = ports;
  let active: ReadonlySet<string> = new Set();
  let wanted = false;
  let ticking = false;
  let calmUntilMs = 0;
  let timer: NodeJS.Timeout | undefined;
  const look = async (): Promise<boolean> => {
    const tenants = await ports.tenants();
    active = new Set(tenants);
    let more = false;
    for (const tenant of tenants) {
      for (const id of await ports.unfinished(tenant))
        more = (await work(ports, tenant, id)) || more;
    }
    return more;
  };
  const tick = async () => {
    const startMs = nowMs();
    ticking = true;
    try {
      const more = await look();
      return more ? MIN_GAP_MS : POLL_MS * (0.8 + 0.4 * ports.random());
    } finally {
      ticking = false;
      calmUntilMs = nowMs() + Math.max(MIN_GAP_MS, REST_FACTOR * (nowMs() - startMs));
      if (wanted) wakeLater();
    }
  };
  const worker = loop({ name: LOOP, tick, restAfterErrorMs: POLL_MS, onError });
  const wakeLater = () => {
    wanted = false;
    timer ??= setTimeout(
      () => {
        timer = undefined;
        worker.wake();
      },
      Math.max(0, calmUntilMs - nowMs()),
    );
  };
  return {
    ...worker,
    changed(tenants) {
      if (!tenants.some((tenant) => active.has(tenant))) return;
      if (ticking) wanted = true;
      else wakeLater();
    },
    async stop() {
      await worker.stop();
      clearTimeout(timer);
    },
  };
}

/** Answers whether there is more to do at once. One that fails stops no other. */
async function work(ports: WorkBackfillsPorts, tenant: string, id: string): Promise<boolean> {
  try {
    for (let steps = 0; steps < MAX_STEPS; steps++) {
      const step = await ports.step(tenant, id);
      if (step === undefined) return false;
      ports.stepped(step);
      if (step.toCancel.length > 0) await ports.cancel(tenant, step.toCancel);
      if (!step.again) return false;
    }
    return true;
  } catch (error) {
    ports.onError(LOOP, error);
    return false;
  }
}
