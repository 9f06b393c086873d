import type { FlowScope } from "../../domain/flow/settings.ts";

/** What can happen to settings and sources; the history keeps it under this name. */
export type FlowChangeKind =
  | "settings_updated"
  | "paused"
  | "resumed"
  | "source_created"
  | "source_updated";

/** Who changes something, and why: what the history keeps beside the change itself. */
export interface FlowAudit {
  /** Who says so; nobody has verified it. */
  readonly actor: string;
  readonly reason: string;
  readonly ticket: string;
}

/** What a change is about. */
export interface FlowChangeTarget extends FlowAudit {
  readonly tenant: string;
  readonly scope: FlowScope;
  readonly kind: FlowChangeKind;
}

/**
 * The tag of a version. Versions of a tenant never come back, so neither do tags; what has no
 * version yet has the empty tag.
 */
export const etagOf = (version: number | undefined): string =>
  version === undefined ? "" : version.toString(36);
