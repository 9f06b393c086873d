import type { JobSpec } from "../domain/job-spec.ts";
import { type JobSpecJson, readJobSpecJson, writeJobSpecJson } from "../domain/job-spec-json.ts";

/** What `backfill.spec` keeps: the width that its windows have, and the job of each. */
interface BackfillContent {
  readonly widthMs: number;
  readonly job: JobSpecJson;
}

/** The JSON of `backfill.spec`. */
export function writeContent(widthMs: number, job: JobSpec): string {
  const content: BackfillContent = { widthMs, job: writeJobSpecJson(job) };
  return JSON.stringify(content);
}

/** What {@link writeContent} wrote. */
export function readContent(stored: unknown): { readonly widthMs: number; readonly job: JobSpec } {
  const { widthMs, job } = stored as BackfillContent;
  return { widthMs, job: readJobSpecJson(job) };
}
