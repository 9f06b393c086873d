import pg from "pg";
import type { Lab } from "../lab.ts";
import { openStage, type Stage } from "../ours/stage.ts";
import { durablePeers } from "../peers/peers.ts";
import { type Shared, share } from "../shared.ts";
import type { Contestant, Workload } from "../workload.ts";
import { fillAndDrain } from "./w03-drain.ts";

const SNAPSHOT_BAR = 0.9;
const OURS_OLD = "ours, old transaction";
const LAST = "last tenth jobs/s";

/** W7: W3 while somebody holds a snapshot from before it, so that nothing can be vacuumed. */
export async function oldSnapshot(lab: Lab): Promise<Workload> {
  const jobs = lab.size(100_000, 6_000);
  const { peers, leftOut } = lab.options.quick
    ? { peers: [], leftOut: [{ name: "peers", why: "only in a full run" }] }
    : durablePeers(lab, "w7", {
        suffix: ", old transaction",
        measure: (peer, url) => besideOldTransaction(url, () => peer.drain(jobs)),
      });
  const stage = share(() => openStage(lab, { name: "w7_ours" }));
  const both = ["ours", OURS_OLD].map((name) => ours(lab, stage, name, jobs));
  const contestants = [...both, ...peers];
  const bars = [{ of: OURS_OLD, metric: LAST, against: "ours", least: SNAPSHOT_BAR }];
  return {
    id: "W7",
    title: "drain beside an old transaction",
    setting: `${jobs} jobs; a repeatable-read transaction is open from before the first claim on`,
    metrics: ["jobs/s", "first tenth jobs/s", LAST],
    contestants,
    bars: [
      ...bars,
      { of: OURS_OLD, metric: "first tenth jobs/s", against: "ours" },
      ...peers.map(({ name }) => ({ of: OURS_OLD, metric: "jobs/s", against: name })),
    ],
    leftOut,
    ...(lab.options.quick ? { rounds: 2 } : {}),
  };
}

function ours(lab: Lab, shared: Shared<Stage>, name: string, jobs: number): Contestant {
  const role = name === "ours" ? "ours" : "variant";
  return {
    name,
    role,
    async open() {
      const stage = await shared.acquire();
      const drain = () => fillAndDrain(lab, stage, jobs);
      return {
        name,
        role,
        measure: () => (role === "ours" ? drain() : besideOldTransaction(stage.ledger.url, drain)),
        close: () => shared.release(),
      };
    },
  };
}

/** Runs `work` while a transaction of before it stays open and keeps its snapshot. */
async function besideOldTransaction<T>(url: string, work: () => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  await client.connect();
  try {
    await client.query("begin isolation level repeatable read");
    await client.query("select pg_current_xact_id(), count(*) from pg_class");
    return await work();
  } finally {
    await client.end();
  }
}
