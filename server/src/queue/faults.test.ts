import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/support/database.ts";
import type { ServiceProcess } from "../../../test/support/service-process.ts";
import { missingService, SHARED_KINDS } from "./testing/queue-kinds.ts";
import { type Got, type TestReplica, TestWorld } from "./testing/replica.ts";

/**
 * A job is claimed before its replica's looks at the ledger, a second apart, exceed this: two that
 * find the same oldest job, and one before in which a job in flight was older. In looks, so that a
 * machine that is busy does not matter.
 */
const BOUND_LOOKS = 3;

const BATCHES = 80;
/** Few, so that nothing waits because others are before it. */
const PER_BATCH = 6;
const REPLICAS = 3;

/** What befalls the service while jobs are enqueued and claimed. */
type Fault = (own: ServiceProcess, flush: () => Promise<void>) => Promise<void>;

const FAULTS: readonly (readonly [name: string, fault: Fault])[] = [
  ["flushed", (_, flush) => flush()],
  ["killed and restarted empty", (own) => own.restart({ empty: true })],
  ["killed and restarted with what it had stored", (own) => own.restart()],
  ["killed", (own) => own.kill()],
];

let database: TestDatabase;
let pool: ReturnType<TestDatabase["pool"]>;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = database.pool();
});

afterAll(() => database.drop());

for (const kind of SHARED_KINDS) {
  const missing = await missingService(kind.name);

  describe.skipIf(missing !== undefined)(`a load with ${kind.name}`, () => {
    it.for(FAULTS)("loses, doubles and delays nothing: %s", async ([, fault]) => {
      const own = await kind.start();
      const world = new TestWorld(pool, `t-${randomUUID()}`);
      try {
        const replicas: TestReplica[] = [];
        for (let index = 0; index < REPLICAS; index += 1) {
          replicas.push(await world.replica((needs) => kind.queue(own.url, needs)));
        }
        const load = new Load(world, replicas);
        await load.enqueue(BATCHES / 2);
        await Promise.all([fault(own, () => kind.flush(own.url)), load.enqueue(BATCHES / 2)]);
        await load.claimed();
        expect(load.ids).toHaveLength(BATCHES * PER_BATCH);
        expect(load.doubled).toEqual([]);
        expect(load.mostLooks).toBeLessThanOrEqual(BOUND_LOOKS);
      } finally {
        await world.stop();
        await own.stop();
      }
    });

    it("loses, doubles and delays nothing: replicas vanish with what they located", async () => {
      const own = await kind.start();
      const world = new TestWorld(pool, `t-${randomUUID()}`);
      const doomed: TestReplica[] = [];
      try {
        const replicas: TestReplica[] = [];
        for (let index = 0; index < 2; index += 1) {
          replicas.push(await world.replica((needs) => kind.queue(own.url, needs)));
        }
        const load = new Load(world, replicas);
        for (let round = 0; round < 8; round += 1) {
          await load.enqueue(BATCHES / 8);
          const dying = await world.replica((needs) => kind.queue(own.url, needs));
          doomed.push(dying);
          await dying.look();
          await dying.locate(16);
          dying.vanish();
        }
        await load.claimed();
        expect(load.ids).toHaveLength(BATCHES * PER_BATCH);
        expect(load.doubled).toEqual([]);
        expect(load.mostLooks).toBeLessThanOrEqual(BOUND_LOOKS);
      } finally {
        await world.stop();
        await Promise.all(doomed.map((one) => one.stop()));
        await own.stop();
      }
    });
  });
}

/** Jobs that are enqueued and claimed, and how many looks each of them waited. */
class Load {
  readonly ids: string[] = [];
  readonly doubled: string[] = [];
  mostLooks = 0;
  readonly #world: TestWorld;
  readonly #replicas: readonly TestReplica[];
  /** The replicas' looks when a job was enqueued. */
  readonly #enqueued = new Map<string, ReadonlyMap<TestReplica, number>>();
  readonly #claimed = new Set<string>();
  #done: () => void = () => {};

  constructor(world: TestWorld, replicas: readonly TestReplica[]) {
    this.#world = world;
    this.#replicas = replicas;
    for (const replica of replicas) replica.run(16, (got) => this.#got(replica, got));
  }

  /** Enqueues batches one after the other, by replicas in turn, into a few lanes. */
  async enqueue(batches: number): Promise<void> {
    for (let batch = 0; batch < batches; batch += 1) {
      const here = this.#replicas[batch % this.#replicas.length] as TestReplica;
      const { lanes, ids } = await this.#world.store(PER_BATCH, { priority: batch % 3 });
      const looks = new Map(this.#replicas.map((replica) => [replica, replica.looks]));
      for (const id of ids) this.#enqueued.set(id, looks);
      this.ids.push(...ids);
      this.#world.announce(here, lanes);
    }
  }

  /** Resolves when everything enqueued so far is claimed. */
  async claimed(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#done = resolve;
      this.#look();
    });
  }

  #got(replica: TestReplica, jobs: readonly Got[]): void {
    for (const { jobId } of jobs) {
      if (this.#claimed.has(jobId)) this.doubled.push(jobId);
      this.#claimed.add(jobId);
      // Unknown if it was claimed before the store that committed it was answered.
      const before = this.#enqueued.get(jobId)?.get(replica) ?? replica.looks;
      this.mostLooks = Math.max(this.mostLooks, replica.looks - before);
    }
    this.#look();
  }

  #look(): void {
    if (this.ids.every((id) => this.#claimed.has(id))) this.#done();
  }
}
