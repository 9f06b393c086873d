import { fileURLToPath } from "node:url";
import pg from "pg";
import { findService } from "../../../scripts/services.mjs";
import { startValkey } from "../../../test/support/valkey-process.ts";
import type { Watched } from "../cpu.ts";
import type { Lab } from "../lab.ts";
import { versionOf } from "../machine.ts";
import { startNode } from "../processes.ts";
import type { Contestant, LeftOut, Sample } from "../workload.ts";
import { type Peer, peerOn } from "./peer.ts";

/** How a workload measures peers. */
export interface PeerMeasure {
  /** Also gets the URL of the peer's store. */
  readonly measure: (peer: Peer, url: string) => Promise<Sample>;
  /** What is added to names. */
  readonly suffix?: string;
}

/** Who takes part in a workload, and who cannot. */
export interface Peers {
  readonly peers: readonly Contestant[];
  readonly leftOut: readonly LeftOut[];
}

/** Where a peer keeps its jobs during a workload. */
interface Store {
  readonly url: string;
  /** Its process, if it is not the Postgres of all. */
  readonly watched?: Watched;
  /** Cleans up after the round before. */
  tidy(): Promise<void>;
  /** Waits until no job is unfinished; when, in milliseconds since 1970. */
  drained(): Promise<number>;
  close(): Promise<void>;
}

interface PeerKind {
  readonly name: string;
  readonly program: string;
  openStore(lab: Lab, database: string): Promise<Store>;
}

const CLOCK = "extract(epoch from clock_timestamp()) * 1000 as at_ms";
const PATIENCE_MS = 30_000;

const ON_POSTGRES: readonly PeerKind[] = [
  {
    name: `graphile-worker ${versionOf("graphile-worker")}`,
    program: "peer-graphile-worker.ts",
    openStore: postgresStore(
      `select not exists (select from graphile_worker._private_jobs) as drained, ${CLOCK}`,
    ),
  },
  {
    name: `pg-boss ${versionOf("pg-boss")}`,
    program: "peer-pg-boss.ts",
    openStore: postgresStore(
      `select not exists (select from pgboss.job
       where name = 'bench' and state < 'completed') as drained, ${CLOCK}`,
    ),
  },
];

const onValkey = (appendfsync: "always" | "everysec"): PeerKind => ({
  name: `BullMQ ${versionOf("bullmq")}, fsync ${appendfsync}`,
  program: "peer-bullmq.ts",
  openStore: valkeyStore(appendfsync),
});

/** Peers without an adapter here. What they publish is in README.md. */
const NOT_HERE: readonly LeftOut[] = [
  { name: "River, Faktory, Hatchet, Temporal", why: "they have no adapter in bench/" },
];

/**
 * The peers for a workload, in library mode: those on Postgres, each in a database of its own, and
 * BullMQ on a Valkey that flushes every write, as Postgres does, and on one that may lose a second.
 */
export async function allPeers(lab: Lab, workload: string, how: PeerMeasure): Promise<Peers> {
  const valkey = await findService("valkey");
  const { peers } = durablePeers(lab, workload, how);
  if (valkey.kind === "missing") {
    return { peers, leftOut: [...NOT_HERE, { name: "BullMQ", why: valkey.why }] };
  }
  // Judged like the others only where its store flushes.
  const kinds = lab.options.quick
    ? [onValkey("always")]
    : [onValkey("always"), onValkey("everysec")];
  const more = kinds.map((kind) => contestant(lab, workload, kind, how));
  return { peers: [...peers, ...more], leftOut: NOT_HERE };
}

/** The peers on the shared Postgres alone. */
export function durablePeers(lab: Lab, workload: string, how: PeerMeasure): Peers {
  const peers = ON_POSTGRES.map((kind) => contestant(lab, workload, kind, how));
  return { peers, leftOut: NOT_HERE };
}

function contestant(
  lab: Lab,
  workload: string,
  kind: PeerKind,
  { measure, suffix = "" }: PeerMeasure,
): Contestant {
  const name = `${kind.name}${suffix}`;
  // What may lose a second of work is no durable peer: it is shown, not judged against.
  const role = kind.name.endsWith("everysec") ? "reference" : "peer";
  return {
    name,
    role,
    async open() {
      const [short = "peer"] = kind.name.split(" ");
      const store = await kind.openStore(lab, `${workload}_${short.toLowerCase()}`);
      const file = fileURLToPath(new URL(`../programs/${kind.program}`, import.meta.url));
      const program = startNode(short, file, []);
      const close = async () => {
        await program.stop();
        await store.close();
      };
      try {
        await program.ask({ do: "open", url: store.url });
      } catch (error) {
        await close();
        throw error;
      }
      const peer = peerOn({ lab, program, ...store });
      return { name, role, measure: () => measure(peer, store.url), close };
    },
  };
}

function postgresStore(isDrained: string): PeerKind["openStore"] {
  return async (lab, database) => {
    const url = await lab.postgres.createDatabase(database);
    const pool = new pg.Pool({ connectionString: url, max: 1 });
    pool.on("error", () => undefined);
    return {
      url,
      async tidy() {
        await lab.postgres.checkpoint();
        await pool.query("vacuum (analyze)");
      },
      async drained() {
        const deadline = performance.now() + PATIENCE_MS;
        for (;;) {
          const { rows } = await pool.query<{ drained: boolean; at_ms: string }>(isDrained);
          if (rows[0]?.drained === true) return Number(rows[0].at_ms);
          if (performance.now() > deadline) throw new Error("jobs are left that nobody does");
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
      },
      async close() {
        await pool.end();
        await lab.postgres.dropDatabase(database);
      },
    };
  };
}

function valkeyStore(appendfsync: string): PeerKind["openStore"] {
  return async () => {
    const args = ["--appendfsync", appendfsync, "--maxmemory-policy", "noeviction"];
    const valkey = await startValkey({ args });
    const { pid = 0, url } = valkey;
    return {
      url,
      watched: { name: "valkey", pid },
      tidy: async () => undefined,
      // It counts completions that the store has answered.
      drained: async () => Date.now(),
      close: () => valkey.stop(),
    };
  };
}
