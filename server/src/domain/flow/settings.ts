import type { RunnerSelector } from "../fleet.ts";
import type { BlackoutWindow } from "./blackout.ts";

/** What settings can be about. */
export const FLOW_SCOPE_KINDS = [
  "tenant",
  "queue",
  "job_type",
  "source",
  "host",
  "concurrency_key",
] as const;
/** One of {@link FLOW_SCOPE_KINDS}. */
export type FlowScopeKind = (typeof FLOW_SCOPE_KINDS)[number];

/** What settings, a limiter or a breaker is about; a tenant's scope has no name. */
export interface FlowScope {
  readonly kind: FlowScopeKind;
  readonly name: string;
}

/** Names a scope within its tenant; also the order of lists. */
export const scopeKey = (scope: FlowScope): string => `${scope.kind}:${scope.name}`;

/** A window in which nothing is handed out. */
export type Blackout = BlackoutWindow & {
  /** Unique in its scope. */
  readonly name: string;
  /** Whether jobs that are running when it begins are asked to stop. */
  readonly stopRunning: boolean;
};

/** Why a scope is paused, and until when (milliseconds since 1970; undefined: until resumed). */
export interface PauseSetting {
  readonly reason: string;
  readonly expiresAtMs?: number;
}

/** Jobs handed out per second; a burst of 0 means a quarter of a second's worth. */
export interface RateSetting {
  readonly perSecond: number;
  readonly burst: number;
}

/** Deviations from a breaker's defaults; what is undefined takes them. */
export interface BreakerSetting {
  readonly disabled: boolean;
  readonly consecutiveFailures?: number;
  readonly minSuccessRatio?: number;
  readonly openMs?: number;
}

/** What a tenant may use; undefined: as much as it likes. */
export interface QuotaSettings {
  readonly activeJobs?: number;
  readonly jobsPerHour?: number;
  readonly jobsPerDay?: number;
  readonly payloadBytesPerDay?: number;
  readonly artifactBytes?: number;
}

/** Lets the server find the concurrency of a job type. */
export interface DynamicSetting {
  readonly min: number;
  readonly max: number;
  /** Undefined: what its sources ask for; 0.1 if they ask for nothing. */
  readonly maxFailureRatio?: number;
  /** Undefined: what its sources ask for; twice its own long-term mean if they ask for nothing. */
  readonly latencyMs?: number;
}

/**
 * What an operator has set on a scope; plain JSON, as `flow_settings.settings` keeps it. A field
 * that is undefined does not limit. proto/…/flow_control.proto says which scope can have which.
 */
export interface FlowSettings {
  readonly pause?: PauseSetting;
  readonly maxConcurrency?: number;
  readonly maxConcurrencyPerKey?: number;
  readonly rate?: RateSetting;
  readonly breaker?: BreakerSetting;
  readonly blackouts?: readonly Blackout[];
  readonly weight?: number;
  readonly quotas?: QuotaSettings;
  readonly maxDepth?: number;
  readonly dynamicConcurrency?: DynamicSetting;
}

/** What jobs of a source should achieve. */
export interface SourceObjectives {
  readonly latencyMs?: number;
  readonly successRatio?: number;
}

/** Everything that flow control knows about a tenant from its ledger. */
export interface FlowConfig {
  readonly tenant: string;
  /** Of the read that this came from; grows with every change. */
  readonly version: number;
  /** By {@link scopeKey}. */
  readonly settings: ReadonlyMap<string, FlowSettings>;
  /** By the source's name; a source that is not here is its own host. */
  readonly sources: ReadonlyMap<
    string,
    { readonly host: string; readonly objectives: SourceObjectives }
  >;
  /** Task runners that get nothing: who is named by any of these. Left out where there is none. */
  readonly takenOut?: readonly RunnerSelector[];
}

const FIELDS_OF: Readonly<Record<FlowScopeKind, readonly (keyof FlowSettings)[]>> = {
  tenant: [
    "pause",
    "maxConcurrency",
    "maxConcurrencyPerKey",
    "rate",
    "blackouts",
    "weight",
    "quotas",
  ],
  queue: ["pause", "maxConcurrency", "rate", "maxDepth"],
  job_type: ["pause", "maxConcurrency", "rate", "breaker", "dynamicConcurrency"],
  source: ["pause", "maxConcurrency", "rate", "breaker", "blackouts"],
  host: ["pause", "maxConcurrency", "rate", "breaker", "blackouts"],
  concurrency_key: ["pause", "maxConcurrency"],
};

/** The fields that are set and that a scope of this kind cannot have. */
export const misplacedFields = (
  kind: FlowScopeKind,
  settings: FlowSettings,
): (keyof FlowSettings)[] =>
  (Object.keys(settings) as (keyof FlowSettings)[]).filter(
    (field) => settings[field] !== undefined && !FIELDS_OF[kind].includes(field),
  );
