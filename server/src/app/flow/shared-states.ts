import { type Loop, loop } from "../../lib/loop.ts";
import { forgetting } from "./at-rest.ts";
import type { FlowStateStore, StateStep, TenantStates } from "./state-store.ts";

/** What {@link SharedStates} needs. */
export interface SharedStatesPorts {
  readonly store: FlowStateStore;
  /** The tenants that somebody here works for. */
  readonly tenants: () => readonly string[];
  /** Told that a tenant's states are not what they were: something may go now. */
  readonly onChanged: (tenant: string) => void;
  readonly onError: (error: unknown) => void;
}

/** How often the states are read, in milliseconds: how late a replica knows what another did. */
const READ_MS = 500;

const NONE: TenantStates = new Map();

const DONE = Promise.resolve();

interface Known {
  states: Map<string, unknown>;
  /** Keys that were stepped here, and when in the order of steps and reads. */
  readonly stepped: Map<string, number>;
  /** Whether the store was read; before that only what was stepped here is known. */
  isRead: boolean;
  reading: Promise<void> | undefined;
  /** Steps that nobody waits for, until they are done. */
  later: Promise<unknown>;
}

/**
 * This replica's view of limiters and breakers: what it did itself at once, what others did within
 * half a second. Enough to know that something is shut; what is let through is asked of the store.
 */
export class SharedStates {
  readonly #ports: SharedStatesPorts;
  readonly #known = new Map<string, Known>();
  readonly #reading: Loop;
  #order = 0;

  constructor(ports: SharedStatesPorts) {
    this.#ports = ports;
    this.#reading = loop({
      name: "flow states",
      restAfterErrorMs: READ_MS,
      onError: (_name, error) => ports.onError(error),
      tick: async () => {
        await this.#read();
        return READ_MS;
      },
    });
  }

  /** The states of a tenant as far as they are known here. */
  peek(tenant: string): TenantStates {
    return this.#known.get(tenant)?.states ?? NONE;
  }

  /**
   * Reads the states of a tenant that is new here, so that who has just come does not run into
   * what the others keep away from. If they cannot be read, goes on without.
   */
  async ensure(tenant: string): Promise<void> {
    const known = this.#at(tenant);
    if (known.isRead) return;
    known.reading ??= this.#refresh([tenant])
      .catch(this.#ports.onError)
      .finally(() => {
        known.reading = undefined;
      });
    await known.reading;
  }

  /** Steps states where all replicas share them; the answers of the steps, by key. */
  async update(
    tenant: string,
    steps: ReadonlyMap<string, StateStep>,
  ): Promise<ReadonlyMap<string, unknown>> {
    const results = await this.#ports.store.update(tenant, steps);
    const { states, stepped } = this.#at(tenant);
    const order = ++this.#order;
    const answers = new Map<string, unknown>();
    for (const [key, { state, answer }] of results) {
      if (state === undefined) states.delete(key);
      else states.set(key, state);
      stepped.set(key, order);
      answers.set(key, answer);
    }
    return answers;
  }

  /** The same for steps whose answers nobody needs; {@link settled} waits for them. */
  later(tenant: string, steps: ReadonlyMap<string, StateStep>): Promise<unknown> {
    const known = this.#at(tenant);
    const done = this.update(tenant, steps);
    known.later = Promise.allSettled([known.later, done]);
    return done;
  }

  /** Waits for the steps of a tenant that were left for later. */
  async settled(tenant: string): Promise<void> {
    await this.#known.get(tenant)?.later;
  }

  /** Begins to read what other replicas did. */
  start(): void {
    this.#reading.start();
  }

  /** Ends that. May be called more than once. */
  async stop(): Promise<void> {
    await this.#reading.stop();
  }

  /** Reads the states of a tenant anew. */
  async read(tenant: string): Promise<TenantStates> {
    return (await this.#ports.store.read([tenant])).get(tenant) ?? NONE;
  }

  #at(tenant: string): Known {
    let known = this.#known.get(tenant);
    if (known === undefined) {
      known = {
        states: new Map(),
        stepped: new Map(),
        isRead: false,
        reading: undefined,
        later: DONE,
      };
      this.#known.set(tenant, known);
    }
    return known;
  }

  async #read(): Promise<void> {
    const tenants = this.#ports.tenants();
    const wanted = new Set(tenants);
    for (const tenant of this.#known.keys()) {
      if (!wanted.has(tenant)) this.#known.delete(tenant);
    }
    if (tenants.length > 0) await this.#refresh(tenants);
  }

  async #refresh(tenants: readonly string[]): Promise<void> {
    const began = ++this.#order;
    const read = await this.#ports.store.read(tenants);
    for (const tenant of tenants) {
      const known = this.#at(tenant);
      const hadSome = known.states.size > 0;
      known.states = this.#merge(known, read.get(tenant) ?? NONE, began);
      known.isRead = true;
      const steps = forgetting(known.states, Date.now());
      if (steps.size > 0) this.later(tenant, steps).catch(this.#ports.onError);
      if (hadSome || known.states.size > 0) this.#ports.onChanged(tenant);
    }
  }

  /** What was stepped here since the read began is newer than what was read. */
  #merge(known: Known, read: TenantStates, began: number): Map<string, unknown> {
    const merged = new Map(read);
    for (const [key, order] of known.stepped) {
      if (order < began) {
        known.stepped.delete(key);
      } else if (known.states.has(key)) {
        merged.set(key, known.states.get(key));
      } else {
        merged.delete(key);
      }
    }
    return merged;
  }
}
