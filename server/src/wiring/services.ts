import { downloadArtifact } from "../app/artifacts/download-artifact.ts";
import { findMissing } from "../app/artifacts/find-missing.ts";
import { queryUpload } from "../app/artifacts/query-upload.ts";
import { uploadArtifact } from "../app/artifacts/upload-artifact.ts";
import type { Audit } from "../app/audit.ts";
import { enqueueJobs } from "../app/jobs/enqueue-jobs.ts";
import { explainJob } from "../app/jobs/explain-job.ts";
import { getJob } from "../app/jobs/get-job.ts";
import { listEvents } from "../app/jobs/list-events.ts";
import { listJobs } from "../app/jobs/list-jobs.ts";
import { watchJobs } from "../app/jobs/watch-jobs.ts";
import { announce, type NoticeBoard } from "../app/notices.ts";
import type { BlobFolder } from "../blobs/folder.ts";
import type { LeasePolicies } from "../domain/lease-policy.ts";
import type { Metrics } from "../http/metrics.ts";
import { artifactSizes, findArtifactRow, recordArtifact } from "../ledger/artifacts.ts";
import { countCapableElsewhere } from "../ledger/capabilities.ts";
import { findEnqueuedIn } from "../ledger/flow-usage.ts";
import { checkLeaseIn } from "../ledger/leases.ts";
import { cancelJobsIn, retryJobsIn } from "../ledger/operate.ts";
import type { LedgerPool } from "../ledger/pool.ts";
import {
  changedSince,
  listJobEvents,
  listJobViews,
  readJobViews,
  readJobWait,
  readJobWithAttempts,
} from "../ledger/read.ts";
import { runJobIds } from "../ledger/run-read.ts";
import { readStuckIn } from "../ledger/stuck.ts";
import { artifactService } from "../rpc/artifact-service.ts";
import { jobReadService } from "../rpc/job-read.ts";
import { jobWrites } from "../rpc/job-write.ts";
import type { ContractServices } from "../rpc/routes.ts";
import { taskRunnerService } from "../rpc/task-runner-service.ts";
import type { Bridge } from "./bridge.ts";
import type { Feature } from "./features.ts";
import { type WriteLimits, wireFlowServices } from "./flow.ts";
import type { Limits } from "./limits.ts";
import type { Store } from "./store.ts";

/** What the services are made of. */
export interface ServicesOptions {
  readonly pool: LedgerPool;
  readonly blobs: BlobFolder;
  readonly board: NoticeBoard;
  readonly policies: LeasePolicies;
  readonly store: Store;
  readonly bridge: Bridge;
  readonly limits: WriteLimits;
  readonly flow: Limits;
  readonly metrics: Pick<Metrics, "enqueued" | "fired" | "stuck" | "watermarks">;
  readonly serverId: string;
  /** Aborted when the server stops: waits, watches and transfers end. */
  readonly stopping: AbortSignal;
}

/** Builds the services of the contract over the use cases. */
export const wireServices = (
  options: ServicesOptions,
  features: readonly Feature[],
): ContractServices => {
  const own = ownServices(options);
  const all = Object.assign({}, ...features.map(({ loops, ...services }) => services));
  const job = Object.assign({}, own.job, ...features.map((feature) => feature.job));
  const run = Object.assign({}, ...features.map((feature) => feature.run));
  return { ...all, ...own, job, run };
};

const ownServices = (options: ServicesOptions) => ({
  taskRunner: taskRunnerService(taskRunnerPorts(options)),
  job: { ...jobReads(options), ...jobWrites(jobWritePorts(options)) },
  artifact: artifacts(options),
  ...wireFlowServices({ ...options, readStates: options.flow.readStates }),
});

const taskRunnerPorts = ({ bridge, policies, pool, serverId, stopping }: ServicesOptions) => ({
  sessions: bridge.sessions,
  writes: bridge.writes,
  claim: bridge.claim,
  checkLease: checkLeaseIn(pool),
  policies,
  serverId,
  maxPayloadBytes: policies.base.maxPayloadBytes,
  stopping,
});

const jobReads = (options: ServicesOptions) => {
  const { pool, board, policies, bridge, flow, stopping } = options;
  const capableElsewhere = countCapableElsewhere(pool, options.serverId);
  const windowMs = (jobType: string) => policies.for(jobType).interruptionWindowMs;
  return jobReadService({
    getJob: getJob({ read: readJobWithAttempts(pool, windowMs) }),
    listJobs: listJobs({ list: listJobViews(pool, windowMs) }),
    listEvents: listEvents({ list: listJobEvents(pool) }),
    watch: watchJobs({
      runJobIds: runJobIds(pool),
      changed: changedSince(pool),
      read: readJobViews(pool, windowMs),
      onChange: (tenant, wake) =>
        board.subscribe((notice) => {
          if (notice.kind === "changed" && notice.tenants.includes(tenant)) wake();
        }),
    }),
    explain: explainJob({
      wait: readJobWait(pool),
      capableWorkers: async (tenant, queue, jobType) =>
        bridge.dispatcher.capable(tenant, queue, jobType) +
        (await capableElsewhere(tenant, queue, jobType)),
      stuck: readStuckIn(pool),
      heldBack: (lane) => flow.gates.explain(lane),
    }),
    stopping,
  });
};

const jobWritePorts = ({ pool, board, policies, store, limits }: ServicesOptions) => {
  const cancel = cancelJobsIn(pool);
  const retry = retryJobsIn(pool);
  const { maxPayloadBytes, drainGraceMs } = policies.base;
  return {
    enqueue: enqueueJobs({
      store: store.enqueue,
      admit: limits.admit,
      findEnqueued: findEnqueuedIn(pool),
      maxPayloadBytes,
    }),
    cancel: async (
      tenant: string,
      jobIds: readonly string[],
      audit: Audit,
      grace: number | undefined,
    ) => {
      const graceMs = grace ?? drainGraceMs;
      const answer = await cancel(tenant, jobIds, audit.reason, graceMs, audit);
      announce(board, answer);
      for (const stop of answer.stops) {
        board.publish({ kind: "stop", ...stop, reason: "user", graceMs });
      }
      return answer.results;
    },
    retry: async (tenant: string, jobIds: readonly string[], audit: Audit) => {
      const answer = await retry(tenant, jobIds, audit);
      announce(board, answer);
      return answer.results;
    },
  };
};

const artifacts = ({ pool, blobs, limits, stopping }: ServicesOptions) => {
  const stored = {
    find: findArtifactRow(pool),
    holds: blobs.holds.bind(blobs),
  };
  return artifactService({
    findMissing: findMissing({ sizes: artifactSizes(pool), holds: stored.holds }),
    upload: uploadArtifact({
      ...stored,
      open: blobs.open.bind(blobs),
      record: recordArtifact(pool),
      reserve: limits.room.reserve.bind(limits.room),
    }),
    queryUpload: queryUpload({ ...stored, committedSize: blobs.committedSize.bind(blobs) }),
    download: downloadArtifact({ ...stored, read: blobs.read.bind(blobs) }),
    stopping,
  });
};
