import type { FlowScope } from "../../domain/flow/settings.ts";
import { type EventWindow, estimateBackfill } from "../../domain/plan/windows.ts";
import type { StoredSettings } from "../flow/settings.ts";
import type { BackfillRefused, BackfillSpec } from "./backfill.ts";
import { type FitRange, fitRange } from "./create-backfill.ts";

/** What the ledger knows about the windows of a backfill. */
export interface BackfillFacts {
  readonly kind: "facts";
  readonly start: Date;
  readonly end: Date;
  readonly windows: number;
  readonly covered: number;
  readonly inProgress: number;
  readonly notDue: number;
  readonly meanMs: number | undefined;
  /** The first windows that need a job. */
  readonly sample: readonly EventWindow[];
}

/** What a backfill would do. */
export interface BackfillPreview extends Omit<BackfillFacts, "kind"> {
  readonly kind: "preview";
  readonly jobs: number;
  readonly estimateMs: number | undefined;
  /** The settings that apply to its jobs. */
  readonly limits: readonly StoredSettings[];
}

/** What {@link previewBackfill} needs. */
export interface PreviewBackfillPorts {
  /** Reads what is known; `fit` fits the range to the width of the series. */
  readonly facts: (
    tenant: string,
    spec: BackfillSpec,
    fit: (widthMs: number) => FitRange,
  ) => Promise<BackfillFacts | BackfillRefused>;
  readonly settings: (tenant: string, scope: FlowScope) => Promise<StoredSettings>;
  /** The host of a source; the source itself if it is not registered. */
  readonly hostOf: (tenant: string, source: string) => Promise<string>;
}

/** Says what a backfill would do, and changes nothing. */
export const previewBackfill =
  (ports: PreviewBackfillPorts) =>
  async (tenant: string, spec: BackfillSpec): Promise<BackfillPreview | BackfillRefused> => {
    const facts = await ports.facts(tenant, spec, (widthMs) => fitRange(spec, widthMs));
    if (facts.kind !== "facts") return facts;
    const { windows, covered, inProgress, notDue, meanMs } = facts;
    const done = spec.repeatCovered ? 0 : covered;
    const jobs = Math.max(0, windows - notDue - done - inProgress);
    const estimateMs = estimateBackfill({ windows: jobs, meanMs, parallel: spec.maxParallel });
    const limits = await limitsOf(ports, tenant, spec);
    return { ...facts, kind: "preview", jobs, estimateMs, limits };
  };

async function limitsOf(
  ports: PreviewBackfillPorts,
  tenant: string,
  { source, job }: BackfillSpec,
): Promise<StoredSettings[]> {
  const scopes: FlowScope[] = [
    { kind: "tenant", name: "" },
    { kind: "queue", name: job.queue },
    { kind: "job_type", name: job.jobType },
    { kind: "source", name: source },
    { kind: "host", name: await ports.hostOf(tenant, source) },
  ];
  if (job.concurrencyKey !== "") scopes.push({ kind: "concurrency_key", name: job.concurrencyKey });
  const limits: StoredSettings[] = [];
  for (const scope of scopes) {
    const stored = await ports.settings(tenant, scope);
    if (stored.version !== undefined) limits.push(stored);
  }
  return limits;
}
