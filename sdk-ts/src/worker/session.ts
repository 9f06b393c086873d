import { type Endpoint, openConnection } from "../client/connection.ts";
import { clocksOf, type LeaseClocks } from "../contract/lease-policy.ts";
import { OrchestratorError, toOrchestratorError } from "../errors.ts";
import type {
  Goaway,
  Hello,
  ServerFrame,
  Welcome,
} from "../gen/stellaops/orchestrator/v1/task_runner_pb.ts";
import { FrameWriter } from "./frame-writer.ts";

/** What a session needs from the worker. */
export interface SessionOptions {
  readonly endpoint: Endpoint;
  readonly hello: Hello;
  /** The clocks in force before the server's Welcome. */
  readonly clocks: LeaseClocks;
  /** Takes every frame that the session does not deal with itself. */
  readonly onFrame: (frame: ServerFrame["frame"]) => void;
  /** Called every renew interval, to renew what is held; true if it said something. */
  readonly onTick: () => boolean;
}

const silent = (forMs: number): OrchestratorError =>
  new OrchestratorError(`nothing was received for ${Math.round(forMs)} ms`, {
    code: "unavailable",
    reason: "CONNECTION_SILENT",
  });

/**
 * One stream on a connection of its own, with its signs of life: a Ping when nothing else was
 * sent within a renew interval, and death when nothing was received within two. A half-open
 * connection looks alive to TCP for minutes; this does not wait for it.
 */
export class Session {
  /** The outgoing half. */
  readonly writer = new FrameWriter();
  /** Resolves with the server's Welcome, or undefined when the stream ended before it. */
  readonly welcomed: Promise<Welcome | undefined>;
  /** Resolves with the server's Goaway; stays pending when none comes. */
  readonly goaway: Promise<Goaway>;
  /** Resolves when the stream is over, with why; undefined when the server ended it in order. */
  readonly ended: Promise<OrchestratorError | undefined>;
  /** When the stream was opened, by performance.now(). */
  readonly openedAt = performance.now();
  readonly #options: SessionOptions;
  readonly #stop = new AbortController();
  #clocks: LeaseClocks;
  #receivedAt = performance.now();
  #nonce = 0n;
  #ticker: NodeJS.Timeout | undefined;
  #watchdog: NodeJS.Timeout | undefined;
  #death: OrchestratorError | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#clocks = options.clocks;
    const welcomed = Promise.withResolvers<Welcome | undefined>();
    const goaway = Promise.withResolvers<Goaway>();
    this.welcomed = welcomed.promise;
    this.goaway = goaway.promise;
    this.writer.send({ case: "hello", value: options.hello });
    this.#watch();
    this.ended = this.#read(welcomed.resolve, goaway.resolve).finally(() => {
      clearInterval(this.#ticker);
      clearTimeout(this.#watchdog);
      this.writer.close();
      welcomed.resolve(undefined);
    });
  }

  /** What this session said of the worker. */
  get hello(): Hello {
    return this.#options.hello;
  }

  /** The clocks in force: the server's, once it has welcomed. */
  get clocks(): LeaseClocks {
    return this.#clocks;
  }

  /** Says that no frame follows and waits for the server to end the stream, but not for long. */
  async close(waitMs: number): Promise<void> {
    this.writer.close();
    const timer = setTimeout(() => this.destroy(), waitMs);
    await this.ended;
    clearTimeout(timer);
  }

  /** Cuts the connection. */
  destroy(death?: OrchestratorError): void {
    this.#death ??= death;
    this.#stop.abort();
  }

  async #read(
    onWelcome: (welcome: Welcome) => void,
    onGoaway: (goaway: Goaway) => void,
  ): Promise<OrchestratorError | undefined> {
    const connection = openConnection(this.#options.endpoint);
    try {
      const { signal } = this.#stop;
      for await (const { frame } of connection.taskRunner.session(this.writer, { signal })) {
        this.#receivedAt = performance.now();
        switch (frame.case) {
          case "welcome":
            this.#begin(frame.value);
            onWelcome(frame.value);
            break;
          case "goaway":
            onGoaway(frame.value);
            break;
          case "ping":
            this.writer.send({ case: "pong", value: { nonce: frame.value.nonce } });
            break;
          case "pong":
            break;
          default:
            this.#options.onFrame(frame);
        }
      }
      return undefined;
    } catch (cause) {
      return this.#death ?? toOrchestratorError(cause);
    } finally {
      connection.destroy();
    }
  }

  #begin(welcome: Welcome): void {
    this.#clocks = clocksOf(welcome.leasePolicy, this.#options.clocks);
    this.#watch();
    this.#ticker = setInterval(() => {
      if (!this.#options.onTick()) this.#pingUnlessBusy();
    }, this.#clocks.renewIntervalMs);
  }

  /**
   * Asks for a sign of life unless traffic goes both ways anyway. Half an interval, so that the
   * answer has another half before the watchdog's two are over.
   */
  #pingUnlessBusy(): void {
    const since = performance.now() - this.#clocks.renewIntervalMs / 2;
    if (this.writer.sentAt > since && this.#receivedAt > since) return;
    this.#nonce++;
    this.writer.send({ case: "ping", value: { nonce: this.#nonce } });
  }

  #watch(): void {
    clearTimeout(this.#watchdog);
    const limit = 2 * this.#clocks.renewIntervalMs;
    const quiet = performance.now() - this.#receivedAt;
    this.#watchdog = setTimeout(
      () => {
        const quietNow = performance.now() - this.#receivedAt;
        if (quietNow >= limit) this.destroy(silent(quietNow));
        else this.#watch();
      },
      Math.max(1, limit - quiet),
    );
  }
}
