import path from "node:path";
import type { Pipeline } from "@stellaops/orchestrator";
import { type Language, queuesOf } from "./agents/languages.ts";
import { DISCOVER_JOB_NAME, DISCOVER_JOB_TYPE } from "./handlers/discover.ts";
import { MERGE_JOB_NAME, MERGE_JOB_TYPE } from "./handlers/merge.ts";
import { RETRY } from "./handlers/scan.ts";
import { ledgerName } from "./ledger-name.ts";

/** The pipeline's name in the ledger. */
export const PIPELINE_NAME = "demo.sbom";

/**
 * The pipeline: a job that finds the manifests and fans out a scan for each, and one that merges
 * what the scans found, which waits for them without knowing them. Both wait in `queue`; a
 * template cannot say a queue, so every demo stores a version with its own.
 */
export function sbomPipeline(queue: string): Pipeline {
  const around = { queue, retry: RETRY, labels: { folder: `\${folder}` } };
  return {
    name: PIPELINE_NAME,
    description: "Finds a folder's dependency manifests, scans each and merges them into an SBOM.",
    parameters: [
      { name: "folder", description: "The scanned folder's name, for people." },
      { name: "queues", kind: "json", description: "The queue of each ecosystem's scans." },
    ],
    jobs: [
      {
        ...around,
        name: DISCOVER_JOB_NAME,
        jobType: DISCOVER_JOB_TYPE,
        payloadTemplate: { queues: `\${queues}` },
      },
      {
        ...around,
        name: MERGE_JOB_NAME,
        jobType: MERGE_JOB_TYPE,
        dependsOn: [{ name: DISCOVER_JOB_NAME, includeFanOut: true }],
      },
    ],
  };
}

/** The parameters' values for the folder `root`, with agents in these languages. */
export function pipelineValues(root: string, queue: string, present: ReadonlySet<Language>) {
  return { folder: ledgerName(path.basename(root) || root), queues: queuesOf(queue, present) };
}
