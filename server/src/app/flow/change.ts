import type { FlowScope } from "../../domain/flow/settings.ts";
import type { Audit } from "../audit.ts";

/** What can happen to settings and sources; the history keeps it under this name. */
export type FlowChangeKind =
  | "settings_updated"
  | "paused"
  | "resumed"
  | "source_created"
  | "source_updated";

/** What a change is about. */
export interface FlowChangeTarget extends Audit {
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
