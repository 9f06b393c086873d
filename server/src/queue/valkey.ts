import { randomUUID } from "node:crypto";
import type { Cluster, Redis } from "ioredis";
import type { Ask, ReadSeqs } from "../app/bridge/ready-queue.ts";
import type { Lane, ReadyLane } from "../domain/offer.ts";
import { laneName } from "./lane-name.ts";
import type { Batch, Found, LaneService } from "./lane-service.ts";
import { connectValkey } from "./valkey-link.ts";
import { LANE_SCRIPT, type Verb } from "./valkey-script.ts";

/** How long a lane that nobody touches is known, in milliseconds. */
const MARK_TTL_MS = 60 * 60_000;

/** The most numbers of a lane in Valkey (some 100 bytes each); the ledger has the others. */
const WINDOW = 10_000;

/** How many numbers are read from the ledger at once. */
const FILL = 4_096;

/** With fewer left than this the next are read, before a claim runs short. */
const LOW_WATER = 2_048;

/** How long others wait for a replica that reads the ledger for a lane, in milliseconds. */
const FILL_PATIENCE_MS = 2_000;

/** Lanes that this replica fills at the same time; the others are searched meanwhile. */
const MAX_FILLS = 4;

/** Lanes, and numbers, of one script call: bounds for how long it keeps Valkey busy. */
const MAX_LANES = 500;
const MAX_SEQS = 5_000;

const PROBE_KEY = "orch:ready:probe";

/** How a Valkey is reached. */
export interface ValkeyOptions {
  /** redis:// or rediss://; several, with commas between them, are nodes of a cluster. */
  readonly url: string;
  readonly readSeqs: ReadSeqs;
  readonly onError: (error: unknown) => void;
  /** Told when what was read from the ledger is in Valkey. */
  readonly onFilled?: () => void;
}

/** The two keys of a lane; those of a tenant share its hash tag, so one script may use them. */
export const keysOf = (lane: Lane): [numbers: string, mark: string] => {
  const prefix = `orch:ready:{${encodeURIComponent(lane.tenant)}}:${laneName(lane)}`;
  return [`${prefix}:n`, `${prefix}:m`];
};

type Words = readonly (string | number)[];

/**
 * Numbers of ready jobs in Valkey 8 or newer: a sorted set for each lane, of which it holds the
 * lowest {@link WINDOW}. What it lacks is read from the ledger, whether it never had it, was
 * flushed, or lost it on the way; see `valkey-script.ts`.
 */
export class ValkeyLanes implements LaneService {
  readonly #options: ValkeyOptions;
  readonly #client: Redis | Cluster;
  readonly #filling = new Set<string>();
  #ready: Promise<void> | undefined;
  #asked = false;
  #stopped = false;

  constructor(options: ValkeyOptions) {
    this.#options = options;
    this.#client = connectValkey(options.url);
    this.#client.defineCommand("lanes", { lua: LANE_SCRIPT });
  }

  start(): void {
    this.#client.connect().catch(() => {});
  }

  async probe(): Promise<void> {
    // Unanswered since the last time: the connection may be dead without either end knowing.
    if (this.#asked) this.#client.disconnect(true);
    if (this.#client.status !== "ready") await this.#becomesReady();
    this.#asked = true;
    try {
      // A write, because one that is full, or has become a replica, answers a ping as ever.
      await this.#client.set(PROBE_KEY, "", "PX", MARK_TTL_MS);
    } finally {
      this.#asked = false;
    }
  }

  async add(batches: readonly Batch[]): Promise<void> {
    const parts = batches.flatMap(inParts);
    await this.#each(
      "add",
      parts.map(({ lane, seqs, lostAfter }) => ({
        lane,
        words: [lostAfter ?? "", seqs.length, ...seqs],
      })),
    );
  }

  async take(asks: readonly Ask[]): Promise<readonly Found[]> {
    const answers = await this.#each(
      "take",
      asks.map(({ lane, share, limit }) => ({ lane, words: [share, limit] })),
    );
    return asks.map(({ lane }, index): Found => {
      const [known, left, ...seqs] = answers[index] as [string, number, ...string[]];
      const searchAfter = known === "" ? undefined : Number(known);
      if (searchAfter !== undefined && left < LOW_WATER) void this.#fill(lane);
      return { lane, seqs: seqs.map(Number), searchAfter, empty: left === 0 };
    });
  }

  async check(stuck: readonly ReadyLane[]): Promise<void> {
    await this.#each(
      "check",
      stuck.map((lane) => ({ lane, words: [lane.minSeq] })),
    );
  }

  searched(): void {}

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#client.disconnect();
  }

  #becomesReady(): Promise<void> {
    this.#ready ??= new Promise((resolve) => {
      this.#client.once("ready", () => {
        this.#ready = undefined;
        resolve();
      });
    });
    return this.#ready;
  }

  /** Reads the next numbers of a lane from the ledger, if no replica does. */
  async #fill(lane: Lane): Promise<void> {
    const [key] = keysOf(lane);
    if (this.#filling.size >= MAX_FILLS || this.#filling.has(key) || this.#stopped) return;
    this.#filling.add(key);
    try {
      const name = randomUUID();
      const [after] = await this.#each("fill", [{ lane, words: [name, FILL_PATIENCE_MS] }]);
      if (after === "") return;
      const seqs = await this.#options.readSeqs(lane, Number(after), FILL);
      const more = seqs.length === FILL ? "1" : "0";
      await this.#each("filled", [{ lane, words: [name, more, seqs.length, ...seqs] }]);
      this.#options.onFilled?.();
    } catch (error) {
      if (!this.#stopped) this.#options.onError(error);
    } finally {
      this.#filling.delete(key);
    }
  }

  /** Runs the script over lanes, which may be of many tenants; the answers keep their order. */
  async #each(verb: Verb, asks: readonly { lane: Lane; words: Words }[]): Promise<unknown[]> {
    const groups: { tenant: string; places: number[]; words: number }[] = [];
    const latest = new Map<string, (typeof groups)[number]>();
    asks.forEach(({ lane: { tenant }, words }, place) => {
      let group = latest.get(tenant);
      if (
        group === undefined ||
        group.places.length >= MAX_LANES ||
        group.words + words.length > MAX_SEQS + 3
      ) {
        group = { tenant, places: [], words: 0 };
        latest.set(tenant, group);
        groups.push(group);
      }
      group.places.push(place);
      group.words += words.length;
    });
    const answers: unknown[] = [];
    await Promise.all(
      groups.map(async ({ places }) => {
        const chosen = places.flatMap((place) => asks[place] ?? []);
        const keys = chosen.flatMap(({ lane }) => keysOf(lane));
        const words = chosen.flatMap((one) => one.words);
        const all = [keys.length, ...keys, verb, MARK_TTL_MS, WINDOW, ...words];
        const replies = (await this.#lanes(all)) as unknown[];
        places.forEach((place, index) => {
          answers[place] = replies[index];
        });
      }),
    );
    return answers;
  }

  #lanes(words: Words): Promise<unknown> {
    const client = this.#client as unknown as {
      lanes(...words: Words): Promise<unknown>;
    };
    return client.lanes(...words);
  }
}

/** A batch with more numbers than a script call takes, as several; a loss comes first. */
function inParts({ lane, seqs, lostAfter }: Batch): Batch[] {
  const parts: Batch[] = [{ lane, seqs: seqs.slice(0, MAX_SEQS), lostAfter }];
  for (let from = MAX_SEQS; from < seqs.length; from += MAX_SEQS) {
    parts.push({ lane, seqs: seqs.slice(from, from + MAX_SEQS), lostAfter: undefined });
  }
  return parts;
}
