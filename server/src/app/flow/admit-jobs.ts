import { type FlowConfig, scopeKey } from "../../domain/flow/settings.ts";
import type { JobSpec } from "../../domain/job-spec.ts";
import type { QueueDepths } from "./queue-depths.ts";
import type { QueueFull } from "./refusals.ts";

/** What {@link admitJobs} needs. */
export interface AdmitPorts {
  /** What is known without asking the ledger. */
  readonly peek: (tenant: string) => FlowConfig | undefined;
  readonly ensure: (tenant: string) => Promise<FlowConfig>;
  readonly depths: Pick<QueueDepths, "take">;
  readonly now: () => number;
}

/** A job that may need a place in its queue. */
export interface Applicant {
  readonly job: { readonly spec: Pick<JobSpec, "queue" | "notBefore"> };
  readonly unmet: number;
}

/** Which jobs their queues have no place for. */
export interface Admission {
  /** By the position of the job; the other jobs hold a place each, or need none. */
  readonly full: ReadonlyMap<number, QueueFull>;
  /** Call it once, at the end, with whether the job at a position is new in the ledger. */
  readonly settle: (isNew: (position: number) => boolean) => void;
}

/**
 * Looks whether queues have a place for jobs of one tenant, in order; undefined if they have no
 * limit. It may look into the ledger, on a connection of its own.
 */
export type Admit = (tenant: string, jobs: readonly Applicant[]) => Promise<Admission | undefined>;

/** Depths are counted about that often: before that a repeated call changes nothing. */
const RETRY_MS = 1_000;

/** Admits by the settings; jobs that wait for others or for their time need no place. */
export const admitJobs =
  (ports: AdmitPorts): Admit =>
  async (tenant, jobs) => {
    const config = ports.peek(tenant) ?? (await ports.ensure(tenant));
    if (config.settings.size === 0) return undefined;
    const queues = new Map<string, { maxDepth: number; positions: number[] }>();
    jobs.forEach(({ job, unmet }, position) => {
      const { queue, notBefore } = job.spec;
      if (unmet > 0 || (notBefore !== undefined && notBefore.getTime() > ports.now())) return;
      const known = queues.get(queue);
      if (known !== undefined) known.positions.push(position);
      const maxDepth = config.settings.get(scopeKey({ kind: "queue", name: queue }))?.maxDepth;
      if (known === undefined && maxDepth !== undefined) {
        queues.set(queue, { maxDepth, positions: [position] });
      }
    });
    return queues.size === 0 ? undefined : await takePlaces(ports, tenant, queues);
  };

async function takePlaces(
  { depths }: AdmitPorts,
  tenant: string,
  queues: ReadonlyMap<string, { readonly maxDepth: number; readonly positions: readonly number[] }>,
): Promise<Admission> {
  const full = new Map<number, QueueFull>();
  const held: { positions: readonly number[]; settle: (used: number) => void }[] = [];
  const settle: Admission["settle"] = (isNew) => {
    for (const { positions, settle } of held) settle(positions.filter(isNew).length);
  };
  try {
    for (const [queue, { maxDepth, positions }] of queues) {
      const places = await depths.take(tenant, queue, maxDepth, positions.length);
      held.push({ positions: positions.slice(0, places.granted), settle: places.settle });
      for (const position of positions.slice(places.granted)) {
        full.set(position, { kind: "queue_full", queue, maxDepth, retryAfterMs: RETRY_MS });
      }
    }
  } catch (error) {
    settle(() => false);
    throw error;
  }
  return { full, settle };
}
