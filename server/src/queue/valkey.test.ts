import { randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/support/database.ts";
import type { ServiceProcess } from "../../../test/support/service-process.ts";
import { startValkey } from "../../../test/support/valkey-process.ts";
import type { ReadSeqs } from "../app/bridge/ready-queue.ts";
import type { Lane } from "../domain/offer.ts";
import type { LaneService } from "./lane-service.ts";
import { kindOf, missingService } from "./testing/queue-kinds.ts";
import { TestWorld } from "./testing/replica.ts";
import { keysOf, ValkeyLanes } from "./valkey.ts";

const missing = await missingService("valkey");

const laneOf = (tenant: string, concurrencyKey = ""): Lane => ({
  tenant,
  queue: "q",
  jobType: "a",
  priority: 0,
  source: "",
  concurrencyKey,
});

const upTo = (count: number, from = 1) => Array.from({ length: count }, (_, i) => from + i);

describe.skipIf(missing !== undefined)("ValkeyLanes", () => {
  let valkey: ServiceProcess;
  let client: Redis;
  const opened: LaneService[] = [];

  beforeAll(async () => {
    valkey = await startValkey();
    client = new Redis(valkey.url);
  });

  afterAll(async () => {
    await Promise.all(opened.map((one) => one.stop()));
    client.disconnect();
    await valkey.stop();
  });

  /** Lanes over a ledger that has these numbers; `reads` are the places it was read from. */
  async function lanesOver(ledger: readonly number[], url = valkey.url) {
    const reads: number[] = [];
    let settled: () => void = () => {};
    const readSeqs: ReadSeqs = async (_, after, limit) => {
      reads.push(after);
      return ledger.filter((seq) => seq > after).slice(0, limit);
    };
    const service = new ValkeyLanes({
      url,
      readSeqs,
      onError: (error) => {
        throw error;
      },
      onFilled: () => settled(),
    });
    opened.push(service);
    service.start();
    await service.probe();
    const filled = () =>
      new Promise<void>((resolve) => {
        settled = resolve;
      });
    const take = async (lane: Lane, limit: number) => {
      const [found] = await service.take([{ lane, limit, share: limit }]);
      return found ?? expect.fail("no answer");
    };
    return { service, reads, filled, take };
  }

  it("fills a lane that it does not know from the ledger, and then needs it no more", async () => {
    const { service, reads, filled, take } = await lanesOver([3, 5]);
    const lane = laneOf(randomUUID());
    const done = filled();
    expect(await take(lane, 8)).toMatchObject({ seqs: [], searchAfter: 0 });
    await done;
    await service.add([{ lane, seqs: [9, 7], lostAfter: undefined }]);
    expect(await take(lane, 3)).toEqual({
      lane,
      seqs: [3, 5, 7],
      searchAfter: undefined,
      empty: false,
    });
    expect(await take(lane, 3)).toMatchObject({ seqs: [9], empty: true });
    expect(reads).toEqual([0]);
  });

  it("gives each lane its share, and then what others had too few of", async () => {
    const tenant = randomUUID();
    const lanes = ["a", "b", "c"].map((key) => laneOf(tenant, key));
    const { service, take, filled } = await lanesOver([]);
    for (const lane of lanes) {
      const done = filled();
      await take(lane, 1);
      await done;
    }
    const [a, b, c] = lanes as [Lane, Lane, Lane];
    await service.add([
      { lane: a, seqs: [1], lostAfter: undefined },
      { lane: b, seqs: upTo(20), lostAfter: undefined },
      { lane: c, seqs: upTo(20), lostAfter: undefined },
    ]);
    const found = await service.take([
      { lane: a, share: 4, limit: 8 },
      { lane: b, share: 4, limit: 5 },
      { lane: c, share: 4, limit: 8 },
    ]);
    expect(found.map(({ seqs }) => seqs)).toEqual([[1], upTo(5), upTo(6)]);
    expect(found.map(({ empty }) => empty)).toEqual([true, false, false]);
  });

  it("holds a bounded part of a long lane, and reads on before it runs out", async () => {
    const ledger = upTo(25_000);
    const { service, take, filled } = await lanesOver(ledger);
    const lane = laneOf(randomUUID());
    let done = filled();
    expect(await take(lane, 1)).toMatchObject({ searchAfter: 0 });
    await done;
    // Announced while the lane is known only in part: it is read when its turn comes.
    await service.add([{ lane, seqs: upTo(5_000, 20_001), lostAfter: undefined }]);
    const got: number[] = [];
    while (got.length < ledger.length) {
      done = filled();
      const { seqs, searchAfter, empty } = await take(lane, 256);
      got.push(...seqs);
      expect(await client.zcard(keysOf(lane)[0])).toBeLessThanOrEqual(10_000);
      if (empty && searchAfter !== undefined) await done;
    }
    expect(got).toEqual(ledger);
  });

  it("cuts a lane that grows beyond its window, and reads the rest later", async () => {
    const { service, take, filled, reads } = await lanesOver(upTo(12_000));
    const lane = laneOf(randomUUID());
    await client.hset(keysOf(lane)[1], "m", "inf");
    await service.add([{ lane, seqs: upTo(12_000), lostAfter: undefined }]);
    expect(await client.zcard(keysOf(lane)[0])).toBe(10_000);
    const got: number[] = [];
    let done = filled();
    while (got.length < 12_000) {
      const { seqs, searchAfter, empty } = await take(lane, 500);
      got.push(...seqs);
      if (empty && searchAfter !== undefined) {
        await done;
        done = filled();
      }
    }
    expect(got).toEqual(upTo(12_000));
    expect(reads).toEqual([10_000]);
  });

  it("loses nothing of what is announced while the ledger is read", async () => {
    const ledger: number[] = upTo(10);
    const { service, take, filled } = await lanesOver(ledger);
    const lane = laneOf(randomUUID());
    const done = filled();
    await take(lane, 1);
    // The reader has said that it reads; whether it sees this is open.
    await service.add([{ lane, seqs: [11], lostAfter: undefined }]);
    await done;
    const { seqs, searchAfter } = await take(lane, 20);
    expect(searchAfter === undefined ? seqs : [...seqs, 11]).toEqual(upTo(11));
  });

  it("lets another replica read when the one that said so is gone", async () => {
    const lane = laneOf(randomUUID());
    await client.hset(keysOf(lane)[1], "f", "gone", "u", String(Date.now() - 1));
    const { take, filled } = await lanesOver([4]);
    const done = filled();
    expect(await take(lane, 1)).toMatchObject({ searchAfter: 0 });
    await done;
    expect(await take(lane, 1)).toMatchObject({ seqs: [4], searchAfter: undefined });
  });

  it("notices that the oldest job is not there, and only then", async () => {
    const { service, take } = await lanesOver(upTo(10));
    const lane = laneOf(randomUUID());
    await client.hset(keysOf(lane)[1], "m", "inf");
    await service.add([{ lane, seqs: [5, 6, 7], lostAfter: undefined }]);
    await service.check([{ ...lane, minSeq: 5 }]);
    expect(await take(lane, 1)).toMatchObject({ seqs: [5], searchAfter: undefined });
    await service.check([{ ...lane, minSeq: 3 }]);
    expect(await take(lane, 1)).toMatchObject({ seqs: [], searchAfter: 2 });
  });

  it("does not keep what nobody touches for ever", async () => {
    const { service } = await lanesOver([]);
    const lane = laneOf(randomUUID());
    const [numbers, mark] = keysOf(lane);
    await client.hset(mark, "m", "inf");
    await service.add([{ lane, seqs: [1], lostAfter: undefined }]);
    const [forNumbers, forMark] = [await client.pttl(numbers), await client.pttl(mark)];
    expect(forMark).toBeGreaterThan(0);
    // The mark goes first, or numbers that went would seem never to have been.
    expect(forNumbers).toBeGreaterThan(forMark);
  });
});

describe.skipIf(missing !== undefined)(
  "a ready queue on a Valkey that stops to be a primary",
  () => {
    it("searches the ledger until it can write again", async () => {
      const valkey = await startValkey();
      const database = await createTestDatabase();
      const world = new TestWorld(database.pool(), "acme");
      const admin = new Redis(valkey.url);
      try {
        const replica = await world.replica((needs) => kindOf("valkey").queue(valkey.url, needs));
        await world.enqueue(replica, 1);
        await replica.drain(4);
        await admin.replicaof("127.0.0.1", 1);
        const ids = await world.enqueue(replica, 4);
        const got = await replica.drain(4);
        await replica.said("away");
        await admin.replicaof("NO", "ONE");
        await replica.said("back", 2);
        ids.push(...(await world.enqueue(replica, 4)));
        got.push(...(await replica.drain(4)));
        expect(got.map(({ jobId }) => jobId)).toEqual(ids);
      } finally {
        await world.stop();
        admin.disconnect();
        await database.drop();
        await valkey.stop();
      }
    });
  },
);

describe.skipIf(missing !== undefined)("ValkeyLanes on a cluster", () => {
  let node: ServiceProcess;
  let client: Redis;

  beforeAll(async () => {
    node = await startValkey({
      args: ["--cluster-enabled", "yes", "--cluster-announce-ip", "127.0.0.1"],
    });
    client = new Redis(node.url);
    await client.cluster("ADDSLOTSRANGE", 0, 16_383);
    while (!String(await client.cluster("INFO")).includes("cluster_state:ok")) {
      // It says so within a moment.
    }
  });

  afterAll(async () => {
    client.disconnect();
    await node.stop();
  });

  it("keeps all keys of a tenant in one slot, whatever it is called", async () => {
    const slots = new Set<number>();
    for (const tenant of ["acme", "a}b{c", "{}", "ünï:cödé", "x".repeat(200)]) {
      const keys = upTo(20).flatMap((index) => keysOf(laneOf(tenant, `key ${index}`)));
      expect(new Set(keys).size).toBe(40);
      const found = await Promise.all(keys.map((key) => client.cluster("KEYSLOT", key)));
      expect(new Set(found).size).toBe(1);
      slots.add(found[0] as number);
    }
    expect(slots.size).toBeGreaterThan(1);
  });

  it("serves", async () => {
    const database: TestDatabase = await createTestDatabase();
    const world = new TestWorld(database.pool(), "acme");
    try {
      const replica = await world.replica((needs) =>
        kindOf("valkey").queue(`${node.url},${node.url}`, needs),
      );
      expect(replica.states).toEqual(["back"]);
      const ids: string[] = [];
      for (const concurrencyKey of ["a", "b", "c"]) {
        ids.push(...(await world.enqueue(replica, 5, { concurrencyKey })));
      }
      const got = await replica.drain(8);
      expect(got.map(({ jobId }) => jobId).toSorted()).toEqual(ids.toSorted());
      expect(replica.states).toEqual(["back"]);
      expect(await client.keys("orch:ready:{acme}:*")).not.toEqual([]);
    } finally {
      await world.stop();
      await database.drop();
    }
  });
});
