import { createHash, randomUUID } from "node:crypto";
import type { JsonObject } from "@bufbuild/protobuf";
import { FlowScopeKind } from "../../server/src/gen/stellaops/orchestrator/v1/flow_control_pb.ts";
import type { Clients } from "../../server/src/rpc/testing/clients.ts";
import { claimOne, type PlanScene, setPlans } from "./plan-scene.ts";

/** A lease in proto JSON. */
export type LeaseJson = JsonObject & {
  readonly jobId: string;
  readonly attempt: number;
  readonly leaseEpoch: string;
  readonly leaseToken: string;
};

/** What a tenant has when a bad request comes. */
export interface Scene extends PlanScene {
  readonly tenant: string;
  /** Waits in its queue. */
  readonly readyJob: string;
  readonly runningLease: LeaseJson;
  readonly succeededJob: string;
  /** The lease under which it succeeded. */
  readonly endedLease: LeaseJson;
  readonly cancelledJob: string;
  /** A run of two, the second waits for the first, which is worked on. */
  readonly runId: string;
  readonly runLease: LeaseJson;
  readonly digest: string;
  readonly artifactBytes: Buffer;
}

const TYPES = { ready: "bad.ready", running: "bad.running", done: "bad.done", run: "bad.run" };

/** Sets the scene in a tenant of its own. */
export async function setScene(clients: Clients): Promise<Scene> {
  const tenant = `bad-${randomUUID().slice(0, 8)}`;
  const options = { headers: { "orch-tenant": tenant } };
  await setFlow(clients, options);
  const plans = setPlans(clients, options);
  const { results } = await clients.jobs.enqueueJobs(
    {
      jobs: [
        { jobType: TYPES.ready, idempotencyKey: "taken", payload: new Uint8Array(1) },
        { jobType: TYPES.running },
        { jobType: TYPES.done },
        { jobType: TYPES.ready },
      ],
    },
    options,
  );
  const [readyJob = "", , succeededJob = "", cancelledJob = ""] = results.map((r) => r.jobId);
  const claim = async (jobType: string): Promise<LeaseJson> => {
    const { jobId, attempt, leaseEpoch, leaseToken } = await claimOne(clients, jobType, options);
    return { jobId, attempt, leaseEpoch: String(leaseEpoch), leaseToken };
  };
  const runningLease = await claim(TYPES.running);
  const endedLease = await claim(TYPES.done);
  const lease = { ...endedLease, leaseEpoch: BigInt(endedLease.leaseEpoch) };
  const completions = [{ lease, completionId: randomUUID() }];
  await clients.taskRunner.completeAttempts({ completions }, options);
  await clients.jobs.cancelJobs({ jobIds: [cancelledJob] }, options);
  const spec = { jobType: TYPES.run };
  const jobs = [
    { name: "first", spec },
    { name: "then", spec, dependsOn: [{ name: "first" }] },
  ];
  const { run } = await clients.runs.createRun({ jobs }, options);
  const runLease = await claim(TYPES.run);
  const artifactBytes = Buffer.from(`artifact of ${tenant}`);
  const digest = await upload(clients, artifactBytes, options);
  const ids = { readyJob, succeededJob, cancelledJob, runId: run?.runId ?? "" };
  const leases = { runningLease, endedLease, runLease };
  return { tenant, ...ids, ...leases, digest, artifactBytes, ...(await plans) };
}

/** "sha256:…" of the bytes. */
export const digestOf = (bytes: Uint8Array): string =>
  `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

/** A source, a queue that takes nothing, and quotas that only a bad request runs into. */
async function setFlow(
  clients: Clients,
  options: { headers: Record<string, string> },
): Promise<void> {
  const { TENANT, QUEUE } = FlowScopeKind;
  await clients.sources.createSource({ source: { name: "osv" } }, options);
  const queue = { scope: { kind: QUEUE, name: "full" }, maxDepth: 0n };
  await clients.flow.updateFlowSettings({ settings: queue }, options);
  const quotas = { payloadBytesPerDay: 10_000n, artifactBytes: 10_000n };
  const tenant = { scope: { kind: TENANT }, quotas };
  await clients.flow.updateFlowSettings({ settings: tenant }, options);
}

async function upload(
  clients: Clients,
  bytes: Uint8Array<ArrayBuffer>,
  options: { headers: Record<string, string> },
): Promise<string> {
  const digest = digestOf(bytes);
  const value = { uploadId: randomUUID(), digest, sizeBytes: BigInt(bytes.length) };
  async function* messages() {
    yield { message: { case: "header" as const, value } };
    yield { message: { case: "chunk" as const, value: bytes } };
  }
  await clients.artifacts.uploadArtifact(messages(), options);
  return digest;
}
