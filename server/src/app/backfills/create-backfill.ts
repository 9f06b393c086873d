import { contentHash } from "../../domain/digest.ts";
import { contentDigest } from "../../domain/job-spec.ts";
import { alignDown, alignUp, countWindows } from "../../domain/plan/windows.ts";
import { newId } from "../../lib/ids.ts";
import type { Audit } from "../audit.ts";
import { type BackfillRefused, type BackfillSpec, MAX_BACKFILL_WINDOWS } from "./backfill.ts";

/** A range that fits a series. */
export type FitRange =
  | {
      readonly kind: "fits";
      readonly start: Date;
      readonly end: Date;
      readonly windows: number;
    }
  | Extract<BackfillRefused, { kind: "too_large" }>;

/** Rounds a backfill's range to whole windows. */
export function fitRange({ start, end }: Pick<BackfillSpec, "start" | "end">, widthMs: number) {
  const windows = countWindows({ start, end }, widthMs);
  const maxWindows = MAX_BACKFILL_WINDOWS;
  const fit: FitRange =
    windows > maxWindows
      ? { kind: "too_large", windows, maxWindows }
      : { kind: "fits", start: alignDown(start, widthMs), end: alignUp(end, widthMs), windows };
  return fit;
}

/** A backfill on its way into the ledger. */
export interface NewBackfill {
  readonly tenant: string;
  readonly id: string;
  readonly spec: BackfillSpec;
  /** SHA-256 of what "the same request" means for a repeated id. */
  readonly requestDigest: Uint8Array;
  readonly audit: Audit;
  /** Fits the range to the width of the series. */
  readonly fit: (widthMs: number) => FitRange;
}

/** What the ledger answers. */
export type StoredBackfill =
  | { readonly kind: "created" | "existing" | "conflict" }
  | { readonly kind: "payload_artifact_not_found"; readonly digest: string }
  | BackfillRefused;

/** What became of a request to start a backfill. */
export type CreateBackfillResult =
  | { readonly kind: "created" | "existing" | "conflict"; readonly id: string }
  | Exclude<StoredBackfill, { kind: "created" | "existing" | "conflict" }>
  | { readonly kind: "payload_too_large"; readonly bytes: number; readonly maxBytes: number };

/** What {@link createBackfill} needs. */
export interface CreateBackfillPorts {
  readonly store: (backfill: NewBackfill) => Promise<StoredBackfill>;
  /** Called once a backfill is in the ledger. */
  readonly started: () => void;
  readonly maxPayloadBytes: number;
}

/** Starts a backfill; safe to repeat with the same id. */
export const createBackfill =
  (ports: CreateBackfillPorts) =>
  async (
    tenant: string,
    requestId: string | undefined,
    spec: BackfillSpec,
    audit: Audit,
  ): Promise<CreateBackfillResult> => {
    const bytes = spec.job.payload.length;
    const maxBytes = ports.maxPayloadBytes;
    if (bytes > maxBytes) return { kind: "payload_too_large", bytes, maxBytes };
    const id = requestId ?? newId();
    const fit = (widthMs: number) => fitRange(spec, widthMs);
    const requestDigest = digestOf(spec, audit);
    const stored = await ports.store({ tenant, id, spec, requestDigest, audit, fit });
    if (stored.kind === "created") ports.started();
    switch (stored.kind) {
      case "created":
      case "existing":
      case "conflict":
        return { kind: stored.kind, id };
      default:
        return stored;
    }
  };

/** What "the same request" means: all that was said, except by whom. */
const digestOf = (spec: BackfillSpec, { reason, ticket }: Audit): Uint8Array =>
  contentHash({
    ...spec,
    job: Buffer.from(contentDigest(spec.job)).toString("hex"),
    reason,
    ticket,
  });
