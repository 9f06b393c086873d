import { decodeJson, type Handler, type JobContext, TerminalError } from "@stellaops/orchestrator";
import type { Inventory } from "../component.ts";
import { ManifestError } from "../manifest-error.ts";
import { ManifestChangedError } from "../manifest-files.ts";
import { SBOM_MEDIA_TYPE, SBOM_NAME } from "../sbom/document.ts";
import { SbomInvalidError } from "../sbom/validate.ts";
import { DISCOVER_JOB_TYPE, type DiscoverResult, fanOutScans } from "./discover.ts";
import { MERGE_JOB_TYPE, type MergeResult, merge } from "./merge.ts";
import {
  INVENTORY_NAME,
  inventoryBytes,
  SCAN_JOB_TYPE,
  type ScanRequest,
  type ScanResult,
  scan,
  scanResult,
} from "./scan.ts";

// Bounds memory and streams, while a download mostly waits.
const PARALLEL_DOWNLOADS = 16;

/** The handlers of the SBOM pipeline for manifests under `root`. */
export function sbomHandlers(root: string): Readonly<Record<string, Handler>> {
  return {
    [DISCOVER_JOB_TYPE]: (job) => fanOutScans(job, root),
    [SCAN_JOB_TYPE]: (job) => terminalIfHopeless(() => handleScan(job, root)),
    [MERGE_JOB_TYPE]: (job) => terminalIfHopeless(() => handleMerge(job)),
  };
}

async function handleScan(job: JobContext, root: string): Promise<ScanResult> {
  const inventory = await scan(root, job.json<ScanRequest>());
  job.progress(0.5, { message: `${inventory.components.length} components` });
  await job.uploadArtifact(INVENTORY_NAME, inventoryBytes(inventory), {
    mediaType: "application/json",
  });
  return scanResult(inventory);
}

async function handleMerge(job: JobContext): Promise<MergeResult> {
  const inventories = await scannedInventories(job, await expectedScans(job));
  job.progress(0.6, { message: "merging" });
  const { bytes, result } = await merge(inventories);
  job.progress(0.9, { message: `uploading ${bytes.length} bytes` });
  await job.uploadArtifact(SBOM_NAME, bytes, { mediaType: SBOM_MEDIA_TYPE });
  return result;
}

/** How many scans the discovery of the job's run says that there are. */
async function expectedScans(job: JobContext): Promise<number> {
  for await (const { jobId } of jobsOfRun(job, DISCOVER_JOB_TYPE)) {
    // A list shows jobs without their results.
    const { result } = await job.orchestrator.getJob(jobId, { signal: job.signal });
    return decodeJson<DiscoverResult>(result).scans;
  }
  throw new TerminalError("a merge belongs in a run that begins with a discovery");
}

async function scannedInventories(job: JobContext, scans: number): Promise<Inventory[]> {
  const { orchestrator, signal } = job;
  const digests: string[] = [];
  for await (const { artifacts } of jobsOfRun(job, SCAN_JOB_TYPE))
    for (const { name, digest } of artifacts) if (name === INVENTORY_NAME) digests.push(digest);
  if (digests.length !== scans)
    throw new TerminalError(`found ${digests.length} component lists, not ${scans}`);
  const inventories: Inventory[] = [];
  for (let start = 0; start < digests.length; start += PARALLEL_DOWNLOADS) {
    const some = digests.slice(start, start + PARALLEL_DOWNLOADS);
    const read = (digest: string) => orchestrator.artifacts.bytes(digest, { signal });
    for (const bytes of await Promise.all(some.map(read)))
      inventories.push(decodeJson<Inventory>(bytes));
    const fraction = (0.5 * inventories.length) / digests.length;
    job.progress(fraction, { message: `read ${inventories.length} component lists` });
  }
  return inventories;
}

function jobsOfRun({ orchestrator, runId, signal }: JobContext, jobType: string) {
  // An empty run id would not narrow the list.
  if (!runId) throw new TerminalError("a merge belongs in a run");
  return orchestrator.listJobs({ runId, jobTypes: [jobType] }, { signal });
}

/** Errors that no further attempt could get past become terminal, with their failure class. */
async function terminalIfHopeless<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ManifestError)
      throw new TerminalError(error.message, { failureClass: "parse_error", cause: error });
    if (error instanceof SbomInvalidError)
      throw new TerminalError(error.message, { failureClass: "schema_mismatch", cause: error });
    if (error instanceof ManifestChangedError)
      throw new TerminalError(error.message, { cause: error });
    throw error;
  }
}
