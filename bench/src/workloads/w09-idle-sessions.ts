import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { cpuTimes, residentBytes } from "../cpu.ts";
import type { Lab } from "../lab.ts";
import { openStage, type Stage } from "../ours/stage.ts";
import { type Program, startNode } from "../processes.ts";
import { Progress } from "../progress.ts";
import type { Contestant, Sample, Workload } from "../workload.ts";

const RSS_BAR_KIB = 60;
const HEARTBEATS_BAR = 10;

/** W9: what many sessions cost that have nothing to do. */
export async function idleSessions(lab: Lab): Promise<Workload> {
  const sessions = lab.size(1_000, 200);
  // Whole renew intervals of the lease policy, 15 s, or of a shorter one when time is short.
  const windows = lab.options.quick
    ? { idle: 2, holding: 6, renewSeconds: 3 }
    : { idle: 30, holding: 45, renewSeconds: 15 };
  const metrics = ["KiB a session", "CPU % idle", "heartbeat transactions/s", "CPU % holding"];
  return {
    id: "W9",
    title: `${sessions} idle sessions`,
    setting:
      `${sessions} sessions of one client process, watched for ${windows.idle} s idle and ` +
      `${windows.holding} s with a job held by each, renewed every ${windows.renewSeconds} s; ` +
      "transactions less those of a server without sessions; a heartbeat's transaction has one " +
      "renewal statement for all who share it",
    metrics,
    contestants: [ours(lab, sessions, windows)],
    bars: [
      { of: "ours", metric: "KiB a session", most: RSS_BAR_KIB },
      { of: "ours", metric: "heartbeat transactions/s", most: HEARTBEATS_BAR },
      { of: "ours", metric: "CPU % idle" },
      { of: "ours", metric: "CPU % holding" },
    ],
    leftOut: [],
    ...(lab.options.quick ? { rounds: 1 } : {}),
  };
}

/** How long is watched, in seconds. */
interface Windows {
  readonly idle: number;
  readonly holding: number;
  readonly renewSeconds: number;
}

function ours(lab: Lab, sessions: number, windows: Windows): Contestant {
  const name = "ours";
  return {
    name,
    role: "ours",
    async open() {
      const policy = { default: { renewInterval: `${windows.renewSeconds}s` } };
      const env = { ORCH_LEASE_POLICY: JSON.stringify(policy) };
      const stage = await openStage(lab, { name: "w9_ours", workers: 0, env });
      const file = fileURLToPath(new URL("../programs/idle-sessions.ts", import.meta.url));
      const client = startNode("sessions", file, []);
      return {
        name,
        role: "ours",
        measure: () => measure(stage, client, sessions, windows),
        async close() {
          await client.stop();
          await stage.close();
        },
      };
    },
  };
}

async function measure(
  stage: Stage,
  client: Program,
  sessions: number,
  windows: Windows,
): Promise<Sample> {
  const { ledger, producer, servers, urls } = stage;
  const { pid } = (servers[0] as (typeof servers)[0]).program;
  await ledger.tidy();
  const alone = await watch(stage, pid, windows.idle);
  const before = residentBytes(pid);
  await client.ask({ do: "open", url: urls[0], sessions });
  const idle = await watch(stage, pid, windows.idle);
  const after = residentBytes(pid);
  const progress = new Progress([client]);
  await producer.batches({ count: sessions, jobType: "bench.hold" });
  await progress.reached(sessions);
  progress.close();
  const holding = await watch(stage, pid, windows.holding);
  await client.ask({ do: "close" });
  await ledger.drained();
  return {
    metrics: {
      "KiB a session": (after - before) / 1024 / sessions,
      "CPU % idle": idle.cpuPercent,
      "CPU % holding": holding.cpuPercent,
      "transactions/s alone": alone.transactions,
      "transactions/s idle": idle.transactions,
      "heartbeat transactions/s": Math.max(0, holding.transactions - alone.transactions),
    },
  };
}

interface Watched {
  /** Of one core. */
  readonly cpuPercent: number;
  readonly transactions: number;
}

/** Looks at the server and its database for a while. */
async function watch({ ledger }: Stage, pid: number, seconds: number): Promise<Watched> {
  const server = [{ name: "server", pid }];
  const transactionsBefore = await ledger.transactions();
  const cpuBefore = cpuTimes(server).server ?? 0;
  await delay(seconds * 1000);
  const cpu = (cpuTimes(server).server ?? 0) - cpuBefore;
  const transactions = (await ledger.transactions()) - transactionsBefore;
  return { cpuPercent: cpu / 1e4 / seconds, transactions: transactions / seconds };
}
