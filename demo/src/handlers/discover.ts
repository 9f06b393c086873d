import { type JobContext, OrchestratorError, TerminalError } from "@stellaops/orchestrator";
import type { Queues } from "../agents/languages.ts";
import { discover, type Manifest } from "../discovery.ts";
import { ledgerName } from "../ledger-name.ts";
import { RETRY, SCAN_JOB_TYPE, type ScanRequest } from "./scan.ts";

/** The job type of the discovery. */
export const DISCOVER_JOB_TYPE = "sbom.discover";

/** The discovery's name in its run. */
export const DISCOVER_JOB_NAME = "discover";

/** What the discovery is asked. */
export interface DiscoverRequest {
  /** Where the scans of each ecosystem wait. */
  readonly queues: Queues;
}

/** What the discovery answers. */
export interface DiscoverResult {
  /** How many scans it fanned out; a merge that finds fewer would make an SBOM with holes. */
  readonly scans: number;
}

// What AppendJobs takes at once.
const BATCH = 1000;

/** The scan jobs as `fanOut` takes them, one for each manifest. */
export function scanJobs(manifests: readonly Manifest[], queues: Queues) {
  return manifests.map(({ kind, path: manifest, files, ecosystem }) => ({
    name: ledgerName(manifest),
    jobType: SCAN_JOB_TYPE,
    queue: queues[ecosystem],
    payload: { kind, manifest, files } satisfies ScanRequest,
    labels: { ecosystem },
    retry: RETRY,
  }));
}

/**
 * Finds the manifests under `root` and fans out their scans. A second attempt finds the jobs of
 * the first by their names; it is a TerminalError when a manifest changed in between.
 */
export async function fanOutScans(job: JobContext, root: string): Promise<DiscoverResult> {
  const { queues } = job.json<DiscoverRequest>();
  const { manifests } = await discover(root);
  const scans = scanJobs(manifests, queues);
  if (scans.length === 0) throw new TerminalError("the folder has no manifest any more");
  for (let start = 0; start < scans.length; start += BATCH) {
    await job.fanOut(scans.slice(start, start + BATCH)).catch(refuseOtherContent);
    const made = Math.min(start + BATCH, scans.length);
    job.progress(made / scans.length, { message: `${made} of ${scans.length} scans` });
  }
  return { scans: scans.length };
}

function refuseOtherContent(error: unknown): never {
  if (!(error instanceof OrchestratorError) || error.reason !== "JOB_NAME_CONFLICT") throw error;
  const text = `a manifest changed since the attempt before: ${error.message}`;
  throw new TerminalError(text, { cause: error });
}
