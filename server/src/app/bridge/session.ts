import { type Blocked, sameBlock } from "../../domain/flow/blocked.ts";
import type { LeaseRef } from "../../domain/lease.ts";
import type { LeasePolicy } from "../../domain/lease-policy.ts";
import type { Offer } from "../../domain/offer.ts";
import { LedgerUnavailable } from "../ledger-unavailable.ts";
import type { Claimant, ClaimantPool } from "./claimant.ts";
import { HeldLeases } from "./held-leases.ts";
import type { LeaseWrites } from "./lease-writes.ts";
import type {
  Hello,
  ServerFrame,
  SessionEnd,
  Verdict,
  WorkerFrame,
  WriteKind,
  WriteResult,
} from "./session-frames.ts";

/** What a session needs from the rest of the bridge. */
export interface SessionPorts {
  readonly writes: LeaseWrites;
  readonly policy: LeasePolicy;
  /** Hands out more: slots got free. */
  readonly pump: (tenant: string) => void;
  /** Waits until no claim that could still deliver is in flight. */
  readonly settled: (tenant: string) => Promise<void>;
  /** Told about throttled upstreams. */
  readonly throttled: (
    session: Session,
    resourceKey: string,
    retryAfterMs: number | undefined,
    remaining: number | undefined,
  ) => void;
}

/** How long a write waits before it is tried again while the ledger is away, in milliseconds. */
const RETRY_PAUSE_MS = 250;

/** The most reasons that a hint names. */
const MAX_HINTED = 16;

/**
 * One worker's stream, without its transport: takes the worker's frames, keeps count of what it
 * holds, and sends frames through `send`. Its leases outlive it.
 */
export class Session implements Claimant {
  readonly tenant: string;
  readonly workerId: string;
  readonly host: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly sessionId: string;
  readonly instanceId: string;
  readonly pools: readonly ClaimantPool[];
  readonly maxPayloadBytes: number;
  readonly claimRequestId = undefined;
  readonly leaseAtOnce: boolean;
  readonly held = new HeldLeases();
  readonly #ports: SessionPorts;
  readonly #send: (frame: ServerFrame) => void;
  readonly #slots: Map<string, number>;
  readonly #working = new Set<Promise<void>>();
  #progress: Promise<unknown> = Promise.resolve();
  #accepting = true;
  /** What the worker was told that it waits for; undefined: nothing yet. */
  #hinted: readonly Blocked[] | undefined;
  #end: SessionEnd | undefined;
  readonly #onEnd: (end: SessionEnd) => void;

  constructor(
    ports: SessionPorts,
    identity: { readonly tenant: string; readonly sessionId: string },
    hello: Hello,
    wire: {
      readonly send: (frame: ServerFrame) => void;
      readonly onEnd: (end: SessionEnd) => void;
    },
  ) {
    this.#ports = ports;
    this.tenant = identity.tenant;
    this.sessionId = identity.sessionId;
    this.workerId = hello.workerId;
    this.host = hello.host;
    this.labels = hello.labels;
    this.instanceId = hello.instanceId;
    this.maxPayloadBytes = hello.maxPayloadBytes;
    this.leaseAtOnce = hello.leaseAtOnce;
    this.#slots = new Map(hello.pools.map((pool) => [pool.name, pool.slots]));
    this.pools = hello.pools.map((pool) => ({
      name: pool.name,
      queues: new Set(pool.queues),
      jobTypes: new Set(pool.jobTypes),
      free: () => this.#free(pool.name),
    }));
    this.#send = wire.send;
    this.#onEnd = wire.onEnd;
  }

  /** How many jobs its worker may hold, and how many it holds, over all pools. */
  get capacity(): { readonly slots: number; readonly held: number } {
    let slots = 0;
    let held = 0;
    for (const [pool, declared] of this.#slots) {
      slots += declared;
      held += this.held.count(pool);
    }
    return { slots, held };
  }

  /** Why it ended; undefined while it lives. */
  get ended(): SessionEnd | undefined {
    return this.#end;
  }

  deliver(pool: string, offers: readonly Offer[]): boolean {
    // Its credit may have been cut while the claim was in flight.
    if (offers.length > this.#free(pool)) return false;
    this.#hinted = undefined;
    this.held.offer(pool, offers, this.leaseAtOnce);
    this.#send({ kind: "offers", pool, offers, active: this.leaseAtOnce });
    return true;
  }

  idle(blocked: readonly Blocked[]): void {
    if (!this.#accepting) return;
    const reasons: Blocked[] = [];
    for (const one of blocked) {
      if (reasons.length === MAX_HINTED) break;
      if (!reasons.some((other) => sameBlock(one, other))) reasons.push(one);
    }
    const told = this.#hinted;
    // In whatever order: which lane comes first says nothing to the worker.
    if (
      told?.length === reasons.length &&
      told.every((one) => reasons.some((other) => sameBlock(one, other)))
    ) {
      return;
    }
    this.#hinted = reasons;
    this.#send({ kind: "hint", blocked: reasons, moreWorkersHelp: false });
  }

  full(): void {
    if (!this.#accepting) return;
    this.#hinted = undefined;
    this.#send({ kind: "hint", blocked: [], moreWorkersHelp: true });
  }

  /** Takes a frame. Resolves when its answer is on its way; frames may overlap. */
  take(frame: WorkerFrame): Promise<void> {
    const work = this.#take(frame).catch((error: unknown) => this.end({ kind: "failed", error }));
    this.#working.add(work);
    void work.finally(() => this.#working.delete(work));
    return work;
  }

  /** Asks for an attempt to stop, if this session's worker holds it. */
  stopAttempt(
    jobId: string,
    leaseEpoch: number,
    reason: "user" | "deadline" | "preempted",
    graceMs: number,
  ): void {
    if (!this.held.has(jobId, leaseEpoch)) return;
    this.#send({ kind: "cancels", cancels: [{ jobId, leaseEpoch, reason, graceMs }] });
  }

  /** Announces the end of the stream; no offer follows. */
  goaway(reason: "shutdown" | "max_age" | "superseded", finishByMs: number): void {
    if (this.#end !== undefined) return;
    this.#accepting = false;
    const reconnectWindowMs = Math.min(finishByMs, this.#ports.policy.reconnectMaxMs);
    this.#send({ kind: "goaway", reason, finishByMs, reconnectWindowMs });
  }

  /** Ends the session. The first reason counts. */
  end(reason: SessionEnd): void {
    if (this.#end !== undefined) return;
    this.#end = reason;
    this.#accepting = false;
    this.#onEnd(reason);
  }

  /** Waits for writes that were begun, so that nothing of this session happens after it. */
  async finish(): Promise<void> {
    await Promise.all(this.#working);
  }

  #free(pool: string): number {
    if (!this.#accepting) return 0;
    return (this.#slots.get(pool) ?? 0) - this.held.count(pool);
  }

  #take(frame: WorkerFrame): Promise<void> {
    switch (frame.kind) {
      case "credit":
        return this.#credit(frame.pools);
      case "accept":
        return this.#accept(frame.leases);
      case "heartbeat":
        return this.#heartbeat(frame.leases);
      case "progress": {
        // One after the other, so that an older checkpoint never comes last.
        const written = this.#progress.then(() =>
          this.#answer("progress", frame.writes, () => this.#ports.writes.progress(frame.writes)),
        );
        this.#progress = written.catch(() => {});
        return written;
      }
      case "complete":
        return this.#complete(frame.requests);
      case "fail":
        return this.#answer("fail", this.#letGo(frame.requests), () =>
          this.#ports.writes.end(frame.requests),
        );
      case "release":
        return this.#answer("release", this.#letGo(frame.requests), () =>
          this.#ports.writes.release(frame.requests),
        );
      case "throttle":
        this.#ports.throttled(this, frame.resourceKey, frame.retryAfterMs, frame.remaining);
        return Promise.resolve();
      case "drain":
        return this.#drain();
      case "ping":
        this.#send({ kind: "pong", nonce: frame.nonce });
        return Promise.resolve();
      case "pong":
        return Promise.resolve();
    }
  }

  async #complete(requests: Extract<WorkerFrame, { kind: "complete" }>["requests"]): Promise<void> {
    const pools = new Map(requests.map(({ lease }) => [lease, this.held.remove(lease)]));
    this.#ports.pump(this.tenant);
    await this.#answer("complete", requests, async () => {
      const verdicts = await this.#ports.writes.complete(requests);
      requests.forEach(({ lease }, index) => {
        const pool = pools.get(lease);
        const kind = verdicts[index]?.kind;
        // Rejected: the lease stands, so the worker still holds the job.
        const stands = kind === "artifact_not_found" || kind === "result_too_large";
        if (stands && pool !== undefined) this.held.resume(pool, lease);
      });
      return verdicts;
    });
  }

  async #credit(
    pools: readonly { readonly pool: string; readonly slots: number }[],
  ): Promise<void> {
    for (const { pool, slots } of pools) {
      if (!this.#slots.has(pool)) {
        const message = `there is no pool ${JSON.stringify(pool)} in this session's Hello`;
        this.end({ kind: "protocol", reason: "POOL_UNKNOWN", message });
        return;
      }
      this.#slots.set(pool, slots);
    }
    this.#ports.pump(this.tenant);
  }

  async #accept(leases: readonly LeaseRef[]): Promise<void> {
    const verdicts = await this.#untilAnswered(() => this.#ports.writes.accept(leases));
    const results = leases.map((lease, index): WriteResult => {
      const verdict = verdicts?.[index] ?? "stale_lease";
      if (verdict === "stale_lease") this.held.remove(lease);
      else this.held.accept(lease);
      return {
        kind: "accept",
        lease,
        completionId: undefined,
        verdict:
          verdict === "stale_lease"
            ? { kind: verdict, state: undefined }
            : { kind: verdict, state: "running" },
      };
    });
    if (verdicts === undefined) return;
    this.#send({ kind: "results", results });
    if (verdicts.includes("stale_lease")) this.#ports.pump(this.tenant);
  }

  async #heartbeat(leases: readonly LeaseRef[]): Promise<void> {
    if (leases.length === 0) {
      this.#send({ kind: "verdicts", verdicts: [] });
      return;
    }
    const verdicts = await this.renew(leases).catch((error: unknown) => {
      // The worker's next heartbeat comes soon, and no lease expires for an outage.
      if (error instanceof LedgerUnavailable) return undefined;
      throw error;
    });
    if (verdicts !== undefined) this.#send({ kind: "verdicts", verdicts });
  }

  /** Renews leases under this session; the ones that are gone no longer count. */
  async renew(leases: readonly LeaseRef[]): Promise<Verdict[]> {
    const answers = await this.#ports.writes.renew(
      leases.map((lease) => ({ lease, sessionId: this.sessionId })),
    );
    let freed = false;
    const verdicts = leases.map((lease, index) => {
      const { verdict = "unknown", attemptLeftMs } = answers[index] ?? {};
      if (verdict === "superseded" || verdict === "unknown") {
        freed = this.held.remove(lease) !== undefined || freed;
      }
      return { lease, verdict, attemptLeftMs };
    });
    if (freed) this.#ports.pump(this.tenant);
    return verdicts;
  }

  /** Who is done with a job has its slot back at once; the ledger's answer comes later. */
  #letGo<Item extends { readonly lease: LeaseRef }>(items: readonly Item[]): readonly Item[] {
    for (const { lease } of items) this.held.remove(lease);
    this.#ports.pump(this.tenant);
    return items;
  }

  async #answer(
    kind: WriteKind,
    items: readonly { readonly lease: LeaseRef; readonly completionId?: string | undefined }[],
    write: () => Promise<readonly WriteResult["verdict"][]>,
  ): Promise<void> {
    // Frames overlap, but a checkpoint must not be overtaken by the end of its attempt.
    if (kind !== "progress") await this.#progress;
    const verdicts = await this.#untilAnswered(write);
    if (verdicts === undefined) return;
    const results = items.map(({ lease, completionId }, index) => ({
      kind,
      lease,
      completionId,
      verdict: verdicts[index] as WriteResult["verdict"],
    }));
    this.#send({ kind: "results", results });
  }

  /** Tries again while the ledger is away; undefined if the session ended meanwhile. */
  async #untilAnswered<T>(write: () => Promise<T>): Promise<T | undefined> {
    while (this.#end === undefined) {
      try {
        return await write();
      } catch (error) {
        if (!(error instanceof LedgerUnavailable)) throw error;
        await new Promise((resolve) => setTimeout(resolve, RETRY_PAUSE_MS));
      }
    }
    return undefined;
  }

  async #drain(): Promise<void> {
    this.#accepting = false;
    // A claim in flight was made before the barrier; its offers go back, because deliver refuses.
    await this.#ports.settled(this.tenant);
    this.#send({ kind: "drain_ack" });
  }
}
