import type { LeaseRef } from "../../domain/lease.ts";
import type { LeasePolicies } from "../../domain/lease-policy.ts";
import { type Lane, laneKey } from "../../domain/offer.ts";
import { LedgerUnavailable } from "../ledger-unavailable.ts";
import { type Claim, type ClaimAnswer, claimSize, type Usage } from "./claim.ts";
import type { ClaimTurns } from "./claim-turns.ts";
import type { Claimant, ClaimantPool } from "./claimant.ts";
import type { BlockedLane, FlowPlan, Gates } from "./gates.ts";
import type { Candidate, ClaimRange, ReadyQueue } from "./ready-queue.ts";

/** What handing out a tenant's jobs needs. */
export interface DeskPorts {
  readonly queue: ReadyQueue;
  readonly policies: LeasePolicies;
  readonly gates: Gates;
  /** Hands out jobs in one transaction. */
  readonly claim: (claim: Claim) => Promise<ClaimAnswer>;
  /** Gives back what a claimant who went away meanwhile has never seen. */
  readonly giveBack: (leases: readonly LeaseRef[]) => Promise<void>;
  /** Told about what went wrong; the dispatcher goes on. */
  readonly onError: (error: unknown) => void;
}

/** How long dispatch rests after the ledger failed, in milliseconds. */
const OUTAGE_PAUSE_MS = 250;

/** The shortest wait for a limit that ends by itself, in milliseconds: one claim, not many. */
const MIN_WAKE_MS = 5;

/**
 * One tenant's claimants on this replica, in line. One claim at a time, for each in turn; streams
 * and unary claims stand in the same line.
 */
export class TenantDesk {
  readonly tenant: string;
  readonly #ports: DeskPorts;
  readonly #turns: ClaimTurns;
  readonly #onIdle: () => void;
  /** In the order of their turns: who got something goes to the end. */
  #claimants: Claimant[] = [];
  /** Claimants for whom the ledger was looked at; nobody else is told that nothing is there. */
  readonly #lookedFor = new WeakSet<Claimant>();
  /** Claimants that know that only their slots keep jobs waiting. */
  readonly #toldFull = new WeakSet<Claimant>();
  readonly #firstPool = new WeakMap<Claimant, number>();
  #blocked: readonly BlockedLane[] = [];
  #someOut = false;
  #running: Promise<void> | undefined;
  /** The claim in flight. Not to be mixed up with `#running`, which a busy tenant never ends. */
  #claiming: Promise<unknown> | undefined;
  #again = false;
  #stopped = false;
  #alarm: NodeJS.Timeout | undefined;

  /** @param onIdle called when nobody is in line and nothing is under way. */
  constructor(tenant: string, ports: DeskPorts, turns: ClaimTurns, onIdle: () => void) {
    this.tenant = tenant;
    this.#ports = ports;
    this.#turns = turns;
    this.#onIdle = onIdle;
  }

  /** Everybody in line. */
  get claimants(): readonly Claimant[] {
    return this.#claimants;
  }

  /** Whether somebody in line has a free slot. */
  get hungry(): boolean {
    return this.#claimants.some((one) => hasFree(one) && !this.#isOut(one));
  }

  /** Whether somebody in line has none, and does not know yet whether more would help. */
  get crowded(): boolean {
    return this.#full().length > 0;
  }

  /** Whether a limit held something back when it was last looked, or somebody is taken out. */
  get limited(): boolean {
    return this.#blocked.length > 0 || this.#someOut;
  }

  /** Those in line who are not taken out. */
  get able(): readonly Claimant[] {
    return this.#claimants.filter((one) => !this.#isOut(one));
  }

  /** Adds a claimant to the line. */
  add(claimant: Claimant): void {
    this.#claimants.push(claimant);
    this.pump();
  }

  /** Takes a claimant out of the line and waits for a claim that is in flight. */
  async remove(claimant: Claimant): Promise<void> {
    this.#claimants = this.#claimants.filter((other) => other !== claimant);
    await this.#claiming;
    this.#clear();
  }

  /** Notes that the ledger was looked at for these. */
  lookedFor(claimants: readonly Claimant[]): void {
    for (const claimant of claimants) this.#lookedFor.add(claimant);
  }

  /**
   * Call it before a look at the ledger, and what it answers with the lanes that the look found.
   * Who has no free slot is told that more would help, if it takes jobs of these lanes and nothing
   * else holds them back. What others here have a free slot for is on its way to them.
   */
  beforeLook(): (lanes: readonly Lane[]) => Promise<void> {
    const full = new Set(this.#full());
    const free = this.#freePools();
    return async (lanes) => {
      if (full.size === 0 || lanes.length === 0) return;
      const served = [...free, ...this.#freePools()];
      const wanted = [...full].flatMap(({ pools }) => pools);
      const left = alike(lanes).filter(
        ([one]) => wanted.some(takes(one)) && !served.some(takes(one)),
      );
      const open = alike(await this.#ports.gates.open(this.tenant, left.flat()));
      for (const claimant of this.#full()) {
        if (!full.has(claimant)) continue;
        if (!open.some(([one]) => claimant.pools.some(takes(one)))) continue;
        this.#toldFull.add(claimant);
        claimant.full();
      }
    };
  }

  #isOut(claimant: Claimant): boolean {
    return this.#ports.gates.takenOut(this.tenant, claimant);
  }

  #freePools(): ClaimantPool[] {
    return this.able.flatMap(({ pools }) => pools.filter((pool) => pool.free() > 0));
  }

  #full(): Claimant[] {
    return this.able.filter((one) => !hasFree(one) && !this.#toldFull.has(one));
  }

  /** Waits until no claim that began before this call is in flight, nor on its way back. */
  async settled(): Promise<void> {
    await this.#claiming;
  }

  /** Hands out nothing more and waits for what is in flight. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#alarm);
    await this.#running;
  }

  /** Hands out what can be handed out: slots got free, jobs ready, or a limit let go. */
  pump(): void {
    if (this.#stopped) return;
    this.#again = true;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      if (this.#again) this.pump();
      this.#clear();
    });
  }

  #clear(): void {
    if (this.#claimants.length > 0 || this.#running !== undefined) return;
    clearTimeout(this.#alarm);
    this.#onIdle();
  }

  async #run(): Promise<void> {
    while (this.#again && !this.#stopped) {
      this.#again = false;
      try {
        while (!this.#stopped && (await this.#claimForNext())) {
          // Until nobody wants anything or nothing is there.
        }
      } catch (error) {
        this.#ports.onError(error);
        this.#turns.rests(this.tenant);
        const pauseMs = error instanceof LedgerUnavailable ? error.retryAfterMs : OUTAGE_PAUSE_MS;
        await new Promise((resolve) => setTimeout(resolve, Math.min(pauseMs, OUTAGE_PAUSE_MS)));
        this.#again = this.#claimants.length > 0;
      } finally {
        this.#turns.rests(this.tenant);
      }
    }
  }

  async #claimForNext(): Promise<boolean> {
    await this.#ports.gates.known(this.tenant);
    // What holds a lane back does so for everybody: it is found out once, not for each in line.
    const held = new Map<string, BlockedLane>();
    const blocked = new Map<Claimant, Set<BlockedLane>>();
    for (const claimant of this.#claimants) {
      const own = new Set<BlockedLane>();
      blocked.set(claimant, own);
      if (this.#isOut(claimant)) continue;
      for (const [index, pool] of this.#poolsOf(claimant)) {
        const trying = this.#claimForPool(claimant, pool, held, own);
        this.#claiming = trying.catch(() => {});
        if ((await trying) === 0) continue;
        this.#firstPool.set(claimant, index + 1);
        const turn = this.#claimants.indexOf(claimant);
        if (turn >= 0) this.#claimants.push(...this.#claimants.splice(turn, 1));
        return true;
      }
    }
    this.#rest(blocked, held);
    return false;
  }

  /** Tries lanes until one gives something or none is left; answers how many jobs that were. */
  async #claimForPool(
    claimant: Claimant,
    pool: ClaimantPool,
    held: Map<string, BlockedLane>,
    own: Set<BlockedLane>,
  ): Promise<number> {
    const { queue, gates } = this.#ports;
    let got = 0;
    let candidates: readonly Candidate[] | undefined;
    while (got === 0 && pool.free() > 0) {
      candidates ??= queue.candidates(this.tenant, pool, performance.now());
      const open = candidates.filter(({ lane }) => !held.has(laneKey(lane)));
      for (const { lane } of held.size === 0 ? [] : candidates) {
        const known = held.get(laneKey(lane));
        if (known !== undefined) own.add(known);
      }
      if (open.length === 0) break;
      const limit = claimSize(pool.free());
      const plan = await gates.plan(this.tenant, open, limit);
      got = await this.#inTurn(() => this.#claim(claimant, pool, plan, limit));
      candidates = plan.passedOver();
      const again = new Set(candidates.map(({ lane }) => laneKey(lane)));
      for (const one of plan.blocked()) {
        const key = laneKey(one.lane);
        if (again.has(key)) continue;
        held.set(key, one);
        own.add(one);
      }
    }
    return got;
  }

  /** A claimant's pools with their positions, beginning with the one whose turn it is. */
  #poolsOf(claimant: Claimant): [number, ClaimantPool][] {
    const { pools } = claimant;
    const first = this.#firstPool.get(claimant) ?? 0;
    return pools.map((_, offset) => {
      const index = (first + offset) % pools.length;
      return [index, pools[index] as ClaimantPool];
    });
  }

  /** Nothing more can go: tells who waits why, and looks again when a limit may have let go. */
  #rest(
    blocked: ReadonlyMap<Claimant, ReadonlySet<BlockedLane>>,
    held: ReadonlyMap<string, BlockedLane>,
  ): void {
    this.#blocked = [...held.values()];
    this.#someOut = this.able.length < this.#claimants.length;
    for (const claimant of this.#claimants) {
      if (!this.#lookedFor.has(claimant)) continue;
      if (!hasFree(claimant)) continue;
      this.#toldFull.delete(claimant);
      // Whoever is taken out is not told; but a claim that does not wait has its answer.
      if (claimant.sessionId !== undefined && this.#isOut(claimant)) continue;
      claimant.idle(Array.from(blocked.get(claimant) ?? [], ({ by }) => by));
    }
    clearTimeout(this.#alarm);
    const moments = this.#blocked.flatMap(({ by }) =>
      "untilMs" in by && by.untilMs !== undefined ? [by.untilMs] : [],
    );
    if (moments.length === 0) return;
    const waitMs = Math.max(MIN_WAKE_MS, Math.min(...moments) - Date.now());
    // Longer waits are found by the look at the ledger, which comes every second.
    if (waitMs < 1_000) this.#alarm = setTimeout(() => this.pump(), waitMs);
  }

  async #inTurn(claim: () => Promise<number>): Promise<number> {
    const leave = await this.#turns.enter(this.tenant, this.#ports.gates.weight(this.tenant));
    let jobs = 0;
    try {
      jobs = await claim();
      return jobs;
    } finally {
      leave(jobs);
    }
  }

  async #claim(
    claimant: Claimant,
    pool: ClaimantPool,
    plan: FlowPlan,
    limit: number,
  ): Promise<number> {
    const { queue, policies } = this.#ports;
    // Who takes only small payloads leaves others behind, so what is remembered is not for it.
    const whole = claimant.maxPayloadBytes < policies.base.maxPayloadBytes;
    let located: readonly ClaimRange[] = [];
    let answer: ClaimAnswer | undefined;
    try {
      answer = await this.#ports.claim({
        tenant: this.tenant,
        workerId: claimant.workerId,
        sessionId: claimant.sessionId,
        limit,
        maxPayloadBytes: claimant.maxPayloadBytes,
        offerDeadlineMs: policies.base.offerAcceptDeadlineMs,
        requestId: claimant.claimRequestId,
        active: claimant.leaseAtOnce,
        exact: plan.exact,
        choose: async (usage) => {
          if (located.length > 0) queue.claimed(located, [], false);
          const ranges = await this.#choose(plan, usage, whole);
          located = ranges.map(({ range }) => range);
          return ranges.map(({ range, rank }) => ({
            ...range,
            rank,
            ttlMs: policies.for(range.lane.jobType).leaseTtlMs,
            deadlineMs: policies.for(range.lane.jobType).attemptDeadlineMs,
          }));
        },
      });
    } finally {
      const taken = answer === undefined || answer.repeated ? [] : answer.claimed;
      plan.settle(taken.map(({ lane }) => lane));
      const exhausted = answer !== undefined && !answer.repeated && answer.exhausted;
      if (!whole && queue.claimed(located, taken, exhausted)) this.#again = true;
    }
    return this.#deliver(claimant, pool, answer);
  }

  async #choose(plan: FlowPlan, usage: Usage | undefined, whole: boolean) {
    const asks = plan.allot(usage);
    const ranks = new Map(asks.map(({ lane, rank }) => [lane, rank]));
    const ranges = await this.#ports.queue.locate(asks, whole);
    return ranges.map((range) => ({ range, rank: ranks.get(range.lane) ?? 0 }));
  }

  async #deliver(
    claimant: Claimant,
    pool: ClaimantPool,
    { claimed, repeated }: ClaimAnswer,
  ): Promise<number> {
    const offers = claimed.map(({ offer }) => offer);
    if (offers.length === 0 && !repeated) return 0;
    if (!claimant.deliver(pool.name, offers, repeated)) {
      // Offers that it fails for come back when their deadline is over.
      await this.#ports.giveBack(offers.map((offer) => offer.lease));
    }
    return Math.max(1, offers.length);
  }
}

const hasFree = ({ pools }: Claimant): boolean => pools.some((pool) => pool.free() > 0);

const takes =
  ({ queue, jobType }: Lane) =>
  ({ queues, jobTypes }: ClaimantPool): boolean =>
    queues.has(queue) && jobTypes.has(jobType);

/** Lanes by what pools tell apart: there may be thousands that differ in their sources only. */
const alike = (lanes: readonly Lane[]): [Lane, ...Lane[]][] => [
  ...(Map.groupBy(lanes, ({ queue, jobType }) => `${queue}\0${jobType}`).values() as Iterable<
    [Lane, ...Lane[]]
  >),
];
