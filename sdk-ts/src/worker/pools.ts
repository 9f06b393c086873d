import { limits } from "../contract/limits.ts";

/** A set of slots for some job types of some queues. */
export interface PoolOptions {
  /** How many jobs it runs at once. */
  readonly concurrency: number;
  /** The job types that it takes; each needs a handler. */
  readonly jobTypes: readonly string[];
  /** The queues that it takes from; "default" unless told. */
  readonly queues?: readonly string[];
}

/** A pool as the session announces it. */
export interface PoolPlan {
  readonly name: string;
  readonly jobTypes: string[];
  readonly queues: string[];
  readonly slots: number;
}

/** What a plan is made of. */
export interface PlanOptions {
  readonly concurrency: number;
  readonly queues?: readonly string[] | undefined;
  readonly jobTypes: readonly string[];
  readonly pools?: Readonly<Record<string, PoolOptions>> | undefined;
}

/**
 * The pools of a worker: those it names, else one called "main" with all its handlers. Throws a
 * RangeError or TypeError for what the server could only refuse.
 */
export function planPools(options: PlanOptions): PoolPlan[] {
  const { concurrency, jobTypes, queues = [] } = options;
  const pools = options.pools ?? { main: { concurrency, jobTypes, queues } };
  const plans = Object.entries(pools).map(([name, pool]) => ({
    name,
    jobTypes: [...new Set(pool.jobTypes)],
    queues: [...new Set(pool.queues ?? [])],
    slots: pool.concurrency,
  }));
  for (const plan of plans) check(plan, new Set(jobTypes));
  const slots = plans.reduce((sum, plan) => sum + plan.slots, 0);
  if (slots > limits.heldLeases) {
    throw new RangeError(`a worker can hold ${limits.heldLeases} jobs at most, not ${slots}`);
  }
  return plans;
}

function check({ name, jobTypes, slots }: PoolPlan, handled: ReadonlySet<string>): void {
  if (!Number.isInteger(slots) || slots < 1) {
    throw new RangeError(`pool "${name}": concurrency must be a positive integer, not ${slots}`);
  }
  if (jobTypes.length === 0) throw new TypeError(`pool "${name}" has no job types`);
  if (jobTypes.length > limits.poolJobTypes) {
    throw new RangeError(`pool "${name}" has more than ${limits.poolJobTypes} job types`);
  }
  const orphan = jobTypes.find((jobType) => !handled.has(jobType));
  if (orphan !== undefined) throw new TypeError(`pool "${name}": no handler for "${orphan}"`);
}
