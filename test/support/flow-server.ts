import type pg from "pg";
import type { FlowConfigs } from "../../server/src/app/flow/config-cache.ts";
import type { FlowStateView } from "../../server/src/app/flow/list-states.ts";
import { enqueueJobs } from "../../server/src/app/jobs/enqueue-jobs.ts";
import type { Notice } from "../../server/src/app/notices.ts";
import { createRun } from "../../server/src/app/runs/create-run.ts";
import * as flow from "../../server/src/gen/stellaops/orchestrator/v1/flow_control_pb.ts";
import { JobService } from "../../server/src/gen/stellaops/orchestrator/v1/job_pb.ts";
import { RunService } from "../../server/src/gen/stellaops/orchestrator/v1/run_pb.ts";
import { SourceService } from "../../server/src/gen/stellaops/orchestrator/v1/source_pb.ts";
import { storeJobs } from "../../server/src/ledger/enqueue.ts";
import { findEnqueuedIn } from "../../server/src/ledger/flow-usage.ts";
import { readRun, readRunHead } from "../../server/src/ledger/run-read.ts";
import { findStoredRun, storeRunIn } from "../../server/src/ledger/runs.ts";
import { Emitter } from "../../server/src/lib/emitter.ts";
import { actorInterceptor } from "../../server/src/rpc/interceptors/actor.ts";
import { errorsInterceptor } from "../../server/src/rpc/interceptors/errors.ts";
import { tenantInterceptor } from "../../server/src/rpc/interceptors/tenant.ts";
import { validationInterceptor } from "../../server/src/rpc/interceptors/validation.ts";
import { jobWrites } from "../../server/src/rpc/job-write.ts";
import { type RunningListener, startListener } from "../../server/src/rpc/listener.ts";
import { reflectionRoutes } from "../../server/src/rpc/reflection.ts";
import { runService } from "../../server/src/rpc/run-service.ts";
import {
  type WriteLimits,
  wireFlowConfigs,
  wireFlowServices,
  wireWriteLimits,
} from "../../server/src/wiring/flow.ts";
import { silentLogger } from "./logger.ts";

const DAY_MS = 86_400_000;
const MAX_PAYLOAD_BYTES = 262_144;

/** A server of flow control's services, and of the writes that ask them, without dispatch. */
export interface FlowServer {
  readonly listener: RunningListener;
  /** Started; reads settings anew as soon as this server changed them. */
  readonly configs: FlowConfigs;
  readonly limits: WriteLimits;
  /** What went up on the board. */
  readonly notices: readonly Notice[];
  readonly stop: () => Promise<void>;
}

/** Serves on a free port, from a ledger. */
export async function startFlowServer(
  pool: pg.Pool,
  readStates: (tenant: string) => Promise<readonly FlowStateView[]> = async () => [],
): Promise<FlowServer> {
  const emitter = new Emitter<Notice>();
  const notices: Notice[] = [];
  emitter.subscribe((notice) => notices.push(notice));
  const board = {
    publish: (notice: Notice) => emitter.emit(notice),
    subscribe: (listener: (notice: Notice) => void) => emitter.subscribe(listener),
  };
  const configs = wireFlowConfigs({ pool, board }, () => {});
  configs.start();
  const limits = wireWriteLimits(pool, configs);
  const { source, flowControl } = wireFlowServices({ pool, board, readStates });
  const listener = await startListener({
    host: "127.0.0.1",
    port: 0,
    maxMessageBytes: 4 * 1024 * 1024,
    routes: (router) => {
      router.service(SourceService, source);
      router.service(flow.FlowControlService, flowControl);
      router.service(JobService, jobService(pool, limits));
      router.service(RunService, runs(pool, limits));
      reflectionRoutes([SourceService, flow.FlowControlService])(router);
    },
    interceptors: [
      errorsInterceptor(silentLogger),
      tenantInterceptor(),
      actorInterceptor(),
      validationInterceptor(),
    ],
    logger: silentLogger,
  });
  const stop = async () => {
    await listener.close(0);
    await configs.stop();
  };
  return { listener, configs, limits, notices, stop };
}

function jobService(pool: pg.Pool, { admit, payloadQuota }: WriteLimits) {
  const store = storeJobs(pool, DAY_MS, payloadQuota);
  return jobWrites({
    enqueue: enqueueJobs({
      store: async (jobs) => (await store(jobs)).results,
      admit,
      findEnqueued: findEnqueuedIn(pool),
      maxPayloadBytes: MAX_PAYLOAD_BYTES,
    }),
    cancel: async () => [],
    retry: async () => [],
  });
}

function runs(pool: pg.Pool, { admit, payloadQuota }: WriteLimits) {
  const store = storeRunIn(pool, DAY_MS, payloadQuota);
  return runService({
    create: createRun({
      store: async (run) => (await store(run)).stored,
      admit,
      findStored: findStoredRun(pool),
      maxPayloadBytes: MAX_PAYLOAD_BYTES,
    }),
    read: readRun(pool, () => DAY_MS),
    readHead: readRunHead(pool),
  });
}
