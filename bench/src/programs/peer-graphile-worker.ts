// graphile-worker in library mode, in its fastest settings: producer and worker are this process.
import { EventEmitter } from "node:events";
import {
  Logger,
  makeWorkerUtils,
  type Runner,
  run,
  type WorkerEvents,
  type WorkerUtils,
} from "graphile-worker";
import { type BenchPayload, payloadOf } from "../payload.ts";
import { nowUs, startCounting } from "./line-protocol.ts";
import { openLoop } from "./open-loop.ts";
import { servePeer } from "./peer-protocol.ts";

// As its documentation says for throughput (its page "Performance").
const SETTINGS = {
  concurrentJobs: 24,
  maxPoolSize: 25,
  localQueue: { size: 500 },
  completeJobBatchDelay: 0,
  failJobBatchDelay: 0,
};

const logger = new Logger(() => () => undefined);
let url = "";
let utils: WorkerUtils;
let runner: Runner | undefined;
let latenciesUs: number[] = [];

async function work(): Promise<number> {
  const count = startCounting();
  latenciesUs = [];
  const events = new EventEmitter() as WorkerEvents;
  const firstClaim = new Promise<number>((resolve) => {
    events.once("worker:getJob:start", () => resolve(Date.now()));
  });
  runner = await run({
    preset: { worker: { connectionString: url, ...SETTINGS, logger } },
    events,
    noHandleSignals: true,
    taskList: {
      "bench.noop": () => count(),
      "bench.timed": (payload) => {
        latenciesUs.push(nowUs() - (payload as BenchPayload).t);
        count();
      },
    },
  });
  return await firstClaim;
}

const add = (identifier: string, count: number, t: number) =>
  utils.addJobs(Array.from({ length: count }, () => ({ identifier, payload: payloadOf(t) })));

servePeer({
  async open(connectionString) {
    url = connectionString;
    utils = await makeWorkerUtils({ connectionString: url, maxPoolSize: 10, logger });
    await utils.migrate();
  },
  add: async (count) => void (await add("bench.noop", count, 0)),
  work,
  async stop() {
    await runner?.stop();
    runner = undefined;
    return latenciesUs;
  },
  latency: (count, perSecond) =>
    openLoop(count, perSecond, async (t) => {
      await utils.addJob("bench.timed", payloadOf(t));
    }),
});
