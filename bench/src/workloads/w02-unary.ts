import { fileURLToPath } from "node:url";
import { create, toBinary } from "@bufbuild/protobuf";
import {
  EnqueueJobsRequestSchema,
  JobService,
} from "../../../sdk-ts/src/gen/stellaops/orchestrator/v1/job_pb.ts";
import type { Lab } from "../lab.ts";
import { startMeter } from "../meter.ts";
import { openStage, type Stage } from "../ours/stage.ts";
import { payloadOf } from "../payload.ts";
import { type Program, startNode } from "../processes.ts";
import type { Contestant, Sample, Workload } from "../workload.ts";

const CALLERS = 64;
const CONNECTIONS = 4;
const UNARY_BAR = 0.5;
const GRPC_JS = "grpc-js, empty handler";
const SDK = "through the SDK";

/** W2: how fast jobs go in one by one, from many callers. */
export async function unary(lab: Lab): Promise<Workload> {
  const jobs = lab.size(50_000, 3_000);
  return {
    id: "W2",
    title: "enqueue, one job a call",
    setting:
      `${jobs} jobs, ${CALLERS} callers; raw: bare HTTP/2 client, ${CONNECTIONS} connections, ` +
      "gRPC; the SDK lets concurrent calls share an RPC",
    metrics: ["calls/s"],
    contestants: [raw(lab, jobs), sdk(lab, jobs), grpcJs(lab, jobs)],
    bars: [
      { of: "ours", metric: "calls/s", against: GRPC_JS, least: UNARY_BAR },
      { of: SDK, metric: "calls/s", against: GRPC_JS },
    ],
    leftOut: [],
  };
}

const startLoad = (): Program =>
  startNode("load", fileURLToPath(new URL("../programs/unary-load.ts", import.meta.url)), []);

/** Measures calls and checks that each made one job ready. */
async function counted(
  lab: Lab,
  stage: Stage,
  jobs: number,
  client: Program,
  work: () => Promise<number>,
): Promise<Sample> {
  const { ledger, servers } = stage;
  await ledger.tidy();
  const before = await ledger.ready();
  const programs = [client, ...servers.map(({ program }) => program)];
  const meter = await startMeter(lab.postgres, programs, ledger.url);
  const seconds = await work();
  const costs = await meter.stop(jobs);
  const made = (await ledger.ready()) - before;
  if (made !== jobs) throw new Error(`${made} of ${jobs} jobs are ready`);
  return { metrics: { "calls/s": jobs / seconds }, ...costs };
}

function sdk(lab: Lab, jobs: number): Contestant {
  return {
    name: SDK,
    role: "variant",
    async open() {
      const stage = await openStage(lab, { name: "w2_sdk", workers: 0 });
      const { producer } = stage;
      return {
        name: SDK,
        role: "variant",
        measure: () =>
          counted(lab, stage, jobs, producer.program, () => producer.callers(jobs, CALLERS)),
        close: () => stage.close(),
      };
    },
  };
}

function raw(lab: Lab, jobs: number): Contestant {
  return {
    name: "ours",
    role: "ours",
    async open() {
      const stage = await openStage(lab, { name: "w2_raw", workers: 0 });
      const client = startLoad();
      const payload = Buffer.from(JSON.stringify(payloadOf(0)));
      const job = { jobType: "bench.noop", payload, payloadMediaType: "application/json" };
      const request = create(EnqueueJobsRequestSchema, { jobs: [job] });
      const message = Buffer.from(toBinary(EnqueueJobsRequestSchema, request)).toString("base64");
      const path = `/${JobService.typeName}/${JobService.method.enqueueJobs.name}`;
      return {
        name: "ours",
        role: "ours",
        measure: () =>
          counted(lab, stage, jobs, client, () =>
            loadWith(client, { url: stage.urls[0], path, message, count: jobs }),
          ),
        async close() {
          await client.stop();
          await stage.close();
        },
      };
    },
  };
}

function grpcJs(lab: Lab, jobs: number): Contestant {
  return {
    name: GRPC_JS,
    role: "reference",
    async open() {
      const file = fileURLToPath(new URL("../programs/grpc-js-server.ts", import.meta.url));
      const server = startNode("grpc-js", file, []);
      const { url } = await server.ask<{ url: string }>({ do: "listen" });
      const client = startLoad();
      const message = Buffer.from(JSON.stringify(payloadOf(0))).toString("base64");
      return {
        name: GRPC_JS,
        role: "reference",
        async measure() {
          const meter = await startMeter(lab.postgres, [client, server], undefined);
          const path = "/bench.Empty/Call";
          const seconds = await loadWith(client, { url, path, message, count: jobs });
          return { metrics: { "calls/s": jobs / seconds }, ...(await meter.stop(jobs)) };
        },
        async close() {
          await client.stop();
          await server.stop();
        },
      };
    },
  };
}

async function loadWith(client: Program, command: object): Promise<number> {
  const all = { do: "load", callers: CALLERS, connections: CONNECTIONS, ...command };
  return (await client.ask<{ seconds: number }>(all)).seconds;
}
