import {
  AckPolicy,
  DiscardPolicy,
  type JetStreamClient,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
} from "@nats-io/jetstream";
import {
  connect,
  createInbox,
  type Msg,
  type NatsConnection,
  nanos,
} from "@nats-io/transport-node";

const STREAM = "ORCH_READY";

/** The first words of every subject. */
const SUBJECTS = "orch.ready";

/** Messages of one subject; more are refused, and their lane is searched in the ledger. */
const MAX_MESSAGES = 4_096;

/** A message that nobody takes is not worth keeping; milliseconds. */
const MAX_AGE_MS = 60 * 60_000;

/** How long a consumer that nobody asks stays, in milliseconds. */
const CONSUMER_IDLE_MS = 60_000;

/** How long a message may be on its way to a replica before others get it, in milliseconds. */
const ACK_WAIT_MS = 2_000;

/** How long the server has for an answer, in milliseconds. */
const TIMEOUT_MS = 1_000;

/** The server's words for "no such consumer" and "nobody answers here". */
const NO_RESPONDERS = 503;

/** What a pull brought: messages, and whether there are no more. */
export interface Pulled {
  readonly messages: readonly Uint8Array[];
  readonly empty: boolean;
}

/** A connection to JetStream with the stream of the ready queue in it. */
export class NatsLink {
  readonly #url: string;
  /** Ends each pull that is under way: it will not be answered. */
  readonly #pulls = new Set<() => void>();
  readonly #consumers = new Set<string>();
  #connection: NatsConnection | undefined;
  #connecting: Promise<void> | undefined;
  #manager: JetStreamManager | undefined;
  #stream: JetStreamClient | undefined;
  #epoch = "";
  #up = false;
  #closed = false;

  constructor(url: string) {
    this.#url = url;
  }

  /**
   * Connects if it is not connected and makes the stream if there is none.
   *
   * @returns which incarnation of the stream this is.
   */
  async ensure(): Promise<string> {
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = undefined;
    });
    await this.#connecting;
    await this.#connection?.flush();
    const { streams } = this.#manager ?? unreachable();
    const info = await streams.add({
      name: STREAM,
      subjects: [`${SUBJECTS}.>`],
      retention: RetentionPolicy.Workqueue,
      // A hint need not be written down: what is lost is found in the ledger.
      storage: StorageType.Memory,
      discard: DiscardPolicy.New,
      discard_new_per_subject: true,
      max_msgs_per_subject: MAX_MESSAGES,
      max_age: nanos(MAX_AGE_MS),
    });
    if (info.created !== this.#epoch) this.#consumers.clear();
    this.#epoch = info.created;
    return info.created;
  }

  /** Puts a message into the stream; rejects when it is full or away. */
  async publish(subject: string, message: Uint8Array): Promise<void> {
    if (!this.#up || this.#stream === undefined) unreachable();
    await this.#stream.publish(`${SUBJECTS}.${subject}`, message, { timeout: TIMEOUT_MS });
  }

  /**
   * Takes up to `batch` messages of a subject out of the stream. A pull may see nothing of what
   * was published just before it, even if that was confirmed (measured: one in 20), so who knows
   * of something waits for the first message up to `patienceMs`.
   */
  async pull(subject: string, batch: number, patienceMs: number): Promise<Pulled> {
    if (!this.#up || this.#connection === undefined) unreachable();
    const consumer = subject.replaceAll(".", "_");
    if (!this.#consumers.has(consumer)) await this.#consume(consumer, subject);
    const request = { batch, no_wait: true, expires: nanos(patienceMs) };
    const pulled = await this.#ask(consumer, request);
    if (pulled !== "missing") return pulled;
    // Nobody asked for a while, and the server forgot the consumer.
    this.#consumers.delete(consumer);
    await this.#consume(consumer, subject);
    const again = await this.#ask(consumer, request);
    return again === "missing" ? unreachable() : again;
  }

  /** Disconnects; may be called while it connects. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#up = false;
    await this.#connection?.close();
  }

  async #connect(): Promise<void> {
    if (this.#connection?.isClosed() === false) return;
    const connection = await connect({
      servers: this.#url.split(","),
      name: "orchestrator",
      maxReconnectAttempts: -1,
      reconnectTimeWait: 100,
      timeout: TIMEOUT_MS,
    });
    if (this.#closed) {
      await connection.close();
      unreachable();
    }
    this.#connection = connection;
    this.#manager = await jetstreamManager(connection, { timeout: TIMEOUT_MS });
    this.#stream = jetstream(connection, { timeout: TIMEOUT_MS });
    this.#up = true;
    void this.#watch(connection);
  }

  async #watch(connection: NatsConnection): Promise<void> {
    for await (const { type } of connection.status()) {
      if (type === "reconnect") this.#up = true;
      if (type !== "disconnect") continue;
      this.#up = false;
      for (const fail of this.#pulls) fail();
    }
  }

  async #consume(consumer: string, subject: string): Promise<void> {
    // Of the same settings on all replicas, so whoever comes second finds it there.
    await this.#manager?.consumers.add(STREAM, {
      name: consumer,
      filter_subject: `${SUBJECTS}.${subject}`,
      ack_policy: AckPolicy.Explicit,
      ack_wait: nanos(ACK_WAIT_MS),
      inactive_threshold: nanos(CONSUMER_IDLE_MS),
      mem_storage: true,
    });
    this.#consumers.add(consumer);
  }

  /** One pull: its messages come to a subscription of its own, and a status when it ran dry. */
  #ask(consumer: string, request: { readonly batch: number }): Promise<Pulled | "missing"> {
    const connection = this.#connection ?? unreachable();
    const inbox = createInbox();
    const messages: Uint8Array[] = [];
    return new Promise((resolve, reject) => {
      const end = () => {
        clearTimeout(timer);
        this.#pulls.delete(fail);
        subscription.unsubscribe();
      };
      const fail = () => {
        end();
        reject(new Unreachable());
      };
      const done = (result: Pulled | "missing") => {
        end();
        resolve(result);
      };
      const receive = (message: Msg) => {
        const code = message.headers?.code ?? 0;
        if (code === NO_RESPONDERS) return done("missing");
        if (code > 0) return done({ messages, empty: true });
        message.respond("+ACK");
        messages.push(message.data);
        if (messages.length === request.batch) done({ messages, empty: false });
      };
      const subscription = connection.subscribe(inbox, { callback: (_, one) => receive(one) });
      // What comes later is not acknowledged, and so goes to somebody else.
      const timer = setTimeout(fail, TIMEOUT_MS);
      this.#pulls.add(fail);
      const subject = `$JS.API.CONSUMER.MSG.NEXT.${STREAM}.${consumer}`;
      connection.publish(subject, JSON.stringify(request), { reply: inbox });
    });
  }
}

class Unreachable extends Error {
  override readonly name = "Unreachable";
  override readonly message = "nats is away";
}

function unreachable(): never {
  throw new Unreachable();
}
