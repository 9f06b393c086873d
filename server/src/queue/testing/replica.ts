import type pg from "pg";
import { newJob, testPolicy } from "../../../../test/support/ledger.ts";
import type { Ask, ClaimRange, ReadyQueue } from "../../app/bridge/ready-queue.ts";
import type { JobSpec } from "../../domain/job-spec.ts";
import type { LeaseRef } from "../../domain/lease.ts";
import { type Lane, laneKey, type ReadyLane } from "../../domain/offer.ts";
import { claimJobsIn, findLanes, readSeqsIn } from "../../ledger/claim.ts";
import { storeJobs } from "../../ledger/enqueue.ts";
import { returnLeasesIn } from "../../ledger/leases.ts";
import { Wake } from "../../lib/wake.ts";
import type { QueueNeeds } from "./queue-kinds.ts";

const DAY_MS = 86_400_000;

/** How often a running replica looks at the ledger, like the dispatcher. */
const LOOK_MS = 1_000;

const FILTER = { queues: new Set(["default"]), jobTypes: new Set(["test.echo"]) };

/** A job that a replica claimed. */
export interface Got {
  readonly jobId: string;
  readonly lane: Lane;
  readonly seq: number;
  readonly lease: LeaseRef;
}

/** How a round differs from the usual. */
export interface RoundOptions {
  readonly maxPayloadBytes?: number;
}

/** The ledger of a tenant, and the replicas that hear of what is committed to it. */
export class TestWorld {
  readonly tenant: string;
  readonly pool: pg.Pool;
  readonly replicas: TestReplica[] = [];

  constructor(pool: pg.Pool, tenant: string) {
    this.pool = pool;
    this.tenant = tenant;
  }

  /** Stores jobs; what follows is said to nobody. Answers their ids, too. */
  async store(count: number, over: Partial<JobSpec> = {}) {
    const jobs = Array.from({ length: count }, () => newJob(this.tenant, over));
    const { lanes } = await storeJobs(this.pool, DAY_MS)(jobs);
    return { lanes, ids: jobs.map(({ jobId }) => jobId) };
  }

  /** Says that lanes have work: `here` committed it, the others hear. */
  announce(here: TestReplica, lanes: readonly ReadyLane[]): void {
    here.queue.ready(lanes, true);
    here.wake.wake();
    for (const other of this.replicas) if (other !== here) other.hear(lanes);
  }

  /** Stores jobs and announces them. */
  async enqueue(here: TestReplica, count: number, over: Partial<JobSpec> = {}): Promise<string[]> {
    const { lanes, ids } = await this.store(count, over);
    this.announce(here, lanes);
    return ids;
  }

  /** Gives back jobs and announces that. */
  async giveBack(here: TestReplica, jobs: readonly Got[]): Promise<void> {
    const leases = jobs.map(({ lease }) => lease);
    const giveBack = returnLeasesIn(this.pool);
    const answer = await giveBack({ leases, actor: "test", reason: "test", onlyOffered: true });
    this.announce(here, answer.lanes);
  }

  /** A replica whose queue is started. */
  async replica(make: (needs: QueueNeeds) => ReadyQueue): Promise<TestReplica> {
    const replica = new TestReplica(this, make);
    await replica.queue.start();
    replica.queue.attend(this.tenant);
    this.replicas.push(replica);
    return replica;
  }

  /** Stops what is left of the replicas. */
  async stop(): Promise<void> {
    await Promise.all(this.replicas.map((replica) => replica.stop()));
  }
}

/** One server, as far as the ready queue is concerned: rounds of locating and claiming. */
export class TestReplica {
  readonly queue: ReadyQueue;
  readonly wake = new Wake();
  /** What the queue said about its service, in order. */
  readonly states: ("away" | "back")[] = [];
  /** How many times the ledger was asked, and how many of those got nothing. */
  readonly claims = { all: 0, empty: 0, searches: 0 };
  /** How many looks at the ledger are over. */
  looks = 0;
  readonly #world: TestWorld;
  readonly #onState = new Set<() => void>();
  #running: Promise<void> | undefined;
  #stopped = false;

  constructor(world: TestWorld, make: (needs: QueueNeeds) => ReadyQueue) {
    this.#world = world;
    this.queue = make({
      readSeqs: readSeqsIn(world.pool),
      wake: () => this.wake.wake(),
      onService: (state) => {
        this.states.push(state);
        for (const look of this.#onState) look();
      },
    });
  }

  /** Resolves when the queue has said this `count` times. */
  said(state: "away" | "back", count = 1): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (this.states.filter((one) => one === state).length < count) return;
        this.#onState.delete(look);
        resolve();
      };
      this.#onState.add(look);
      look();
    });
  }

  /** Another replica said that lanes have work. */
  hear(lanes: readonly ReadyLane[]): void {
    this.queue.ready(
      lanes.map(({ seqs, ...lane }) => lane),
      false,
    );
    this.wake.wake();
  }

  /** What a round would ask for: an equal share of each lane, the first eight, and all of each. */
  asks(limit: number): Ask[] {
    const { tenant } = this.#world;
    const lanes = this.queue.candidates(tenant, FILTER, performance.now()).slice(0, 8);
    const share = Math.max(1, Math.floor(limit / Math.max(1, lanes.length)));
    return lanes.map(({ lane }) => ({ lane, limit, share }));
  }

  /** Where a claim of so many would look. */
  locate(limit: number, whole = false): Promise<readonly ClaimRange[]> {
    return this.queue.locate(this.asks(limit), whole);
  }

  /** Claims up to `limit` (a claim size) once. */
  async round(limit: number, { maxPayloadBytes }: RoundOptions = {}): Promise<Got[]> {
    const whole = maxPayloadBytes !== undefined;
    const ranges = await this.locate(limit, whole);
    const { claimed, exhausted } = await this.claim(ranges, limit, maxPayloadBytes);
    if (!whole && this.queue.claimed(ranges, claimed, exhausted)) this.wake.wake();
    return claimed;
  }

  /** Claims what is in ranges and tells the queue nothing. */
  async claim(ranges: readonly ClaimRange[], limit: number, maxPayloadBytes = 1 << 20) {
    if (ranges.length === 0) return { claimed: [], exhausted: true };
    this.claims.all += 1;
    const isSearch = ranges.some(({ upTo }) => upTo === Number.MAX_SAFE_INTEGER);
    if (isSearch) this.claims.searches += 1;
    const answer = await claimJobsIn(this.#world.pool)({
      tenant: this.#world.tenant,
      workerId: "worker",
      sessionId: undefined,
      limit,
      maxPayloadBytes,
      offerDeadlineMs: testPolicy.offerAcceptDeadlineMs,
      requestId: undefined,
      active: false,
      exact: undefined,
      choose: async () =>
        ranges.map((range) => ({ ...range, rank: 0, ttlMs: 60_000, deadlineMs: 60_000 })),
    });
    if (answer.claimed.length === 0) this.claims.empty += 1;
    const claimed = answer.claimed.map(({ offer: { lease }, lane, seq }): Got => {
      return { jobId: lease.jobId, lane, seq, lease };
    });
    return { claimed, exhausted: answer.exhausted };
  }

  /** Rounds until one gets nothing and the queue knows of no more. */
  async drain(limit: number): Promise<Got[]> {
    const got: Got[] = [];
    for (;;) {
      const some = await this.round(limit);
      got.push(...some);
      if (some.length === 0 && this.asks(limit).length === 0) return got;
    }
  }

  /** Looks at the ledger once. */
  async look(): Promise<void> {
    const { tenant, pool } = this.#world;
    const { lanes } = await findLanes(pool)(tenant, undefined);
    this.queue.discovered(tenant, lanes);
    this.looks += 1;
    this.wake.wake();
  }

  /** Claims whatever comes, and looks at the ledger every second, like a dispatcher. */
  run(limit: number, onGot: (got: readonly Got[]) => void): void {
    const timer = setInterval(() => void this.look(), LOOK_MS);
    const loop = async () => {
      while (!this.#stopped) {
        const got = await this.round(limit);
        if (got.length > 0) onGot(got);
        else await this.wake.wait(60_000);
      }
    };
    this.#running = loop().finally(() => clearInterval(timer));
  }

  /** As a stop of the server does: what is located and not claimed goes back. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.wake.wake();
    await this.#running;
    await this.queue.stop();
  }

  /** As kill -9 does, as far as others can tell: it does and says nothing more. */
  vanish(): void {
    this.#world.replicas.splice(this.#world.replicas.indexOf(this), 1);
  }
}

/** The ranges of a lane as the numbers that they name. */
export const namedBy = (ranges: readonly ClaimRange[], lane: Lane): number[] =>
  ranges
    .filter((range) => laneKey(range.lane) === laneKey(lane))
    .flatMap(({ after, upTo }) => Array.from({ length: upTo - after }, (_, i) => after + 1 + i));
