import { describe, expect, it } from "vitest";
import { jobSpec, testPolicy } from "../../../../test/support/ledger.ts";
import type { Blocked } from "../../domain/flow/blocked.ts";
import { LeasePolicies } from "../../domain/lease-policy.ts";
import type { Lane, Offer, ReadyLane } from "../../domain/offer.ts";
import { newId } from "../../lib/ids.ts";
import { PostgresReadyQueue } from "../../queue/postgres.ts";
import { ClaimTurns } from "./claim-turns.ts";
import type { Claimant } from "./claimant.ts";
import type { FlowPlan } from "./gates.ts";
import { TenantDesk } from "./tenant-desk.ts";

const tenant = "acme";
const laneOf = (source: string): Lane => ({
  tenant,
  queue: "default",
  jobType: "test.echo",
  priority: 0,
  source,
  concurrencyKey: "",
});
const ready = (source: string): ReadyLane => ({ ...laneOf(source), minSeq: 1 });

const offerOf = ({ source }: Lane): Offer => ({
  lease: { tenant, jobId: newId(), attempt: 1, leaseEpoch: 1, leaseToken: "t" },
  spec: jobSpec({ source }),
  leaseTtlMs: 60_000,
  attemptDeadlineMs: 60_000,
  checkpoint: undefined,
  runId: undefined,
  name: undefined,
  createdAt: new Date(0),
});

const settle = () => new Promise((resolve) => setImmediate(resolve));

/**
 * A desk whose flow control and ledger are the test's: at most `room` lanes a plan, those in
 * `shut` held back, a job in each lane of `stocked` and none in the others.
 */
function scene(lanes: readonly string[], room = 64) {
  const world = {
    shut: new Map<string, Blocked>(),
    stocked: new Set<string>(),
    out: new Set<string>(),
    plans: 0,
    looks: 0,
    claims: 0,
    returned: 0,
    beforePlan: async () => {},
    beforeAnswer: async () => {},
    beforeReturn: async () => {},
    errors: [] as unknown[],
  };
  const queue = new PostgresReadyQueue();
  queue.attend(tenant);
  queue.ready(lanes.map(ready), true);
  const desk = new TenantDesk(
    tenant,
    {
      queue,
      policies: new LeasePolicies(testPolicy),
      gates: {
        weight: () => 1,
        known: async () => {},
        takenOut: (_tenant, { workerId }) => world.out.has(workerId),
        open: async (_tenant, all) => {
          world.looks += 1;
          return all.filter(({ source }) => !world.shut.has(source));
        },
        plan: async (_tenant, candidates, limit): Promise<FlowPlan> => {
          world.plans += 1;
          await world.beforePlan();
          const open = candidates.filter(({ lane }) => !world.shut.has(lane.source));
          const blocked = candidates.flatMap(({ lane }) => {
            const by = world.shut.get(lane.source);
            return by === undefined ? [] : [{ lane, by }];
          });
          return {
            exact: undefined,
            allot: () =>
              open.slice(0, room).map(({ lane }) => ({ lane, limit, share: limit, rank: 0 })),
            blocked: () => blocked,
            passedOver: () => open.slice(room),
            settle: () => {},
          };
        },
      },
      claim: async ({ choose }) => {
        const ranges = await choose(undefined);
        if (ranges.length > 0) world.claims += 1;
        await settle();
        await world.beforeAnswer();
        const found = ranges.find(({ lane }) => world.stocked.delete(lane.source));
        const claimed =
          found === undefined ? [] : [{ offer: offerOf(found.lane), lane: found.lane, seq: 1 }];
        return { claimed, exhausted: claimed.length === 0, repeated: false };
      },
      giveBack: async (leases) => {
        await settle();
        await world.beforeReturn();
        world.returned += leases.length;
      },
      onError: (error) => world.errors.push(error),
    },
    new ClaimTurns(1),
    () => {},
  );
  return { world, desk, queue };
}

/** Somebody with a free slot; notes what it gets and what it is told. */
function claimantOf(slots = 1) {
  const got: Offer[] = [];
  const told: (readonly Blocked[])[] = [];
  const more = { count: 0 };
  let isHere = true;
  const claimant: Claimant = {
    tenant,
    workerId: newId(),
    host: "",
    labels: {},
    sessionId: newId(),
    pools: [
      {
        name: "main",
        queues: new Set(["default"]),
        jobTypes: new Set(["test.echo"]),
        free: () => (isHere ? slots - got.length : 0),
      },
    ],
    maxPayloadBytes: testPolicy.maxPayloadBytes,
    claimRequestId: undefined,
    leaseAtOnce: false,
    deliver: (_pool, offers) => {
      if (!isHere) return false;
      got.push(...offers);
      return true;
    },
    idle: (blocked) => told.push(blocked),
    full: () => {
      more.count += 1;
    },
  };
  const leave = () => {
    isHere = false;
  };
  return { claimant, got, told, more, leave };
}

const paused = (source: string, untilMs?: number): Blocked => ({
  kind: "pause",
  scope: { kind: "source", name: source },
  reason: "test",
  untilMs,
});

describe("a desk", () => {
  it("is settled once what nobody takes any more is given back", async () => {
    const { world, desk } = scene(["a"]);
    world.stocked.add("a");
    const { claimant, leave } = claimantOf();
    const settled = new Promise<number>((resolve) => {
      world.beforeAnswer = async () => {
        leave();
        void desk.settled().then(() => resolve(world.returned));
      };
    });
    desk.lookedFor([claimant]);
    desk.add(claimant);
    expect(await settled).toBe(1);
  });

  it("tells of what it cannot give back, and goes on", async () => {
    const { world, desk } = scene(["a", "b"]);
    for (const source of ["a", "b"]) world.stocked.add(source);
    const lost = new Error("no ledger");
    world.beforeReturn = () => Promise.reject(lost);
    const gone = claimantOf();
    world.beforeAnswer = async () => gone.leave();
    desk.add(gone.claimant);
    await expect.poll(() => world.errors).toEqual([lost]);
    await desk.remove(gone.claimant);
    const other = claimantOf();
    desk.add(other.claimant);
    await expect.poll(() => other.got).toHaveLength(1);
    expect(world.errors).toEqual([lost]);
  });

  it("finds out once what holds lanes back, however many stand in line", async () => {
    const { world, desk } = scene(["a", "b"]);
    for (const source of ["a", "b"]) world.shut.set(source, paused(source));
    const line = Array.from({ length: 300 }, () => claimantOf());
    desk.lookedFor(line.map(({ claimant }) => claimant));
    for (const { claimant } of line) desk.add(claimant);
    for (const { told } of line) await expect.poll(() => told.at(-1)?.length).toBe(2);
    world.plans = 0;
    const before = line[299]?.told.length ?? 0;
    desk.pump();
    await expect.poll(() => line[299]?.told.length).toBe(before + 1);
    expect(world.plans).toBe(1);
    expect(desk.limited).toBe(true);
    await desk.stop();
    expect(world.errors).toEqual([]);
  });

  it("goes on with lanes that a plan had no room for when the others are empty", async () => {
    const sources = Array.from({ length: 10 }, (_, index) => `s${index}`);
    const { world, desk } = scene(sources, 3);
    world.stocked.add("s9");
    const one = claimantOf();
    desk.add(one.claimant);
    await expect.poll(() => one.got.length).toBe(1);
    expect(one.got[0]?.spec.source).toBe("s9");
    expect(world.plans).toBe(4);
    await desk.stop();
  });

  it("looks again when a limit that ends by itself is over, without being told", async () => {
    const { world, desk } = scene(["a"]);
    world.stocked.add("a");
    world.shut.set("a", paused("a", Date.now() + 300));
    const one = claimantOf();
    desk.add(one.claimant);
    await expect.poll(() => world.plans).toBeGreaterThan(0);
    world.shut.clear();
    await expect.poll(() => one.got.length, { timeout: 5_000 }).toBe(1);
    await desk.stop();
  });

  it("has nothing in flight for who left, also while flow control is asked", async () => {
    const { world, desk } = scene(["a"]);
    world.stocked.add("a");
    const gate = Promise.withResolvers<void>();
    world.beforePlan = () => gate.promise;
    const one = claimantOf();
    desk.add(one.claimant);
    await expect.poll(() => world.plans).toBe(1);
    one.leave();
    let isGone = false;
    const gone = desk.remove(one.claimant).then(() => {
      isGone = true;
    });
    await settle();
    expect(isGone).toBe(false);
    gate.resolve();
    await gone;
    const { claims } = world;
    await settle();
    expect(world.claims).toBe(claims);
    expect(one.got).toEqual([]);
    await desk.stop();
  });

  it("gives turns in line: who got something goes to its end", async () => {
    const sources = Array.from({ length: 12 }, (_, index) => `s${index}`);
    const { world, desk } = scene(sources);
    for (const source of sources) world.stocked.add(source);
    const line = [claimantOf(4), claimantOf(4), claimantOf(4)];
    for (const { claimant } of line) desk.add(claimant);
    await expect.poll(() => line.map(({ got }) => got.length)).toEqual([4, 4, 4]);
    const turns = line.map(({ got }) => got.map(({ spec }) => Number(spec.source.slice(1))));
    // Lanes are served one after the other, so their numbers tell when each had its turn.
    expect(
      turns.map((own) => own.every((at, index) => index === 0 || at > (own[index - 1] ?? 0))),
    ).toEqual([true, true, true]);
    for (const own of turns) expect((own[3] ?? 0) - (own[0] ?? 0)).toBeGreaterThanOrEqual(9);
    await desk.stop();
  });

  it("tells who is full, once, that more slots would help; again after it was idle", async () => {
    const { world, desk } = scene(["a"]);
    world.stocked.add("a");
    const one = claimantOf();
    desk.lookedFor([one.claimant]);
    desk.add(one.claimant);
    await expect.poll(() => one.got.length).toBe(1);
    expect(desk.crowded).toBe(true);
    const tell = desk.beforeLook();
    // Who comes after the look may have taken what it found.
    const late = claimantOf(0);
    desk.add(late.claimant);
    await tell([laneOf("b")]);
    expect([one.more.count, late.more.count]).toEqual([1, 0]);
    await desk.remove(late.claimant);
    expect(desk.crowded).toBe(false);
    await desk.beforeLook()([laneOf("b")]);
    expect(one.more.count).toBe(1);
    one.got.pop();
    desk.pump();
    await expect.poll(() => one.told.length).toBe(1);
    one.got.push(offerOf(laneOf("a")));
    await desk.beforeLook()([laneOf("b")]);
    expect(one.more.count).toBe(2);
    await desk.stop();
  });

  it("tells nobody so of lanes that are held back, nor of what others have slots for", async () => {
    const { world, desk } = scene([]);
    world.shut.set("shut", paused("shut"));
    const full = claimantOf(0);
    desk.add(full.claimant);
    await desk.beforeLook()([]);
    await desk.beforeLook()([laneOf("shut")]);
    expect(world.looks).toBe(1);
    await desk.beforeLook()([{ ...laneOf("open"), queue: "elsewhere" }]);
    const free = claimantOf();
    desk.add(free.claimant);
    const tell = desk.beforeLook();
    // It takes what was ready while the ledger was looked at.
    free.got.push(offerOf(laneOf("open")));
    await tell([laneOf("open")]);
    expect([full.more.count, free.more.count]).toEqual([0, 0]);
    await desk.beforeLook()([laneOf("shut"), laneOf("open")]);
    expect([full.more.count, free.more.count]).toEqual([1, 1]);
    await desk.stop();
  });

  it("gives nothing to who is taken out, nor a hint, and goes on with the others", async () => {
    const { world, desk } = scene(["a", "b"]);
    world.stocked.add("a").add("b");
    const [out, other] = [claimantOf(), claimantOf()];
    world.out.add(out.claimant.workerId);
    desk.lookedFor([out.claimant, other.claimant]);
    desk.add(out.claimant);
    expect(desk.hungry).toBe(false);
    desk.add(other.claimant);
    await expect.poll(() => other.got.length).toBe(1);
    expect(desk.able).toEqual([other.claimant]);
    expect([out.got.length, out.told.length]).toEqual([0, 0]);
    // What is left is for nobody, and its own slots would not help.
    await desk.beforeLook()([laneOf("b")]);
    expect([out.more.count, other.more.count]).toEqual([0, 1]);
    expect(desk.limited).toBe(true);
    world.out.clear();
    desk.pump();
    await expect.poll(() => out.got.length).toBe(1);
    await desk.stop();
  });

  it("goes on after flow control failed", async () => {
    const { world, desk } = scene(["a"]);
    world.stocked.add("a");
    let fails = true;
    world.beforePlan = async () => {
      if (fails) throw new Error("away");
    };
    const one = claimantOf();
    desk.add(one.claimant);
    await expect.poll(() => world.errors.length).toBeGreaterThan(0);
    fails = false;
    await expect.poll(() => one.got.length, { timeout: 5_000 }).toBe(1);
    await desk.stop();
  });
});
