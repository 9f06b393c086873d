import { createHash } from "node:crypto";
import type { Job, Orchestrator } from "@stellaops/orchestrator";
import { agentQueue, type Language } from "./agents/languages.ts";
import type { Manifest } from "./discovery.ts";
import type { Board } from "./display/board.ts";
import type { ProgressDisplay } from "./display/progress.ts";
import { MERGE_JOB_NAME, MERGE_JOB_TYPE, type MergeRequest } from "./handlers/merge.ts";
import { SCAN_JOB_TYPE, type ScanRequest } from "./handlers/scan.ts";

/** The most manifests that fit: a run has at most 1,000 jobs, and one of them merges. */
export const MAX_MANIFESTS = 999;

const MAX_NAME_BYTES = 255;
const MAX_ATTEMPTS = 3;
const CANCEL_TIMEOUT_MS = 3_000;

/** Says which agent scans a manifest. */
export type Route = (manifest: Manifest) => Language;

/** The jobs of the pipeline as `createRun` takes them; each language's jobs in its own queue. */
export function pipelineJobs(
  manifests: readonly Manifest[],
  queue: string,
  route: Route = () => "typescript",
) {
  const retry = { maxAttempts: MAX_ATTEMPTS };
  const scans = manifests.map((manifest) => {
    const { kind, path: main, files, ecosystem } = manifest;
    const payload: ScanRequest = { kind, manifest: main, files };
    const labels = { ecosystem };
    return {
      name: jobName(main),
      jobType: SCAN_JOB_TYPE,
      queue: agentQueue(queue, route(manifest)),
      payload,
      labels,
      retry,
    };
  });
  const merge = {
    name: MERGE_JOB_NAME,
    jobType: MERGE_JOB_TYPE,
    queue,
    payload: { scans: scans.length } satisfies MergeRequest,
    dependsOn: scans.map((scan) => scan.name),
    retry,
  };
  return [...scans, merge];
}

/** A manifest's path as a job's name: one too long keeps its end, and a digest keeps it unique. */
export function jobName(manifest: string): string {
  if (Buffer.byteLength(manifest) <= MAX_NAME_BYTES) return manifest;
  const digest = createHash("sha256").update(manifest).digest("hex").slice(0, 16);
  let end = manifest;
  while (Buffer.byteLength(`${digest}…${end}`) > MAX_NAME_BYTES) end = [...end].slice(1).join("");
  return `${digest}…${end}`;
}

/** Follows the run until every job is in a terminal state; returns its jobs as they ended. */
export async function followRun(
  orchestrator: Orchestrator,
  runId: string,
  { board, display, signal }: { board: Board; display: ProgressDisplay; signal: AbortSignal },
): Promise<readonly Job[]> {
  for await (const job of orchestrator.watchJobs({ runId }, { signal }))
    display.changed(job, board.update(job));
  signal.throwIfAborted();
  return (await orchestrator.getRun(runId, { signal })).jobs;
}

/** Cancels what is unfinished, so that a stopped demo leaves no job waiting for nobody. */
export async function cancelRun(
  orchestrator: Orchestrator,
  jobIds: readonly string[],
): Promise<void> {
  try {
    await orchestrator.cancelJobs(jobIds, {
      reason: "the demo was stopped",
      graceMs: 0,
      timeoutMs: CANCEL_TIMEOUT_MS,
    });
  } catch {
    // The server may be what broke; the jobs wait in a queue that nobody else reads.
  }
}
