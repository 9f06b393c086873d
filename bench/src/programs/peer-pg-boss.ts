// pg-boss in library mode: producer and workers in this one process, in its fastest settings.
import { PgBoss } from "pg-boss";
import { type BenchPayload, payloadOf } from "../payload.ts";
import { nowUs, startCounting } from "./line-protocol.ts";
import { openLoop } from "./open-loop.ts";
import { servePeer } from "./peer-protocol.ts";

const QUEUE = "bench";
// Large batches, several workers, no pause while batches are full, and NOTIFY for new jobs.
const SETTINGS = {
  batchSize: 500,
  localConcurrency: 4,
  pollingIntervalSeconds: 0.5,
  burstWhenBatchFull: true,
};

let boss: PgBoss;
let latenciesUs: number[] = [];

servePeer({
  async open(connectionString) {
    boss = new PgBoss({ connectionString, max: 10, useListenNotify: true, schedule: false });
    boss.on("error", (error) => process.stderr.write(`${error}\n`));
    await boss.start();
    await boss.createQueue(QUEUE, { notify: true });
  },
  async add(count) {
    await boss.insert(
      QUEUE,
      Array.from({ length: count }, () => ({ data: payloadOf(0) })),
    );
  },
  async work() {
    const count = startCounting();
    latenciesUs = [];
    const startedAtMs = Date.now();
    await boss.work<BenchPayload>(QUEUE, SETTINGS, async (jobs) => {
      const at = nowUs();
      for (const { data } of jobs) {
        if (data.t > 0) latenciesUs.push(at - data.t);
        count();
      }
    });
    return startedAtMs;
  },
  async stop() {
    await boss.offWork(QUEUE);
    return latenciesUs;
  },
  latency: (count, perSecond) => openLoop(count, perSecond, (t) => boss.send(QUEUE, payloadOf(t))),
});
