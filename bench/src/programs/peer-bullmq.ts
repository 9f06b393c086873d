// BullMQ in library mode: producer and worker in this one process.
import { Queue, Worker } from "bullmq";
import { type BenchPayload, payloadOf } from "../payload.ts";
import { nowUs, startCounting } from "./line-protocol.ts";
import { openLoop } from "./open-loop.ts";
import { servePeer } from "./peer-protocol.ts";

const QUEUE = "bench";
// Many at once, because each is a round trip; finished jobs are removed, as for the others.
const SETTINGS = { concurrency: 100, removeOnComplete: { count: 0 } };

let url = "";
let queue: Queue<BenchPayload>;
let worker: Worker<BenchPayload> | undefined;
let latenciesUs: number[] = [];

servePeer({
  async open(connection) {
    url = connection;
    queue = new Queue(QUEUE, { connection: { url } });
    queue.on("error", (error) => process.stderr.write(`${error}\n`));
    await queue.waitUntilReady();
  },
  async add(count) {
    const data = payloadOf(0);
    await queue.addBulk(Array.from({ length: count }, () => ({ name: "noop", data })));
  },
  async work() {
    const count = startCounting();
    latenciesUs = [];
    const startedAtMs = Date.now();
    const handle = async ({ data }: { readonly data: BenchPayload }) => {
      if (data.t > 0) latenciesUs.push(nowUs() - data.t);
    };
    worker = new Worker(QUEUE, handle, {
      connection: { url, maxRetriesPerRequest: null },
      ...SETTINGS,
    });
    worker.on("error", (error) => process.stderr.write(`${error}\n`));
    // After the store has answered that the job is completed.
    worker.on("completed", count);
    await worker.waitUntilReady();
    return startedAtMs;
  },
  async stop() {
    await worker?.close();
    worker = undefined;
    return latenciesUs;
  },
  latency: (count, perSecond) =>
    openLoop(count, perSecond, (t) => queue.add("timed", payloadOf(t))),
});
