import pg from "pg";
import type { Notice, NoticeBoard } from "../app/notices.ts";
import { laneKey } from "../domain/offer.ts";
import { Emitter } from "../lib/emitter.ts";

const CHANNEL = "orch_notices";

/** NOTIFY takes 8,000 bytes; this leaves room for the envelope. */
const MAX_PAYLOAD_BYTES = 7_000;

/** How long the listener waits before it connects again, in milliseconds. */
const RECONNECT_MS = 1_000;

/** What the board needs. */
export interface NoticeOptions {
  readonly url: string;
  readonly serverId: string;
  readonly onError: (error: unknown) => void;
}

/**
 * A notice board over LISTEN and NOTIFY. NOTIFY takes a lock of the whole database at commit, so
 * there is never one per job: notices that come while one is being sent share the next, and a
 * replica that is alone sends none. What is lost (a connection broke, a payload was too large) is
 * found by the loops' own looks at the ledger.
 */
export class PostgresNotices implements NoticeBoard {
  readonly #options: NoticeOptions;
  readonly #local = new Emitter<Notice>();
  #client: pg.Client | undefined;
  #waiting: Notice[] = [];
  #sending = false;
  #alone = true;
  #stopped = false;
  #retry: NodeJS.Timeout | undefined;

  constructor(options: NoticeOptions) {
    this.#options = options;
  }

  readonly publish = (notice: Notice): void => {
    this.#local.emit(notice);
    if (this.#alone || this.#client === undefined) return;
    this.#waiting.push(notice);
    void this.#send();
  };

  readonly subscribe = (listener: (notice: Notice) => void): (() => void) =>
    this.#local.subscribe(listener);

  /** Says how many other replicas are alive. */
  readonly others = (count: number): void => {
    this.#alone = count === 0;
  };

  /** Begins to listen to other replicas; goes on trying for as long as it takes. */
  start(): void {
    void this.#listen();
  }

  /** Stops listening and sending. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#retry);
    const client = this.#client;
    this.#client = undefined;
    await client?.end().catch(() => {});
  }

  async #listen(): Promise<void> {
    const client = new pg.Client({
      connectionString: this.#options.url,
      application_name: "orch_notices",
      options: "-c role=orch_app",
      keepAlive: true,
    });
    let lost = false;
    const lose = () => {
      if (lost || this.#stopped) return;
      lost = true;
      this.#client = undefined;
      client.end().catch(() => {});
      this.#retry = setTimeout(() => void this.#listen(), RECONNECT_MS);
    };
    client.on("error", lose);
    client.on("end", lose);
    client.on("notification", ({ payload }) => this.#receive(payload));
    try {
      await client.connect();
      await client.query(`listen ${CHANNEL}`);
      if (this.#stopped) await client.end();
      else this.#client = client;
    } catch {
      lose();
    }
  }

  #receive(payload: string | undefined): void {
    try {
      const { from, notices } = JSON.parse(payload ?? "{}") as { from: string; notices: Notice[] };
      if (from === this.#options.serverId) return;
      for (const notice of notices) this.#local.emit(notice);
    } catch (error) {
      this.#options.onError(error);
    }
  }

  async #send(): Promise<void> {
    if (this.#sending) return;
    this.#sending = true;
    try {
      while (this.#waiting.length > 0 && this.#client !== undefined) {
        for (const payload of this.#payloads(mergeNotices(this.#waiting.splice(0)))) {
          await this.#client.query("select pg_notify($1, $2)", [CHANNEL, payload]);
        }
      }
    } catch (error) {
      this.#options.onError(error);
    } finally {
      this.#sending = false;
    }
  }

  #payloads(notices: readonly Notice[]): string[] {
    const payloads: string[] = [];
    let batch: Notice[] = [];
    const pack = (some: readonly Notice[]) =>
      JSON.stringify({ from: this.#options.serverId, notices: some });
    for (const notice of notices) {
      if (batch.length > 0 && pack([...batch, notice]).length > MAX_PAYLOAD_BYTES) {
        payloads.push(pack(batch));
        batch = [];
      }
      if (pack([notice]).length <= MAX_PAYLOAD_BYTES) batch.push(notice);
    }
    if (batch.length > 0) payloads.push(pack(batch));
    return payloads;
  }
}

/** Puts notices of the same kind together; a lane keeps its lowest sequence number. */
export function mergeNotices(notices: readonly Notice[]): Notice[] {
  const lanes = new Map<string, Extract<Notice, { kind: "ready" }>["lanes"][number]>();
  const tenants = new Set<string>();
  const flow = new Set<string>();
  const others: Notice[] = [];
  let scheduled = false;
  let cascade = false;
  for (const notice of notices) {
    if (notice.kind === "ready") {
      // Without their numbers, which are many: for others it is enough where a lane begins.
      for (const { seqs: _, ...lane } of notice.lanes) {
        const key = `${lane.tenant}\0${laneKey(lane)}`;
        const before = lanes.get(key);
        if (before === undefined || lane.minSeq < before.minSeq) lanes.set(key, lane);
      }
    } else if (notice.kind === "changed") {
      for (const tenant of notice.tenants) tenants.add(tenant);
    } else if (notice.kind === "flow") {
      for (const tenant of notice.tenants) flow.add(tenant);
    } else if (notice.kind === "scheduled") {
      scheduled = true;
    } else if (notice.kind === "cascade") {
      cascade = true;
    } else {
      others.push(notice);
    }
  }
  return [
    ...[...lanes.values()].map((lane): Notice => ({ kind: "ready", lanes: [lane], here: false })),
    ...[...tenants].map((tenant): Notice => ({ kind: "changed", tenants: [tenant] })),
    ...[...flow].map((tenant): Notice => ({ kind: "flow", tenants: [tenant] })),
    ...(scheduled ? [{ kind: "scheduled" } as const] : []),
    ...(cascade ? [{ kind: "cascade" } as const] : []),
    ...others,
  ];
}
