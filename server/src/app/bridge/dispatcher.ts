import type { LeaseRef } from "../../domain/lease.ts";
import type { LeasePolicies } from "../../domain/lease-policy.ts";
import type { Lane, Offer, ReadyLane } from "../../domain/offer.ts";
import { LedgerUnavailable } from "../ledger-unavailable.ts";
import type { Claimant, ClaimantPool } from "./claimant.ts";
import type { Candidate, ReadyQueue } from "./ready-queue.ts";

/** A lane to claim from: where to start, and the clocks of its job type in milliseconds. */
export interface ClaimLane extends Lane {
  readonly watermark: number;
  readonly ttlMs: number;
  readonly deadlineMs: number;
}

/** A claim for one worker. All lanes are of its tenant. */
export interface Claim {
  readonly tenant: string;
  readonly workerId: string;
  readonly sessionId: string | undefined;
  readonly lanes: readonly ClaimLane[];
  readonly limit: number;
  readonly maxPayloadBytes: number;
  /** How long offers wait for their accept, in milliseconds. */
  readonly offerDeadlineMs: number;
  /** Set: the leases are active at once and the claim can be repeated under this id. */
  readonly requestId: string | undefined;
}

/** What a claim answered. */
export interface ClaimAnswer {
  readonly claimed: readonly { readonly offer: Offer; readonly lane: Lane; readonly seq: number }[];
  /** Whether it saw the end of its lanes. */
  readonly exhausted: boolean;
  /** Whether these are leases of an earlier claim with the same request id. */
  readonly repeated: boolean;
}

/** What dispatching needs. */
export interface DispatchPorts {
  readonly queue: ReadyQueue;
  readonly policies: LeasePolicies;
  /** Hands out jobs in one transaction. */
  readonly claim: (claim: Claim) => Promise<ClaimAnswer>;
  /** Looks which lanes of a tenant have work. */
  readonly findLanes: (tenant: string) => Promise<readonly ReadyLane[]>;
  /** Gives back offers whose claimant went away meanwhile. */
  readonly giveBack: (leases: readonly LeaseRef[]) => void;
  /** Told about what went wrong; the dispatcher goes on. */
  readonly onError: (error: unknown) => void;
}

/** The most jobs of one claim; larger ones would make other claimants of a tenant wait. */
const MAX_CLAIM = 256;

/** How often lanes are looked for in the ledger, in milliseconds: the net under lost notices. */
const DISCOVERY_INTERVAL_MS = 1_000;

/** How long dispatch rests after the ledger failed, in milliseconds. */
const OUTAGE_PAUSE_MS = 250;

interface TenantDesk {
  readonly tenant: string;
  /** In the order of their turns: who got something goes to the end. */
  claimants: Claimant[];
  running: Promise<void> | undefined;
  again: boolean;
  /** The claim in flight. Not to be mixed up with `running`, which a busy tenant never ends. */
  claiming: Promise<unknown> | undefined;
}

/**
 * Matches ready jobs with free slots. One claim at a time for each tenant, for its claimants in
 * turn; streams and unary claims stand in the same line. A replica claims only for claimants that
 * it holds.
 */
export class Dispatcher {
  readonly #ports: DispatchPorts;
  readonly #desks = new Map<string, TenantDesk>();
  /** Claimants for whom the ledger was looked at; nobody else is told that nothing is there. */
  readonly #lookedFor = new WeakSet<Claimant>();
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(ports: DispatchPorts) {
    this.#ports = ports;
  }

  /** Starts looking for lanes that nobody told about. */
  start(): void {
    this.#timer = setInterval(() => void this.#discoverAll(), DISCOVERY_INTERVAL_MS);
  }

  /** Hands out nothing more and waits for claims in flight. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await Promise.all([...this.#desks.values()].map((desk) => desk.running));
  }

  /** Adds a claimant to the line. */
  register(claimant: Claimant): void {
    const desk = this.#desk(claimant.tenant);
    desk.claimants.push(claimant);
    void this.#discover(desk);
    this.pump(claimant.tenant);
  }

  /**
   * Takes a claimant out of the line and waits for a claim that is in flight for its tenant. It
   * must have no free slots any more: who wants none gets none.
   */
  async unregister(claimant: Claimant): Promise<void> {
    const desk = this.#desks.get(claimant.tenant);
    if (desk === undefined) return;
    desk.claimants = desk.claimants.filter((other) => other !== claimant);
    await desk.claiming;
    this.#clear(desk);
  }

  /** Waits until no claim that began before this call is in flight for the tenant. */
  async settled(tenant: string): Promise<void> {
    await this.#desks.get(tenant)?.claiming;
  }

  /** Jobs became ready. Those of tenants that nobody here works for are not remembered. */
  ready(lanes: readonly ReadyLane[]): void {
    const wanted = lanes.filter(({ tenant }) => this.#desks.has(tenant));
    this.#ports.queue.ready(wanted);
    for (const tenant of new Set(wanted.map((lane) => lane.tenant))) this.pump(tenant);
  }

  /** How many claimants of a tenant take a job type from a queue, on this replica. */
  capable(tenant: string, queue: string, jobType: string): number {
    const claimants = this.#desks.get(tenant)?.claimants ?? [];
    return claimants.filter((claimant) =>
      claimant.pools.some((pool) => pool.queues.has(queue) && pool.jobTypes.has(jobType)),
    ).length;
  }

  /** Hands out what can be handed out to a tenant's claimants: slots got free, or jobs ready. */
  pump(tenant: string): void {
    const desk = this.#desks.get(tenant);
    if (desk === undefined || this.#stopped) return;
    desk.again = true;
    desk.running ??= this.#run(desk).finally(() => {
      desk.running = undefined;
      if (desk.again) this.pump(tenant);
      this.#clear(desk);
    });
  }

  #clear(desk: TenantDesk): void {
    const idle = desk.claimants.length === 0 && desk.running === undefined;
    if (!idle || this.#desks.get(desk.tenant) !== desk) return;
    this.#desks.delete(desk.tenant);
    this.#ports.queue.forget(desk.tenant);
  }

  async #run(desk: TenantDesk): Promise<void> {
    while (desk.again && !this.#stopped) {
      desk.again = false;
      try {
        while (!this.#stopped && (await this.#claimForNext(desk))) {
          // Until nobody wants anything or nothing is there.
        }
      } catch (error) {
        this.#ports.onError(error);
        const pauseMs = error instanceof LedgerUnavailable ? error.retryAfterMs : OUTAGE_PAUSE_MS;
        await new Promise((resolve) => setTimeout(resolve, Math.min(pauseMs, OUTAGE_PAUSE_MS)));
        desk.again = desk.claimants.length > 0;
      }
    }
  }

  async #claimForNext(desk: TenantDesk): Promise<boolean> {
    for (const claimant of desk.claimants) {
      for (const pool of claimant.pools) {
        const free = pool.free();
        if (free <= 0) continue;
        const candidates = this.#ports.queue.candidates(desk.tenant, pool);
        if (candidates.length === 0) continue;
        const claim = this.#claim(claimant, pool, candidates, Math.min(free, MAX_CLAIM));
        desk.claiming = claim.catch(() => {});
        const got = await claim;
        if (got === 0) continue;
        const turn = desk.claimants.indexOf(claimant);
        if (turn >= 0) desk.claimants.push(...desk.claimants.splice(turn, 1));
        return true;
      }
    }
    for (const claimant of desk.claimants) {
      if (!this.#lookedFor.has(claimant)) continue;
      if (claimant.pools.some((pool) => pool.free() > 0)) claimant.idle();
    }
    return false;
  }

  async #claim(
    claimant: Claimant,
    pool: ClaimantPool,
    candidates: readonly Candidate[],
    limit: number,
  ): Promise<number> {
    const { queue, policies } = this.#ports;
    const { base } = policies;
    const restricted = claimant.maxPayloadBytes < base.maxPayloadBytes;
    const answer = await this.#ports.claim({
      tenant: claimant.tenant,
      workerId: claimant.workerId,
      sessionId: claimant.sessionId,
      lanes: candidates.map(({ lane, watermark }) => ({
        ...lane,
        // Who takes only small payloads leaves others behind, so the watermark is not for it.
        watermark: restricted ? 0 : watermark,
        ttlMs: policies.for(lane.jobType).leaseTtlMs,
        deadlineMs: policies.for(lane.jobType).attemptDeadlineMs,
      })),
      limit,
      maxPayloadBytes: claimant.maxPayloadBytes,
      offerDeadlineMs: base.offerAcceptDeadlineMs,
      requestId: claimant.claimRequestId,
    });
    const { claimed, exhausted, repeated } = answer;
    if (!restricted && !repeated) queue.claimed(candidates, claimed, exhausted);
    const offers = claimed.map(({ offer }) => offer);
    if (offers.length === 0 && !repeated) return 0;
    if (!claimant.deliver(pool.name, offers, repeated)) {
      this.#ports.giveBack(offers.map((offer) => offer.lease));
    }
    return Math.max(1, offers.length);
  }

  async #discoverAll(): Promise<void> {
    for (const desk of this.#desks.values()) await this.#discover(desk);
  }

  async #discover(desk: TenantDesk): Promise<void> {
    const hungry = desk.claimants.some((one) => one.pools.some((pool) => pool.free() > 0));
    if (!hungry || this.#stopped) return;
    const present = [...desk.claimants];
    try {
      this.#ports.queue.discovered(desk.tenant, await this.#ports.findLanes(desk.tenant));
      for (const claimant of present) this.#lookedFor.add(claimant);
      this.pump(desk.tenant);
    } catch (error) {
      this.#ports.onError(error);
    }
  }

  #desk(tenant: string): TenantDesk {
    let desk = this.#desks.get(tenant);
    if (desk === undefined) {
      desk = { tenant, claimants: [], running: undefined, again: false, claiming: undefined };
      this.#desks.set(tenant, desk);
    }
    return desk;
  }
}
