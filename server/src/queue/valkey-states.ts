import type { Cluster, Redis } from "ioredis";
import type { FlowStateStore, StateStep, TenantStates } from "../app/flow/state-store.ts";
import { connectValkey } from "./valkey-link.ts";

/** How long the states of a tenant that nobody touches are kept, in milliseconds: a week. */
const TTL_MS = 7 * 24 * 60 * 60_000;

/** How long an answer is waited for, in milliseconds; then the other store is asked. */
const PATIENCE_MS = 250;

/** How long Valkey is left alone after it did not answer, in milliseconds. */
const AWAY_MS = 2_000;

/** How often a step is tried against others' steps of the same state. */
const MAX_TRIES = 50;

// KEYS[1]: the states of a tenant, a hash. Arguments: fields. Answers the clock in ms, then values.
const READ = `
local now = server.call('TIME')
local answer = {tostring(now[1] * 1000 + math.floor(now[2] / 1000))}
for i, value in ipairs(server.call('HMGET', KEYS[1], unpack(ARGV))) do answer[i + 1] = value end
return answer
`;

// KEYS[1]: the same. Arguments: the time to live, then field, value before and value after, for
// each; '' stands for none. Answers 1 for each state that was as it was before, and is as after.
const SWAP = `
local answer = {}
for i = 2, #ARGV, 3 do
  local field, before, after = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local same = (server.call('HGET', KEYS[1], field) or '') == before
  if same then
    if after == '' then server.call('HDEL', KEYS[1], field)
    else server.call('HSET', KEYS[1], field, after) end
  end
  answer[#answer + 1] = same and 1 or 0
end
server.call('PEXPIRE', KEYS[1], ARGV[1])
return answer
`;

/** The key of a tenant's states; one hash tag, so a cluster keeps them together. */
export const statesKey = (tenant: string): string => `orch:flow:{${encodeURIComponent(tenant)}}`;

interface Scripted {
  flowRead(key: string, ...fields: string[]): Promise<(string | null)[]>;
  flowSwap(key: string, ttl: number, ...words: string[]): Promise<number[]>;
}

/** What {@link ValkeyFlowStates} needs. */
export interface ValkeyStatesOptions {
  readonly url: string;
  /** Asked while Valkey does not answer. */
  readonly otherwise: FlowStateStore;
  readonly onError: (error: unknown) => void;
}

/**
 * Limiters and breakers in Valkey: steps by compare-and-set with the server's clock, so that the
 * arithmetic is the same as everywhere and only the store is another. A step that lost to somebody
 * else's is run again on what that left.
 *
 * While Valkey is away the ledger's store is asked. The two do not know of each other: after a
 * change a bucket may let through one more burst, and a breaker starts closed.
 */
export class ValkeyFlowStates implements FlowStateStore {
  readonly #options: ValkeyStatesOptions;
  readonly #client: Redis | Cluster;
  /** By tenant: the update under way, so that only replicas compete and not callers of one. */
  readonly #turns = new Map<string, Promise<unknown>>();
  #awayUntil = 0;

  constructor(options: ValkeyStatesOptions) {
    this.#options = options;
    this.#client = connectValkey(options.url);
    this.#client.defineCommand("flowRead", { numberOfKeys: 1, lua: READ });
    this.#client.defineCommand("flowSwap", { numberOfKeys: 1, lua: SWAP });
  }

  /** Connects; resolves when it is there or found to be away. */
  async start(): Promise<void> {
    await this.#client.connect().catch(() => {});
  }

  /** Disconnects. */
  stop(): void {
    this.#client.disconnect();
  }

  readonly update: FlowStateStore["update"] = (tenant, steps) =>
    this.#inTurn(tenant, () =>
      this.#ask(
        () => this.#update(tenant, steps),
        (store) => store.update(tenant, steps),
      ),
    );

  readonly read: FlowStateStore["read"] = (tenants) =>
    this.#ask(
      () => this.#read(tenants),
      (store) => store.read(tenants),
    );

  get #scripts(): Scripted {
    return this.#client as unknown as Scripted;
  }

  async #ask<T>(
    valkey: () => Promise<T>,
    other: (store: FlowStateStore) => Promise<T>,
  ): Promise<T> {
    if (performance.now() >= this.#awayUntil && this.#client.status === "ready") {
      try {
        return await valkey();
      } catch (error) {
        if (error instanceof StepFailed) throw error.cause;
        this.#awayUntil = performance.now() + AWAY_MS;
        this.#options.onError(error);
      }
    }
    return other(this.#options.otherwise);
  }

  async #inTurn<T>(tenant: string, work: () => Promise<T>): Promise<T> {
    const mine = (this.#turns.get(tenant) ?? Promise.resolve()).then(work, work);
    this.#turns.set(tenant, mine);
    try {
      return await mine;
    } finally {
      if (this.#turns.get(tenant) === mine) this.#turns.delete(tenant);
    }
  }

  async #update(tenant: string, steps: ReadonlyMap<string, StateStep>) {
    const key = statesKey(tenant);
    const answers = new Map<string, { state: unknown; answer: unknown }>();
    let open = [...steps.keys()];
    for (let tries = 0; open.length > 0; tries++) {
      if (tries === MAX_TRIES) throw new Error(`lost ${MAX_TRIES} races for ${open.join(", ")}`);
      const [now, ...values] = await inTime(this.#scripts.flowRead(key, ...open));
      const words: string[] = [];
      open.forEach((field, index) => {
        const before = values[index] ?? "";
        const state: unknown = before === "" ? undefined : JSON.parse(before);
        const result = run(steps.get(field) as StateStep, state, Number(now));
        answers.set(field, result);
        words.push(field, before, result.state === undefined ? "" : JSON.stringify(result.state));
      });
      const done = await inTime(this.#scripts.flowSwap(key, TTL_MS, ...words));
      open = open.filter((_, index) => done[index] !== 1);
    }
    return answers;
  }

  async #read(tenants: readonly string[]): Promise<ReadonlyMap<string, TenantStates>> {
    const found = await Promise.all(
      tenants.map(async (tenant) => {
        const states = await inTime(this.#client.hgetall(statesKey(tenant)));
        const parsed = Object.entries(states).map(([k, v]): [string, unknown] => [
          k,
          JSON.parse(v),
        ]);
        return [tenant, new Map(parsed)] as const;
      }),
    );
    return new Map(found.filter(([, states]) => states.size > 0));
  }
}

/** What a step threw: the caller's business, and no reason to ask the other store. */
class StepFailed extends Error {}

function run(step: StateStep, state: unknown, nowMs: number): ReturnType<StateStep> {
  try {
    return step(state, nowMs);
  } catch (cause) {
    throw new StepFailed("a step failed", { cause });
  }
}

async function inTime<T>(answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("Valkey did not answer in time")), PATIENCE_MS);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
