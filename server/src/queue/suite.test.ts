import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/support/database.ts";
import type { ServiceProcess } from "../../../test/support/service-process.ts";
import type { ReadyQueue } from "../app/bridge/ready-queue.ts";
import type { JobSpec } from "../domain/job-spec.ts";
import {
  missingService,
  postgresQueue,
  type QueueNeeds,
  SHARED_KINDS,
} from "./testing/queue-kinds.ts";
import { type Got, namedBy, type TestReplica, TestWorld } from "./testing/replica.ts";

let database: TestDatabase;
let pool: ReturnType<TestDatabase["pool"]>;
let world: TestWorld;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = database.pool();
});

afterAll(() => database.drop());

beforeEach(() => {
  world = new TestWorld(pool, `t-${randomUUID()}`);
});

afterEach(() => world.stop());

const seqsOf = (jobs: readonly Got[]) => jobs.map(({ seq }) => seq);
const idsOf = (jobs: readonly Got[]) => jobs.map(({ jobId }) => jobId);
const ascending = (seqs: readonly number[]) => seqs.toSorted((a, b) => a - b);

/**
 * What every ready queue keeps, whatever it is on.
 *
 * @param isShared it has a service, which is relied upon from the second round on: see `settle`.
 */
function promises(make: () => (needs: QueueNeeds) => ReadyQueue, isShared: boolean) {
  const replicas = async (count: number): Promise<[TestReplica, TestReplica]> => {
    const all: TestReplica[] = [];
    while (all.length < count) all.push(await world.replica(make()));
    if (isShared) await settle(...all);
    return all as [TestReplica, TestReplica];
  };

  it("hands out a lane from its lowest number on, and then lets it rest", async () => {
    const replica = await world.replica(make());
    const ids = await world.enqueue(replica, 20);
    const got = [...(await replica.round(8)), ...(await replica.round(8))];
    expect(seqsOf(got)).toEqual(ascending(seqsOf(got)));
    got.push(...(await replica.drain(8)));
    expect(idsOf(got)).toEqual(ids);
    expect(replica.asks(8)).toEqual([]);
  });

  it("keeps lanes apart", async () => {
    const replica = await world.replica(make());
    await world.enqueue(replica, 3, { concurrencyKey: "a" });
    await world.enqueue(replica, 3, { concurrencyKey: "b", priority: 5 });
    const got = await replica.drain(16);
    expect(got.filter(({ lane }) => lane.concurrencyKey === "a")).toHaveLength(3);
    expect(got.filter(({ lane }) => lane.priority === 5)).toHaveLength(3);
  });

  it("gives every job to one of two replicas that claim at once", async () => {
    const [one, two] = await replicas(2);
    const ids = [...(await world.enqueue(one, 200)), ...(await world.enqueue(two, 200))];
    const both = await Promise.all([one.drain(16), two.drain(16)]);
    const got = idsOf(both.flat());
    expect(new Set(got).size).toBe(got.length);
    // What one held while the other looked is found by the look at the ledger.
    for (let look = 0; look < 2; look += 1) {
      await one.look();
      got.push(...idsOf(await one.drain(16)));
    }
    expect(got.toSorted()).toEqual(ids.toSorted());
  });

  it("hands out what was given back before what is behind it", async () => {
    const [replica] = await replicas(1);
    await world.enqueue(replica, 20);
    const first = await replica.round(8);
    await world.giveBack(replica, first.slice(0, 3));
    const next = await replica.round(8);
    expect(seqsOf(next).slice(0, 3)).toEqual(seqsOf(first).slice(0, 3));
    await replica.drain(8);
  });

  it("leaves nothing behind for who takes only small payloads", async () => {
    const [replica] = await replicas(1);
    const large = { payload: new Uint8Array(2_000) };
    const ids = await world.enqueue(replica, 4, large);
    const small = await world.enqueue(replica, 4);
    expect(idsOf(await replica.round(2, { maxPayloadBytes: 100 }))).toEqual(small.slice(0, 2));
    expect(idsOf(await replica.round(8, { maxPayloadBytes: 100 }))).toEqual(small.slice(2));
    expect(idsOf(await replica.drain(8))).toEqual(ids);
  });

  it("locates again what a claim that failed was to take", async () => {
    const [replica] = await replicas(1);
    const ids = await world.enqueue(replica, 8);
    const ranges = await replica.locate(8);
    expect(ranges).not.toEqual([]);
    replica.queue.claimed(ranges, [], false);
    expect(idsOf(await replica.drain(8))).toEqual(ids);
  });

  it("finds at two looks what nobody announced", async () => {
    const [replica] = await replicas(1);
    await world.enqueue(replica, 4);
    await replica.drain(4);
    const { ids } = await world.store(4);
    const got: Got[] = [];
    for (let look = 0; look < 2; look += 1) {
      await replica.look();
      got.push(...(await replica.drain(4)));
    }
    expect(idsOf(got)).toEqual(ids);
  });

  it("finds at two looks what a replica had located when it died", async () => {
    const [dead, alive] = await replicas(2);
    const ids = await world.enqueue(dead, 8);
    const located = await dead.locate(4);
    expect(located).not.toEqual([]);
    dead.vanish();
    const got = await alive.drain(4);
    for (let look = 0; look < 2; look += 1) {
      await alive.look();
      got.push(...(await alive.drain(4)));
    }
    expect(idsOf(got).toSorted()).toEqual(ids.toSorted());
    await dead.stop();
  });

  it("forgets a tenant that nobody works for, and finds it again", async () => {
    const [replica] = await replicas(1);
    const ids = await world.enqueue(replica, 4);
    replica.queue.forget(world.tenant);
    expect(replica.asks(4)).toEqual([]);
    await replica.look();
    expect(idsOf(await replica.drain(4))).toEqual(ids);
  });
}

describe("the ready queue on postgres", () => {
  promises(() => postgresQueue, false);
});

for (const kind of SHARED_KINDS) {
  const missing = await missingService(kind.name);

  describe.skipIf(missing !== undefined)(`the ready queue on ${kind.name}`, () => {
    let service: ServiceProcess;
    const make = () => (needs: QueueNeeds) => kind.queue(service.url, needs);

    beforeAll(async () => {
      service = await kind.start();
    });

    afterAll(() => service.stop());

    promises(make, true);

    it("locates different jobs for replicas that share it", async () => {
      const [one, two] = [await world.replica(make()), await world.replica(make())];
      // The first claims of a lane search the ledger: what the service knows of it is not known.
      await settle(one, two);
      const { lanes, ids } = await world.store(16);
      world.announce(one, lanes);
      const lane = lanes[0] ?? expect.fail("no lane");
      const first = await one.locate(8);
      let second = await two.locate(8);
      // A replica may hold for a moment what came with what it asked for.
      while (second.length === 0) {
        two.hear(lanes);
        second = await two.locate(8);
      }
      expect(namedBy(first, lane)).toHaveLength(8);
      expect(namedBy(second, lane)).toHaveLength(8);
      const [a, b] = await Promise.all([one.claim(first, 8), two.claim(second, 8)]);
      expect(idsOf([...a.claimed, ...b.claimed])).toEqual(ids);
    });

    it("searches the ledger no more once it knows a lane", async () => {
      const [one, two] = [await world.replica(make()), await world.replica(make())];
      await settle(one, two);
      const before = one.claims.searches + two.claims.searches;
      for (let batch = 0; batch < 5; batch += 1) {
        await world.enqueue(one, 20);
        await Promise.all([one.drain(16), two.drain(16)]);
      }
      expect(one.claims.searches + two.claims.searches).toBe(before);
    });

    it("asks again for a lane whose notice was faster than its jobs", async () => {
      const [one, two] = [await world.replica(make()), await world.replica(make())];
      await settle(one, two);
      const { lanes, ids } = await world.store(4);
      two.hear(lanes);
      expect(await two.drain(4)).toEqual([]);
      one.queue.ready(lanes, true);
      expect(idsOf(await whenWoken(two, 4))).toEqual(ids);
    });

    it("finds at two looks what the service was made to forget", async () => {
      const replica = await world.replica(make());
      await settle(replica);
      const ids = await world.enqueue(replica, 300);
      const got = await replica.round(16);
      await kind.flush(service.url);
      got.push(...(await replica.drain(16)));
      for (let look = 0; look < 2; look += 1) {
        await replica.look();
        got.push(...(await replica.drain(16)));
      }
      expect(idsOf(got)).toEqual(ids);
    });

    it("gives back what it had located when it stops", async () => {
      const [one, two] = [await world.replica(make()), await world.replica(make())];
      await settle(one, two);
      const ids = await world.enqueue(one, 12);
      expect(await one.locate(4)).not.toEqual([]);
      await one.stop();
      expect(idsOf(await two.drain(16))).toEqual(ids);
    });

    it("lets go of numbers whose jobs are gone, and says that there is more", async () => {
      const [one, two] = [await world.replica(make()), await world.replica(make())];
      await settle(one, two);
      const { lanes, ids } = await world.store(16);
      world.announce(one, lanes);
      // Taken by a claim that looks for itself: nobody tells the service.
      expect(await two.round(8, { maxPayloadBytes: 1_000 })).toHaveLength(8);
      const ranges = await one.locate(8);
      const { claimed, exhausted } = await one.claim(ranges, 8);
      expect([claimed, exhausted]).toEqual([[], true]);
      expect(one.queue.claimed(ranges, claimed, exhausted)).toBe(true);
      expect(idsOf(await one.drain(8))).toEqual(ids.slice(8));
    });

    it("gets past numbers whose jobs are gone while another lane has plenty", async () => {
      const replica = await world.replica(make());
      const [rich, poor] = [{ concurrencyKey: "rich" }, { concurrencyKey: "poor" }];
      await settleLane(rich, replica);
      await settleLane(poor, replica);
      const { lanes } = await world.store(16, poor);
      world.announce(replica, lanes);
      expect(await replica.round(16, { maxPayloadBytes: 1_000 })).toHaveLength(16);
      // With others between them, so that the claim cannot tell that its ranges hold no more.
      for (let pair = 0; pair < 60; pair += 1) {
        await world.enqueue(replica, 1, rich);
        await world.store(1, { queue: "elsewhere" });
      }
      const ids = await world.enqueue(replica, 2, poor);
      const got: Got[] = [];
      while (idsOf(got).filter((id) => ids.includes(id)).length < ids.length) {
        got.push(...(await replica.round(8)));
      }
      expect(got.length).toBeLessThan(62);
      await replica.drain(16);
    });

    describe("with a service of its own", () => {
      let own: ServiceProcess;
      const makeOwn = () => (needs: QueueNeeds) => kind.queue(own.url, needs);

      beforeEach(async () => {
        own = await kind.start();
      });

      afterEach(() => own.stop());

      it("works without the service from the start, and tells it later", async () => {
        await own.kill();
        const [one, two] = [await world.replica(makeOwn()), await world.replica(makeOwn())];
        expect(one.states).toEqual(["away"]);
        const ids = await world.enqueue(one, 8);
        expect(idsOf(await one.round(4))).toEqual(ids.slice(0, 4));
        await own.restart({ empty: true });
        await Promise.all([one.said("back"), two.said("back")]);
        expect(idsOf(await two.drain(4))).toEqual(ids.slice(4));
      });

      it("does not wait for a service that does not answer", async () => {
        const [one, two] = [await world.replica(makeOwn()), await world.replica(makeOwn())];
        await settle(one, two);
        const resume = own.pause();
        const ids = await world.enqueue(one, 8);
        const begin = performance.now();
        expect(idsOf(await one.round(8))).toEqual(ids);
        expect(performance.now() - begin).toBeLessThan(1_000);
        expect(one.states.at(-1)).toBe("away");
        const more = await world.enqueue(one, 4);
        resume();
        await one.said("back", 2);
        expect(idsOf(await whenWoken(two, 4))).toEqual(more);
      });
    });
  });
}

/** What a replica claims when it is told that there is something. */
async function whenWoken(replica: TestReplica, limit: number): Promise<Got[]> {
  for (;;) {
    await replica.wake.wait(30_000);
    // Earlier rounds may have left wake-ups behind.
    const got = await replica.drain(limit);
    if (got.length > 0) return got;
  }
}

/** Has replicas claim in the usual lane until the service knows all of it and is relied upon. */
const settle = (...replicas: TestReplica[]) => settleLane({}, ...replicas);

async function settleLane(over: Partial<JobSpec>, ...replicas: TestReplica[]): Promise<void> {
  for (const replica of replicas) {
    for (;;) {
      const before = replica.claims.searches;
      await world.enqueue(replica, 1, over);
      for (const one of replicas) await one.drain(4);
      if (replica.claims.searches === before) break;
    }
  }
}
