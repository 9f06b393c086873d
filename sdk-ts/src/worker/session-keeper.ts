import { durationMs } from "@bufbuild/protobuf/wkt";
import type { LeaseClocks } from "../contract/lease-policy.ts";
import { OrchestratorError } from "../errors.ts";
import {
  type Goaway,
  GoawayReason,
  type Welcome,
} from "../gen/stellaops/orchestrator/v1/task_runner_pb.ts";
import { backoffMs, pause } from "../retry.ts";
import type { Logger } from "./logger.ts";
import type { Session } from "./session.ts";

/** What the keeper needs from the worker. */
export interface KeeperPorts {
  /** Opens a stream that says Hello with what is held now. */
  readonly open: () => Session;
  /** A session is up: everything unanswered shall go through it. */
  readonly onUp: (session: Session, welcome: Welcome) => void;
  /** No session is up. */
  readonly onDown: () => void;
  /** The clocks in force. */
  readonly clocks: () => LeaseClocks;
  readonly logger: Logger;
}

/** Errors that a first connection cannot get over by trying again: the settings are wrong. */
const misconfigured: ReadonlySet<string> = new Set([
  "invalid_argument",
  "unauthenticated",
  "permission_denied",
]);

const superseded = (): OrchestratorError =>
  new OrchestratorError("a newer instance of this worker connected", {
    code: "aborted",
    reason: "SESSION_SUPERSEDED",
    isRetryable: false,
  });

/**
 * Keeps one session up, for ever: reconnects with full jitter after a loss, moves to a new
 * stream at a random moment of the window that a Goaway gives, and leaves the old stream open
 * until the new one is up.
 */
export class SessionKeeper {
  readonly #ports: KeeperPorts;
  readonly #stop = new AbortController();
  #current: Session | undefined;
  #wasUp = false;
  #tries = 0;

  constructor(ports: KeeperPorts) {
    this.#ports = ports;
  }

  /** The session that is up, if one is. */
  get current(): Session | undefined {
    return this.#current;
  }

  /**
   * Resolves after {@link stop}. Rejects when connecting again is pointless: a newer instance
   * took over, or the very first Hello was refused.
   */
  async run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const session = this.#ports.open();
      const abort = () => session.destroy();
      this.#stop.signal.addEventListener("abort", abort, { once: true });
      void session.ended.then(() => this.#stop.signal.removeEventListener("abort", abort));
      const welcome = await session.welcomed;
      const goaway = welcome && (await this.#whileUp(session, welcome));
      if (goaway === undefined) await this.#afterLoss(session);
      else await this.#afterGoaway(session, goaway);
    }
  }

  /** Closes the session in order, cutting it after `waitMs`, and ends {@link run}. */
  async stop(waitMs: number): Promise<void> {
    await this.#current?.close(waitMs);
    this.#stop.abort();
  }

  /** Resolves with the Goaway that ends a session's time, or undefined when it just ends. */
  async #whileUp(session: Session, welcome: Welcome): Promise<Goaway | undefined> {
    const previous = this.#current;
    this.#current = session;
    this.#wasUp = true;
    const { sessionId, serverId } = welcome;
    this.#ports.logger.info({ sessionId, serverId }, "session up");
    this.#ports.onUp(session, welcome);
    // The old stream's answers are welcome until the server ends it.
    void previous?.close(session.clocks.renewIntervalMs);
    return await Promise.race([session.goaway, session.ended.then(() => undefined)]);
  }

  async #afterGoaway(session: Session, goaway: Goaway): Promise<void> {
    if (goaway.reason === GoawayReason.SUPERSEDED) throw superseded();
    const windowMs = goaway.reconnectWindow ? durationMs(goaway.reconnectWindow) : 0;
    const delayMs = Math.random() * windowMs;
    this.#ports.logger.info({ reason: goaway.reason, delayMs }, "goaway: will reconnect");
    const isOver = session.ended.then(() => {
      if (this.#current !== session) return;
      this.#current = undefined;
      this.#ports.onDown();
    });
    await Promise.race([pause(delayMs, this.#stop.signal), isOver]);
    this.#tries = 0;
  }

  async #afterLoss(session: Session): Promise<void> {
    const error = await session.ended;
    if (this.#current === session) {
      this.#current = undefined;
      this.#ports.onDown();
    }
    if (this.#stop.signal.aborted) return;
    if (error?.reason === "SESSION_SUPERSEDED") throw superseded();
    if (!this.#wasUp && error !== undefined && misconfigured.has(error.code)) throw error;
    const clocks = this.#ports.clocks();
    // A session that lived counts as a success; one that dies at once must not be hammered.
    const livedMs = performance.now() - session.openedAt;
    this.#tries = livedMs > clocks.renewIntervalMs ? 1 : this.#tries + 1;
    const bounds = { minMs: clocks.reconnectMinMs, maxMs: clocks.reconnectMaxMs };
    const delayMs = backoffMs(this.#tries, bounds, Math.random());
    const { code, reason, message } = error ?? { code: "ok", reason: "", message: "stream ended" };
    this.#ports.logger.warn({ code, reason, cause: message, delayMs }, "session lost");
    await pause(delayMs, this.#stop.signal);
  }
}
