import type pg from "pg";
import { explainJob } from "../../server/src/app/jobs/explain-job.ts";
import { getJob } from "../../server/src/app/jobs/get-job.ts";
import { listEvents } from "../../server/src/app/jobs/list-events.ts";
import { listJobs } from "../../server/src/app/jobs/list-jobs.ts";
import { watchJobs } from "../../server/src/app/jobs/watch-jobs.ts";
import { JobService } from "../../server/src/gen/stellaops/orchestrator/v1/job_pb.ts";
import {
  changedSince,
  listJobEvents,
  listJobViews,
  readJobViews,
  readJobWait,
  readJobWithAttempts,
} from "../../server/src/ledger/read.ts";
import { runJobIds } from "../../server/src/ledger/run-read.ts";
import { errorsInterceptor } from "../../server/src/rpc/interceptors/errors.ts";
import { tenantInterceptor } from "../../server/src/rpc/interceptors/tenant.ts";
import { validationInterceptor } from "../../server/src/rpc/interceptors/validation.ts";
import { jobReadService } from "../../server/src/rpc/job-read.ts";
import { type RunningListener, startListener } from "../../server/src/rpc/listener.ts";
import { silentLogger } from "./logger.ts";

/** A server that has nothing but the read half of JobService. */
export interface JobReadServer {
  readonly listener: RunningListener;
  readonly stopping: AbortController;
}

/** Serves the read half of JobService on a free port, from a ledger. */
export async function startJobReadServer(
  pool: pg.Pool,
  capableWorkers: number,
): Promise<JobReadServer> {
  const windowMs = () => 72 * 3_600_000;
  const stopping = new AbortController();
  const read = jobReadService({
    getJob: getJob({ read: readJobWithAttempts(pool, windowMs) }),
    listJobs: listJobs({ list: listJobViews(pool, windowMs) }),
    listEvents: listEvents({ list: listJobEvents(pool) }),
    watch: watchJobs({
      runJobIds: runJobIds(pool),
      changed: changedSince(pool),
      read: readJobViews(pool, windowMs),
      onChange: () => () => {},
    }),
    explain: explainJob({
      wait: readJobWait(pool),
      heldBack: async () => undefined,
      capableWorkers: async () => capableWorkers,
      stuck: async () => undefined,
    }),
    stopping: stopping.signal,
  });
  const listener = await startListener({
    host: "127.0.0.1",
    port: 0,
    maxMessageBytes: 4 * 1024 * 1024,
    routes: (router) => router.service(JobService, read),
    interceptors: [errorsInterceptor(silentLogger), tenantInterceptor(), validationInterceptor()],
    logger: silentLogger,
  });
  return { listener, stopping };
}
