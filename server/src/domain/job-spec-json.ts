import type { JobSpec } from "./job-spec.ts";

/** A job spec as JSON keeps it: bytes are base64, moments RFC 3339, what is not set is left out. */
export type JobSpecJson = Readonly<Record<string, unknown>>;

/**
 * Writes a job spec so that {@link readJobSpecJson} reads the same one. The result is what it would
 * be after a round trip, so that it can be compared before one.
 */
export const writeJobSpecJson = (spec: JobSpec): JobSpecJson =>
  JSON.parse(
    JSON.stringify({ ...spec, payload: Buffer.from(spec.payload).toString("base64") }),
  ) as JobSpecJson;

type Written = Omit<JobSpec, "payload" | "notBefore" | "window"> & {
  readonly payload: string;
  readonly notBefore?: string;
  readonly window?: { readonly scope: string; readonly start: string; readonly end: string };
};

/** Reads what {@link writeJobSpecJson} wrote. */
export function readJobSpecJson(json: JobSpecJson): JobSpec {
  const { payload, notBefore, window, ...plain } = json as unknown as Written;
  return {
    ...plain,
    payload: new Uint8Array(Buffer.from(payload, "base64")),
    notBefore: notBefore === undefined ? undefined : new Date(notBefore),
    window: window && {
      scope: window.scope,
      start: new Date(window.start),
      end: new Date(window.end),
    },
  };
}
