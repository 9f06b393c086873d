import { cpus } from "node:os";
import type { Lab } from "../lab.ts";
import { type Fleet, openFleet } from "../ours/fleet.ts";
import { type ReadyQueueKind, readyQueues } from "../ours/ready-queues.ts";
import { openStage } from "../ours/stage.ts";
import { type Shared, share } from "../shared.ts";
import type { Contestant, Workload } from "../workload.ts";
import { fillAndDrain } from "./w03-drain.ts";

const GAIN_BAR = 1.3;
const LOSS_BAR = 0.95;
/** Two servers, Postgres and the workers each need a core of their own before more can help. */
const CORES_FOR_A_GAIN = 6;

/** W11: W3 with several servers, for each ready queue. */
export async function replicas(lab: Lab): Promise<Workload> {
  const jobs = lab.size(100_000, 2_000);
  const counts = lab.options.quick ? [1, 2] : [1, 2, 3];
  // A worker process for each server at least, and the same ones whatever the number of servers.
  const workers = Math.max(...counts);
  const { kinds, leftOut } = await readyQueues();
  const isFree = cpus().length >= CORES_FOR_A_GAIN;
  const fleet = share(async () => openFleet({ workers, slots: lab.options.slots }));
  const pairs = kinds.flatMap((kind) => counts.map((count) => ({ kind, count })));
  return {
    id: "W11",
    title: "drain with several server processes",
    setting:
      `${jobs} jobs, ${workers} worker processes spread over the servers; on ${cpus().length} ` +
      `cores ${isFree ? "one is" : "none is"} free for another server`,
    metrics: ["jobs/s"],
    contestants: pairs.map(({ kind, count }) => drained(lab, { kind, count, jobs, fleet })),
    bars: [
      ...kinds.slice(1).map(({ name }) => ({
        of: nameOf(name, 1),
        metric: "jobs/s",
        against: nameOf("postgres", 1),
      })),
      ...pairs
        .filter(({ count }) => count > 1)
        .map(({ kind: { name }, count }) => ({
          of: nameOf(name, count),
          metric: "jobs/s",
          against: nameOf(name, 1),
          least: isFree && count === 2 ? GAIN_BAR : LOSS_BAR,
        })),
    ],
    leftOut,
    ...(lab.options.quick ? { rounds: 2 } : {}),
  };
}

const nameOf = (queue: string, count: number): string => `${queue}, ${count} × server`;

interface Sizes {
  readonly kind: ReadyQueueKind;
  readonly count: number;
  readonly jobs: number;
  readonly fleet: Shared<Fleet>;
}

function drained(lab: Lab, { kind, count, jobs, fleet: shared }: Sizes): Contestant {
  const name = nameOf(kind.name, count);
  return {
    name,
    role: "variant",
    async open() {
      const queue = await kind.start();
      const fleet = await shared.acquire();
      const options = { name: `w11_${kind.name}_${count}`, replicas: count, fleet };
      const stage = await openStage(lab, { ...options, env: queue.env }).catch(async (error) => {
        await queue.stop();
        throw error;
      });
      return {
        name,
        role: "variant",
        measure: () => fillAndDrain(lab, stage, jobs),
        async close() {
          await stage.close();
          await shared.release();
          await queue.stop();
        },
      };
    },
  };
}
