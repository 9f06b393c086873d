import { decodeJson, type Handler, type JobContext, TerminalError } from "@stellaops/orchestrator";
import type { Inventory } from "../component.ts";
import { ManifestError } from "../manifest-error.ts";
import { ManifestChangedError } from "../manifest-files.ts";
import { SBOM_MEDIA_TYPE, SBOM_NAME } from "../sbom/document.ts";
import { SbomInvalidError } from "../sbom/validate.ts";
import { MERGE_JOB_TYPE, type MergeRequest, type MergeResult, merge } from "./merge.ts";
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
  const { scans } = job.json<MergeRequest>();
  const inventories = await scannedInventories(job);
  if (inventories.length !== scans)
    throw new TerminalError(`found ${inventories.length} component lists, not ${scans}`);
  job.progress(0.6, { message: "merging" });
  const { bytes, result } = await merge(inventories);
  job.progress(0.9, { message: `uploading ${bytes.length} bytes` });
  await job.uploadArtifact(SBOM_NAME, bytes, { mediaType: SBOM_MEDIA_TYPE });
  return result;
}

async function scannedInventories(job: JobContext): Promise<Inventory[]> {
  if (!job.runId) throw new TerminalError("a merge belongs in a run");
  const { orchestrator, signal } = job;
  const run = await orchestrator.getRun(job.runId, { signal });
  const digests = run.jobs
    .filter((other) => other.jobType === SCAN_JOB_TYPE)
    .flatMap((other) => other.artifacts.filter((artifact) => artifact.name === INVENTORY_NAME))
    .map((artifact) => artifact.digest);
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
