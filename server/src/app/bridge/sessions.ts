import type { LeaseRef } from "../../domain/lease.ts";
import type { LeasePolicy } from "../../domain/lease-policy.ts";
import { newId } from "../../lib/ids.ts";
import type { Notice, NoticeBoard } from "../notices.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { LeaseWritePorts } from "./lease-writes.ts";
import { Session, type SessionPorts } from "./session.ts";
import type { Hello, ServerFrame, SessionEnd, Verdict } from "./session-frames.ts";

/** A session that is opening, as the ledger writes it down. */
export interface SessionRow {
  readonly tenant: string;
  readonly workerId: string;
  readonly sessionId: string;
  readonly instanceId: string;
  readonly sdk: string;
  readonly host: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** What keeping sessions needs. */
export interface SessionsPorts {
  readonly session: Omit<SessionPorts, "pump" | "settled">;
  readonly dispatcher: Dispatcher;
  readonly board: NoticeBoard;
  readonly policy: LeasePolicy;
  /** Makes a session the newest one of its worker; answers the id of the one before, if any. */
  readonly openRow: (row: SessionRow) => Promise<string | undefined>;
  readonly closeRow: (row: SessionRow) => Promise<void>;
  /** Finds what a worker held over an earlier session and does not name any more. */
  readonly findUnnamed: (
    tenant: string,
    workerId: string,
    sessionId: string,
    named: readonly string[],
  ) => Promise<readonly { readonly lease: LeaseRef; readonly state: "offered" | "running" }[]>;
  readonly giveBack: LeaseWritePorts["giveBack"];
  readonly end: LeaseWritePorts["end"];
  readonly random: () => number;
  readonly onError: (error: unknown) => void;
}

/** The transport's side of a session. */
export interface Wire {
  readonly send: (frame: ServerFrame) => void;
  /** Called once, when the session has ended for a reason of its own. */
  readonly onEnd: (end: SessionEnd) => void;
}

/** A session and its clocks. */
interface Link {
  readonly session: Session;
  readonly row: SessionRow;
  readonly wire: Wire;
  lastHeardAt: number;
  lastSentAt: number;
  /** When its Goaway for age is due, and when it ends. */
  readonly goawayAt: number;
  readonly endAt: number;
  goneAway: boolean;
}

/** How often the clocks of all sessions are looked at, in milliseconds. */
const CLOCK_INTERVAL_MS = 500;

/** ±10 % on a stream's age, so that streams that opened together do not end together. */
const AGE_JITTER = 0.1;

/** Superseded sessions that are remembered in case they are about to open. */
const MAX_REMEMBERED = 1_000;

/** The sessions of this replica. */
export class Sessions {
  readonly #ports: SessionsPorts;
  readonly #links = new Map<string, Link>();
  /** By session: the instance that took its place. */
  readonly #supersededEarly = new Map<string, string>();
  readonly #unsubscribe: () => void;
  #timer: NodeJS.Timeout | undefined;
  #nonce = 0n;

  constructor(ports: SessionsPorts) {
    this.#ports = ports;
    this.#unsubscribe = ports.board.subscribe((notice) => this.#heed(notice));
  }

  /** How many sessions are open. */
  get count(): number {
    return this.#links.size;
  }

  /** Slots of all sessions: those that hold a job, and the others. */
  slots(): { readonly free: number; readonly busy: number } {
    let free = 0;
    let busy = 0;
    for (const { session } of this.#links.values()) {
      const { slots, held } = session.capacity;
      // Credit may have been cut below what is held.
      free += Math.max(0, slots - held);
      busy += held;
    }
    return { free, busy };
  }

  /** Starts the clocks. */
  start(): void {
    this.#timer = setInterval(() => this.#tick(performance.now()), CLOCK_INTERVAL_MS);
  }

  /**
   * Opens a session: ends the worker's earlier one, takes over the leases that it names and takes
   * back those that it does not.
   */
  async open(tenant: string, hello: Hello, wire: Wire): Promise<Session> {
    const { dispatcher, policy } = this.#ports;
    const sessionId = newId();
    const row = { tenant, sessionId, ...hello };
    await this.#takePlaceOf(await this.#ports.openRow(row), row.instanceId);
    const link = this.#link(row, hello, wire);
    const { session } = link;
    try {
      link.wire.send({ kind: "welcome", sessionId, policy });
      const verdicts = await this.#resume(session, hello.heldLeases);
      if (verdicts.length > 0) link.wire.send({ kind: "verdicts", verdicts });
      const kept = verdicts.filter(
        ({ verdict }) => verdict === "renewed" || verdict === "cancelled",
      );
      await this.#takeBackUnnamed(
        session,
        kept.map(({ lease }) => lease.jobId),
      );
    } catch (error) {
      await this.close(session, { kind: "failed", error });
      throw error;
    }
    dispatcher.register(session);
    const by = this.#supersededEarly.get(session.sessionId);
    if (by !== undefined) this.#supersede(link, by);
    this.#supersededEarly.delete(session.sessionId);
    return session;
  }

  /** Notes a sign of life of the worker. */
  heard(session: Session): void {
    const link = this.#links.get(session.sessionId);
    if (link !== undefined) link.lastHeardAt = performance.now();
  }

  /** Puts a session away: offers that nobody accepted go back, leases stay. */
  async close(session: Session, end: SessionEnd): Promise<void> {
    const link = this.#links.get(session.sessionId);
    if (link === undefined) return;
    session.end(end);
    this.#links.delete(session.sessionId);
    await this.#ports.dispatcher.unregister(session);
    await session.finish();
    const leases = session.held.unaccepted();
    try {
      if (leases.length > 0) {
        const reason = "the session ended";
        await this.#ports.giveBack({ leases, actor: "server", reason, onlyOffered: true });
      }
      await this.#ports.closeRow(link.row);
    } catch (error) {
      this.#ports.onError(error); // the reaper takes back what is left
    }
  }

  /** Sends every session away and waits for them to go, `graceMs` at most. */
  async stop(graceMs: number): Promise<void> {
    clearInterval(this.#timer);
    this.#unsubscribe();
    for (const { session } of this.#links.values()) session.goaway("shutdown", graceMs);
    const deadline = performance.now() + graceMs;
    while (this.#links.size > 0 && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    for (const { session } of this.#links.values()) session.end({ kind: "shutdown" });
  }

  #link(row: SessionRow, hello: Hello, wire: Wire): Link {
    const { dispatcher, policy, random } = this.#ports;
    const now = performance.now();
    const ageMs = policy.streamMaxAgeMs * (1 + AGE_JITTER * (2 * random() - 1));
    const sending: Wire = {
      send: (frame) => {
        link.lastSentAt = performance.now();
        wire.send(frame);
      },
      onEnd: wire.onEnd,
    };
    const session = new Session(
      {
        ...this.#ports.session,
        pump: (tenant) => dispatcher.pump(tenant),
        settled: (tenant) => dispatcher.settled(tenant),
      },
      row,
      hello,
      sending,
    );
    const link: Link = {
      session,
      row,
      wire: sending,
      lastHeardAt: now,
      lastSentAt: now,
      goawayAt: now + ageMs - policy.goawayNoticeMs,
      endAt: now + ageMs,
      goneAway: false,
    };
    this.#links.set(row.sessionId, link);
    return link;
  }

  async #takePlaceOf(previous: string | undefined, instanceId: string): Promise<void> {
    if (previous === undefined) return;
    const link = this.#links.get(previous);
    if (link === undefined) {
      this.#ports.board.publish({ kind: "superseded", sessionId: previous, instanceId });
      return;
    }
    this.#supersede(link, instanceId);
    // What the old stream had begun comes first, so that nothing of it is taken for unnamed.
    await link.session.finish();
  }

  /** A session may be superseded before it is open here: between its row and its first frame. */
  #remember(sessionId: string, instanceId: string): void {
    this.#supersededEarly.set(sessionId, instanceId);
    const [oldest] = this.#supersededEarly.keys();
    if (this.#supersededEarly.size > MAX_REMEMBERED && oldest !== undefined) {
      this.#supersededEarly.delete(oldest);
    }
  }

  /**
   * Ends a session whose place was taken. An instance does not send itself away: it opened another
   * stream, or a Hello that it had given up long ago was read only now, out of the socket of a
   * replica that was frozen.
   */
  #supersede(link: Link, instanceId: string): void {
    if (link.session.instanceId === instanceId) {
      link.session.end({ kind: "replaced" });
      return;
    }
    link.session.goaway("superseded", 0);
    link.session.end({ kind: "superseded" });
  }

  async #resume(session: Session, leases: readonly LeaseRef[]): Promise<Verdict[]> {
    if (leases.length === 0) return [];
    const answers = await this.#ports.session.writes.renew(
      leases.map((lease) => ({ lease, sessionId: session.sessionId })),
    );
    return leases.map((lease, index) => {
      const { verdict = "unknown", jobType, attemptLeftMs } = answers[index] ?? {};
      if (jobType !== undefined) {
        const pool = session.pools.find((one) => one.jobTypes.has(jobType)) ?? session.pools[0];
        session.held.resume(pool?.name ?? "", lease);
      }
      return { lease, verdict, attemptLeftMs };
    });
  }

  /** What the worker does not hold, or names under a fence that is not the current one. */
  async #takeBackUnnamed(session: Session, keptJobIds: readonly string[]): Promise<void> {
    const { tenant, workerId, sessionId } = session;
    const unnamed = await this.#ports.findUnnamed(tenant, workerId, sessionId, keptJobIds);
    const leasesIn = (state: "offered" | "running") =>
      unnamed.filter((one) => one.state === state).map((one) => one.lease);
    const offered = leasesIn("offered");
    if (offered.length > 0) {
      const reason = "the worker reconnected without it";
      await this.#ports.giveBack({ leases: offered, actor: "server", reason, onlyOffered: true });
    }
    const running = leasesIn("running");
    if (running.length === 0) return;
    const message = "the worker came back without it";
    const cause = { kind: "interrupted", failureClass: "lease_expired", message } as const;
    await this.#ports.end(
      running.map((lease) => ({ lease, cause, completionId: undefined, actor: "server" })),
    );
  }

  #heed(notice: Notice): void {
    if (notice.kind === "superseded") {
      const link = this.#links.get(notice.sessionId);
      if (link !== undefined) this.#supersede(link, notice.instanceId);
      else this.#remember(notice.sessionId, notice.instanceId);
    }
    if (notice.kind !== "stop") return;
    for (const { session } of this.#links.values()) {
      if (session.tenant !== notice.tenant) continue;
      session.stopAttempt(notice.jobId, notice.leaseEpoch, notice.reason, notice.graceMs);
    }
  }

  #tick(now: number): void {
    const { policy } = this.#ports;
    for (const link of this.#links.values()) {
      const silentMs = now - link.lastHeardAt;
      if (silentMs > 2 * policy.renewIntervalMs) {
        link.session.end({ kind: "silent", silentMs });
      } else if (now >= link.endAt) {
        link.session.end({ kind: "max_age" });
      } else if (now >= link.goawayAt && !link.goneAway) {
        link.goneAway = true;
        link.session.goaway("max_age", link.endAt - now);
      } else if (now - link.lastSentAt >= policy.renewIntervalMs) {
        link.wire.send({ kind: "ping", nonce: ++this.#nonce });
      }
    }
  }
}
