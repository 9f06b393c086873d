import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { type Client, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import type pg from "pg";
import { createTestDatabase } from "../../../../test/support/database.ts";
import { startServerHere } from "../../../../test/support/server.ts";
import { BackfillService } from "../../gen/stellaops/orchestrator/v1/backfill_pb.ts";
import { FlowControlService } from "../../gen/stellaops/orchestrator/v1/flow_control_pb.ts";
import { HistoryService } from "../../gen/stellaops/orchestrator/v1/history_pb.ts";
import { JobService } from "../../gen/stellaops/orchestrator/v1/job_pb.ts";
import { RunService } from "../../gen/stellaops/orchestrator/v1/run_pb.ts";
import { TaskRunnerService } from "../../gen/stellaops/orchestrator/v1/task_runner_pb.ts";
import { WatermarkService } from "../../gen/stellaops/orchestrator/v1/watermark_pb.ts";
import { newId } from "../../lib/ids.ts";
import { drive } from "./driven-worker.ts";
import { WorkerStream } from "./worker-stream.ts";

const HOUR_MS = 3_600_000;

/** How many hours of a new tenant's series are due. */
export const HOURS = 12;

/** The beginning of the series, in milliseconds since 1970. */
export const originMs = Math.floor(Date.now() / HOUR_MS) * HOUR_MS - HOURS * HOUR_MS;

/** When an hour of the series begins; fractions are moments within it. */
export const at = (hour: number) => timestampFromDate(new Date(originMs + hour * HOUR_MS));

/** A minute after an hour of the series began. */
export const minuteAfter = (hour: number) => at(hour + 1 / 60);

/** A series of hours. */
export const series = {
  source: "osv",
  scope: "npm",
  width: { seconds: 3_600n },
  allowedLateness: {},
  originTime: at(0),
};

/** Whom a call is for; Ada makes it. */
export const as = (tenant: string) => ({
  headers: { "orch-tenant": tenant, "orch-actor": "ada" },
});

/** Two servers over one database, and clients of the first. */
export interface WindowScene {
  readonly owner: pg.Pool;
  readonly backfills: Client<typeof BackfillService>;
  readonly watermarks: Client<typeof WatermarkService>;
  readonly jobs: Client<typeof JobService>;
  readonly runs: Client<typeof RunService>;
  readonly flow: Client<typeof FlowControlService>;
  readonly history: Client<typeof HistoryService>;
  /** A tenant that nobody else uses, with a series. */
  newTenant(): Promise<{ readonly name: string; readonly auth: ReturnType<typeof as> }>;
  /** Opens a worker on a server; it completes the hours that `fails` does not name. */
  work(tenant: string, fails?: (hour: number) => boolean, server?: number): void;
  close(): Promise<void>;
}

/** Opens a scene. Close it in the end. */
export async function openWindowScene(): Promise<WindowScene> {
  const database = await createTestDatabase();
  const servers = await Promise.all([1, 2].map(() => startServerHere(database.url)));
  const urlOf = (server: number) => servers[server]?.url ?? "";
  const transport = createGrpcTransport({ baseUrl: urlOf(0) });
  const watermarks = createClient(WatermarkService, transport);
  const streams: WorkerStream[] = [];
  let tenants = 0;
  return {
    owner: database.owner(),
    backfills: createClient(BackfillService, transport),
    watermarks,
    jobs: createClient(JobService, transport),
    runs: createClient(RunService, transport),
    flow: createClient(FlowControlService, transport),
    history: createClient(HistoryService, transport),
    async newTenant() {
      const name = `w${++tenants}`;
      await watermarks.putWindowSeries({ series, reason: "test" }, as(name));
      return { name, auth: as(name) };
    },
    work(tenant, fails = () => false, server = 0) {
      const stream = workerOf(urlOf(server), tenant);
      streams.push(stream);
      void drive(stream, ({ spec }) => {
        const hour = (Number(spec?.window?.startTime?.seconds) * 1_000 - originMs) / HOUR_MS;
        return fails(hour) ? { message: "no", terminal: true } : undefined;
      });
    },
    async close() {
      for (const stream of streams) stream.cut();
      await Promise.all(streams.map((stream) => stream.ended));
      await Promise.all(servers.map((server) => server.stop()));
      await database.drop();
    },
  };
}

function workerOf(baseUrl: string, tenant: string): WorkerStream {
  const transport = createGrpcTransport({
    baseUrl,
    interceptors: [
      (next) => (request) => {
        request.header.set("orch-tenant", tenant);
        return next(request);
      },
    ],
  });
  const stream = new WorkerStream(createClient(TaskRunnerService, transport));
  stream.hello(8, { workerId: newId() });
  return stream;
}
