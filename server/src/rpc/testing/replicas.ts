import { randomUUID } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { type Client, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import type pg from "pg";
import { expect } from "vitest";
import { createTestDatabase } from "../../../../test/support/database.ts";
import { startServerHere } from "../../../../test/support/server.ts";
import { FleetService } from "../../gen/stellaops/orchestrator/v1/fleet_pb.ts";
import {
  FlowControlService,
  type FlowScopeKind,
  type FlowSettingsSchema,
} from "../../gen/stellaops/orchestrator/v1/flow_control_pb.ts";
import {
  type BlockedBy,
  JobService,
  type JobSpecSchema,
} from "../../gen/stellaops/orchestrator/v1/job_pb.ts";
import { RunService } from "../../gen/stellaops/orchestrator/v1/run_pb.ts";
import { SourceService } from "../../gen/stellaops/orchestrator/v1/source_pb.ts";
import {
  type HelloSchema,
  TaskRunnerService,
} from "../../gen/stellaops/orchestrator/v1/task_runner_pb.ts";
import { type Clients, WorkerStream } from "./worker-stream.ts";

/** What a change may take to show everywhere, in milliseconds, and a machine that is busy. */
export const SOON = { timeout: 10_000, interval: 25 };

type Settings = Omit<MessageInitShape<typeof FlowSettingsSchema>, "scope" | "$typeName">;

/** Clients of one replica for one tenant. */
export interface TenantClients {
  readonly jobs: Client<typeof JobService>;
  readonly flow: Client<typeof FlowControlService>;
  readonly sources: Client<typeof SourceService>;
  readonly runner: Clients["runner"];
  readonly runs: Client<typeof RunService>;
  readonly fleet: Client<typeof FleetService>;
}

/** A tenant of a test's own, on all replicas. */
export interface Tenant {
  readonly name: string;
  /** Clients of a replica; the first unless told. */
  on(replica?: number): TenantClients;
  /** Opens a stream; it is cut when the replicas close. */
  connect(replica?: number): WorkerStream;
  /** Opens one and says Hello. */
  worker(
    slots: number,
    over?: MessageInitShape<typeof HelloSchema>,
    replica?: number,
  ): WorkerStream;
  /** Enqueues jobs of type "test.echo", unless told; answers their ids. */
  enqueue(count: number, over?: MessageInitShape<typeof JobSpecSchema>): Promise<string[]>;
  /** Replaces the settings of a scope. */
  set(kind: FlowScopeKind, name: string, settings: Settings): Promise<void>;
  /** What a replica says that a job waits for. */
  explain(jobId: string, replica?: number): Promise<BlockedBy["cause"]>;
  /** Waits until every replica says that a job waits for this kind of thing. */
  blockedBy<Case extends NonNullable<BlockedBy["cause"]["case"]>>(
    jobId: string,
    cause: Case,
  ): Promise<Extract<BlockedBy["cause"], { case: Case }>["value"]>;
  /** When jobs came into a state, by the ledger's clock, in milliseconds since 1970, ascending. */
  moments(toState: string): Promise<number[]>;
  /** The job's row of counts, and its events' states in order. */
  history(jobId: string): Promise<{ failures: number; interruptions: number; states: string[] }>;
}

/** Servers over one database. */
export interface Replicas {
  readonly owner: pg.Pool;
  /** A tenant that nobody else uses. */
  tenant(): Tenant;
  /** Cuts all streams: a test's workers take nothing from the next one. */
  cut(): Promise<void>;
  close(): Promise<void>;
}

/** Starts `count` servers inside this process, over one database of their own. */
export async function startReplicas(
  count: number,
  policy: object = {},
  clocks: Parameters<typeof startServerHere>[2] = {},
): Promise<Replicas> {
  const database = await createTestDatabase();
  const owner = database.owner();
  const servers = await Promise.all(
    Array.from({ length: count }, () => startServerHere(database.url, policy, clocks)),
  );
  const streams: WorkerStream[] = [];
  let tenants = 0;
  const cut = async () => {
    for (const stream of streams) stream.cut();
    await Promise.all(streams.splice(0).map((stream) => stream.ended));
  };
  return {
    owner,
    cut,
    tenant() {
      const name = `t${++tenants}-${randomUUID().slice(0, 8)}`;
      const clients = servers.map(({ url }) => clientsFor(url, name));
      return tenantOver(name, clients, owner, streams);
    },
    async close() {
      await cut();
      await Promise.all(servers.map((server) => server.stop()));
      await database.drop();
    },
  };
}

/** Clients of a server that speak for a tenant. */
export function clientsFor(baseUrl: string, tenant: string): TenantClients {
  const transport = createGrpcTransport({
    baseUrl,
    interceptors: [
      (next) => (request) => {
        request.header.set("orch-tenant", tenant);
        return next(request);
      },
    ],
  });
  return {
    jobs: createClient(JobService, transport),
    flow: createClient(FlowControlService, transport),
    sources: createClient(SourceService, transport),
    runner: createClient(TaskRunnerService, transport),
    runs: createClient(RunService, transport),
    fleet: createClient(FleetService, transport),
  };
}

function tenantOver(
  name: string,
  clients: readonly TenantClients[],
  owner: pg.Pool,
  streams: WorkerStream[],
): Tenant {
  let workers = 0;
  const on = (replica = 0) => clients[replica] as TenantClients;
  const connect = (replica = 0) => {
    const stream = new WorkerStream(on(replica).runner);
    streams.push(stream);
    return stream;
  };
  const explain = async (jobId: string, replica = 0) =>
    (await on(replica).jobs.explainJob({ jobId })).blockedBy?.cause ?? { case: undefined };
  return {
    name,
    on,
    connect,
    worker(slots, over, replica) {
      const stream = connect(replica);
      stream.hello(slots, { workerId: `worker-${++workers}`, ...over });
      return stream;
    },
    async enqueue(count, over = {}) {
      const ids: string[] = [];
      while (ids.length < count) {
        const length = Math.min(1_000, count - ids.length);
        const jobs = Array.from({ length }, () => ({ jobType: "test.echo", ...over }));
        const { results } = await on().jobs.enqueueJobs({ jobs });
        ids.push(...results.map(({ jobId }) => jobId));
      }
      return ids;
    },
    async set(kind, scopeName, settings) {
      await on().flow.updateFlowSettings({
        settings: { ...settings, scope: { kind, name: scopeName } },
        reason: "test",
      });
    },
    explain,
    async blockedBy(jobId, cause) {
      let found: BlockedBy["cause"] = { case: undefined };
      for (const replica of clients.keys()) {
        await expect
          .poll(async () => {
            found = await explain(jobId, replica);
            return found.case;
          }, SOON)
          .toBe(cause);
      }
      return found.value as never;
    },
    async moments(toState) {
      const { rows } = await owner.query<{ ms: number }>(
        `select extract(epoch from at)::float8 * 1000 as ms from job_event
         where tenant = $1 and to_state = $2 order by at`,
        [name, toState],
      );
      return rows.map(({ ms }) => ms);
    },
    async history(jobId) {
      const { job } = await on().jobs.getJob({ jobId });
      const { rows } = await owner.query<{ to_state: string }>(
        "select to_state from job_event where tenant = $1 and job_id = $2 order by id",
        [name, jobId],
      );
      return {
        failures: job?.failures ?? -1,
        interruptions: job?.interruptions ?? -1,
        states: rows.map((row) => row.to_state),
      };
    },
  };
}
