import type { Lane, ReadyLane } from "../../domain/offer.ts";
import { ClaimTurns } from "./claim-turns.ts";
import type { Claimant } from "./claimant.ts";
import { type DeskPorts, TenantDesk } from "./tenant-desk.ts";

/** What dispatching needs. */
export interface DispatchPorts extends DeskPorts {
  /** Looks which lanes of a tenant have work, some at a time, in the order of their keys. */
  readonly findLanes: (
    tenant: string,
    after: Lane | undefined,
  ) => Promise<{ readonly lanes: readonly ReadyLane[]; readonly last: boolean }>;
  /** How many claims of different tenants may be under way at once. */
  readonly claimsAtOnce: number;
}

/** How often lanes are looked for in the ledger, in milliseconds: the net under lost notices. */
const DISCOVERY_INTERVAL_MS = 1_000;

/** The most lanes of a tenant that a look at the ledger takes in; the rest is found later. */
const MAX_LANES = 10_000;

/**
 * Matches ready jobs with free slots: a desk for each tenant that somebody here works for. A
 * replica claims only for claimants that it holds, and tenants with a backlog share the claims
 * that may be under way by their weights.
 */
export class Dispatcher {
  readonly #ports: DispatchPorts;
  readonly #turns: ClaimTurns;
  readonly #desks = new Map<string, TenantDesk>();
  /** Tenants whose lanes are being looked for; true: somebody came meanwhile, so look again. */
  readonly #looking = new Map<string, boolean>();
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #arrivals = 0;

  constructor(ports: DispatchPorts) {
    this.#ports = ports;
    this.#turns = new ClaimTurns(ports.claimsAtOnce);
  }

  /** Starts looking for lanes that nobody told about. */
  start(): void {
    this.#timer = setInterval(() => {
      for (const desk of this.#desks.values()) void this.#discover(desk);
    }, DISCOVERY_INTERVAL_MS);
  }

  /** Hands out nothing more and waits for claims in flight. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await Promise.all(Array.from(this.#desks.values(), (desk) => desk.stop()));
  }

  /** The tenants that somebody here works for. */
  get tenants(): string[] {
    return [...this.#desks.keys()];
  }

  /** How many claimants came so far. */
  get arrivals(): number {
    return this.#arrivals;
  }

  /** Adds a claimant to the line. */
  register(claimant: Claimant): void {
    this.#arrivals += 1;
    const desk = this.#desk(claimant.tenant);
    desk.add(claimant);
    void this.#discover(desk);
  }

  /**
   * Takes a claimant out of the line and waits for a claim that is in flight for its tenant. It
   * must have no free slots any more: who wants none gets none.
   */
  async unregister(claimant: Claimant): Promise<void> {
    await this.#desks.get(claimant.tenant)?.remove(claimant);
  }

  /** As {@link TenantDesk.settled}, for a tenant. */
  async settled(tenant: string): Promise<void> {
    await this.#desks.get(tenant)?.settled();
  }

  /**
   * Jobs became ready.
   *
   * @param here they were committed by this replica.
   */
  ready(lanes: readonly ReadyLane[], here: boolean): void {
    const wanted = here ? lanes : lanes.filter(({ tenant }) => this.#desks.has(tenant));
    this.#ports.queue.ready(wanted, here);
    for (const tenant of new Set(wanted.map((lane) => lane.tenant))) this.pump(tenant);
  }

  /** Something changed that a limit may have waited for: a lease ended, or settings did. */
  changed(tenants: readonly string[]): void {
    for (const tenant of tenants) {
      const desk = this.#desks.get(tenant);
      if (desk?.limited) desk.pump();
    }
  }

  /** Everybody in line of a tenant on this replica who is not taken out. */
  able(tenant: string): readonly Claimant[] {
    return this.#desks.get(tenant)?.able ?? [];
  }

  /** How many claimants of a tenant take a job type from a queue, on this replica. */
  capable(tenant: string, queue: string, jobType: string): number {
    return this.able(tenant).filter((claimant) =>
      claimant.pools.some((pool) => pool.queues.has(queue) && pool.jobTypes.has(jobType)),
    ).length;
  }

  /** Hands out what can be handed out to a tenant's claimants: slots got free, or jobs ready. */
  pump(tenant: string): void {
    this.#desks.get(tenant)?.pump();
  }

  async #discover(desk: TenantDesk): Promise<void> {
    if (!(desk.hungry || desk.crowded) || this.#stopped) return;
    const looking = this.#looking.has(desk.tenant);
    this.#looking.set(desk.tenant, looking);
    if (looking) return;
    const present = [...desk.claimants];
    const tell = desk.beforeLook();
    try {
      const lanes = await this.#lanesOf(desk.tenant);
      this.#ports.queue.discovered(desk.tenant, lanes);
      desk.lookedFor(present);
      desk.pump();
      await tell(lanes);
    } catch (error) {
      this.#ports.onError(error);
    } finally {
      const again = this.#looking.get(desk.tenant);
      this.#looking.delete(desk.tenant);
      if (again) void this.#discover(desk);
    }
  }

  async #lanesOf(tenant: string): Promise<ReadyLane[]> {
    const lanes: ReadyLane[] = [];
    let last = false;
    while (!last && lanes.length < MAX_LANES) {
      const found = await this.#ports.findLanes(tenant, lanes.at(-1));
      lanes.push(...found.lanes);
      last = found.last;
    }
    return lanes;
  }

  #desk(tenant: string): TenantDesk {
    let desk = this.#desks.get(tenant);
    if (desk === undefined) {
      const opened = new TenantDesk(tenant, this.#ports, this.#turns, () => {
        if (this.#desks.get(tenant) !== opened) return;
        this.#desks.delete(tenant);
        this.#ports.queue.forget(tenant);
      });
      desk = opened;
      this.#desks.set(tenant, desk);
      this.#ports.queue.attend(tenant);
    }
    return desk;
  }
}
