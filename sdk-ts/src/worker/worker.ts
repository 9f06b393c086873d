import { hostname } from "node:os";
import { create } from "@bufbuild/protobuf";
import { v4 } from "uuid";
import { type ConnectionOptions, type Endpoint, resolveEndpoint } from "../client/connection.ts";
import { contractClocks, type LeaseClocks } from "../contract/lease-policy.ts";
import { limits, truncate } from "../contract/limits.ts";
import {
  HelloSchema,
  type Hint,
  type ServerFrame,
} from "../gen/stellaops/orchestrator/v1/task_runner_pb.ts";
import { Orchestrator } from "../orchestrator.ts";
import type { TraceContext } from "../trace-context.ts";
import { sdkName } from "../version.ts";
import { Agent } from "./agent.ts";
import { Condition } from "./condition.ts";
import { drain } from "./drain.ts";
import type { Handler } from "./job-runner.ts";
import { type Logger, stderrLogger } from "./logger.ts";
import { type PoolOptions, type PoolPlan, planPools } from "./pools.ts";
import { Session } from "./session.ts";
import { SessionKeeper } from "./session-keeper.ts";
import { onStopSignals } from "./signals.ts";

/** How a {@link Worker} behaves. */
export interface WorkerOptions extends ConnectionOptions {
  /** A handler per job type. */
  readonly handlers: Readonly<Record<string, Handler>>;
  /** How many jobs run at once; 8 unless told. Not used when `pools` is given. */
  readonly concurrency?: number;
  /** The queues to take from; "default" unless told. Not used when `pools` is given. */
  readonly queues?: readonly string[];
  /** Separate slots for separate job types, by name. */
  readonly pools?: Readonly<Record<string, PoolOptions>>;
  /** Which worker this is, for people; the host's name and the process id unless told. */
  readonly workerId?: string;
  /**
   * The machine that it runs on, which an operator can take out as a whole; its host name unless
   * told, empty for none.
   */
  readonly host?: string;
  /** For people, up to 32. */
  readonly labels?: Readonly<Record<string, string>>;
  /**
   * Whether jobs come with an active lease instead of an offer: handlers begin one commit and one
   * round trip earlier, and a job that is lost on its way here counts as interrupted. For many
   * short jobs. False unless told.
   */
  readonly leaseAtOnce?: boolean;
  /** How long a drain lets jobs run on, in milliseconds; the lease policy's unless told. */
  readonly drainGraceMs?: number;
  /** The trace context of `job.orchestrator`; the job's own unless told. */
  readonly traceContext?: () => TraceContext | undefined;
  /** Where log lines go: pino fits; JSON lines on stderr unless told. */
  readonly logger?: Logger;
}

/** How {@link Worker.run} behaves. */
export interface RunOptions {
  /** Drains when it aborts. */
  readonly signal?: AbortSignal;
  /** Whether SIGTERM and SIGINT drain, and a second one ends the process; true unless told. */
  readonly handleSignals?: boolean;
}

/** The contract's pattern of a worker id, for names that hosts may have. */
const defaultWorkerId = (): string =>
  `${
    hostname()
      .replace(/[^A-Za-z0-9._-]/g, "-")
      .replace(/^[^A-Za-z0-9]+/, "") || "worker"
  }:${process.pid}`;

/**
 * Runs handlers for jobs: claims, renews, reports, reconnects, drains.
 *
 * It holds one stream and never gives it up for good: whatever happens to the server or the
 * network, it reconnects for ever, handlers run on meanwhile, and what they produce is resent
 * until it is answered.
 */
export class Worker {
  readonly #options: WorkerOptions;
  readonly #endpoint: Endpoint;
  readonly #pools: readonly PoolPlan[];
  readonly #workerId: string;
  /** New for every Worker object: an old process's leases are interrupted by it. */
  readonly #instanceId = v4();
  readonly #logger: Logger;
  readonly #condition = new Condition();
  readonly #agent: Agent;
  readonly #keeper: SessionKeeper;
  readonly #orchestrator: Orchestrator;
  #clocks: LeaseClocks = contractClocks;
  #drainReason: string | undefined;
  #isDrainAcknowledged = false;
  #hasRun = false;
  /** What the server was told last about each pool's slots. */
  #credit = new Map<string, number>();
  /** How many handlers of lost leases that counted. */
  #lingering = 0;

  /** Throws a TypeError or RangeError for settings that cannot work. */
  constructor(options: WorkerOptions) {
    const { concurrency = 8, queues, pools } = options;
    const jobTypes = Object.keys(options.handlers);
    this.#options = options;
    this.#endpoint = resolveEndpoint(options);
    this.#pools = planPools({ concurrency, queues, pools, jobTypes });
    this.#workerId = options.workerId ?? defaultWorkerId();
    this.#logger = options.logger ?? stderrLogger();
    const { traceContext } = options;
    this.#orchestrator = new Orchestrator({
      ...this.#endpoint,
      ...(traceContext && { traceContext }),
    });
    this.#agent = new Agent({
      handlers: new Map(Object.entries(options.handlers)),
      orchestrator: this.#orchestrator,
      logger: this.#logger,
      clocks: () => this.#clocks,
      changed: () => this.#changed(),
    });
    this.#keeper = new SessionKeeper({
      open: () => this.#open(),
      onUp: (session) => this.#onUp(session),
      onDown: this.#condition.changed,
      clocks: () => this.#clocks,
      logger: this.#logger,
    });
  }

  /** Which worker this is. */
  get workerId(): string {
    return this.#workerId;
  }

  /**
   * Works until it is told to stop, then drains; resolves after the drain. Rejects with an
   * OrchestratorError when working is pointless: SESSION_SUPERSEDED (a newer instance of the
   * same worker id runs), or the server refuses the very first Hello. Can be called once.
   */
  async run(options: RunOptions = {}): Promise<void> {
    if (this.#hasRun) throw new TypeError("a Worker runs once: make a new one");
    this.#hasRun = true;
    const stop = Promise.withResolvers<string>();
    const onAbort = () => stop.resolve("stopped by its process");
    const offSignals =
      options.handleSignals === false ? undefined : onStopSignals((name) => stop.resolve(name));
    if (options.signal?.aborted) onAbort();
    options.signal?.addEventListener("abort", onAbort, { once: true });
    try {
      const working = this.#keeper.run();
      const reason = await Promise.race([stop.promise, working.then(() => "closed")]);
      // What goes wrong with the session from here on is part of the drain.
      working.catch(() => this.#agent.loseAll());
      await this.#drain(reason);
    } finally {
      await this.#abandon();
      offSignals?.();
      options.signal?.removeEventListener("abort", onAbort);
      await this.#keeper.stop(this.#clocks.reconnectMinMs * 4);
      await this.#orchestrator.close();
    }
  }

  async #drain(reason: string): Promise<void> {
    const graceMs = this.#options.drainGraceMs ?? this.#clocks.drainGraceMs;
    const agent = this.#agent;
    this.#logger.info({ reason, graceMs, held: agent.leases.size }, "draining");
    await drain(
      {
        announce: (why) => this.#announceDrain(why),
        isAcknowledged: () => this.#isDrainAcknowledged,
        isConnected: () => this.#keeper.current !== undefined,
        running: () => agent.leases.count("offered", "running", "stopping", "lingering"),
        isIdle: () => agent.isIdle,
        stopAll: (ms) => agent.stopAll(ms),
        giveUpAll: () => agent.giveUpAll(),
        until: (holds, timeoutMs) => this.#condition.until(holds, timeoutMs),
      },
      reason,
      graceMs,
    );
    this.#logger.info({ unanswered: agent.outbox.unanswered }, "drained");
  }

  /** Stops what a drain left, or what runs when another instance took over. */
  async #abandon(): Promise<void> {
    const agent = this.#agent;
    agent.loseAll();
    const hasStopped = () => agent.leases.count("lingering") === 0;
    await this.#condition.until(hasStopped, this.#clocks.drainGraceMs / 10);
    agent.giveUpAll();
  }

  #announceDrain(reason: string): void {
    this.#drainReason = truncate(reason, limits.drainReasonBytes);
    this.#agent.stopAccepting();
    this.#keeper.current?.writer.send({ case: "drain", value: { reason: this.#drainReason } });
  }

  #open(): Session {
    const slots = this.#slots();
    const pools = this.#pools.map((pool) => ({ ...pool, slots: slots.get(pool.name) ?? 0 }));
    return new Session({
      endpoint: this.#endpoint,
      clocks: this.#clocks,
      hello: create(HelloSchema, {
        workerId: this.#workerId,
        instanceId: this.#instanceId,
        pools,
        heldLeases: this.#agent.held(),
        sdk: sdkName,
        labels: { ...this.#options.labels },
        host: truncate(this.#options.host ?? hostname(), limits.hostBytes),
        leaseAtOnce: this.#options.leaseAtOnce ?? false,
      }),
      onFrame: (frame) => this.#onFrame(frame),
      onTick: () => this.#onTick(),
    });
  }

  #onUp(session: Session): void {
    this.#clocks = session.clocks;
    this.#credit = new Map(session.hello.pools.map(({ name, slots }) => [name, slots]));
    this.#lingering = 0;
    const { outbox } = this.#agent;
    outbox.resend(0);
    session.writer.pullFrom(() => outbox.take());
    if (this.#drainReason !== undefined) {
      session.writer.send({ case: "drain", value: { reason: this.#drainReason } });
    }
    this.#changed();
  }

  #onFrame(frame: ServerFrame["frame"]): void {
    if (frame.case === "drainAck") this.#isDrainAcknowledged = true;
    else if (frame.case === "hint") this.#onHint(frame.value);
    else this.#agent.take(frame);
    this.#changed();
  }

  #onHint({ readyJobs, blockedBy, moreWorkersHelp }: Hint): void {
    const isFull = moreWorkersHelp && blockedBy.length === 0;
    const causes = blockedBy.map(({ cause }) => cause.case);
    const text = isFull ? "all slots are taken and more jobs wait" : "idle";
    this.#logger.debug({ readyJobs, blockedBy: causes }, text);
  }

  /** Renews what is held; true if there was something to renew. */
  #onTick(): boolean {
    // Half an interval: what was sent just before a tick must not wait for two.
    this.#agent.outbox.resend(this.#clocks.renewIntervalMs / 2);
    const leases = this.#agent.renewable();
    if (leases.length === 0) return false;
    this.#keeper.current?.writer.send({ case: "heartbeat", value: { leases } });
    return this.#keeper.current !== undefined;
  }

  /** Slots per pool: none in a drain, and none for those that a lost lease's handler holds. */
  #slots(): Map<string, number> {
    const slots = new Map(this.#pools.map((pool) => [pool.name, pool.slots]));
    for (const { offer } of this.#agent.leases.in("lingering")) {
      slots.set(offer.pool, Math.max(0, (slots.get(offer.pool) ?? 0) - 1));
    }
    if (this.#drainReason !== undefined) for (const name of slots.keys()) slots.set(name, 0);
    return slots;
  }

  #changed(): void {
    this.#sendCredit();
    this.#keeper.current?.writer.poke();
    this.#condition.changed();
  }

  #sendCredit(): void {
    const session = this.#keeper?.current;
    if (session === undefined || this.#drainReason !== undefined) return;
    const lingering = this.#agent.leases.count("lingering");
    if (lingering === this.#lingering) return;
    this.#lingering = lingering;
    const slots = this.#slots();
    const pools = this.#pools
      .map(({ name }) => ({ pool: name, slots: slots.get(name) ?? 0 }))
      .filter(({ pool, slots: count }) => this.#credit.get(pool) !== count);
    if (pools.length === 0) return;
    this.#credit = slots;
    session.writer.send({ case: "credit", value: { pools } });
  }
}
