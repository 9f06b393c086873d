import type { FlowScope, FlowSettings } from "../../domain/flow/settings.ts";
import type { SourceProperties } from "../../domain/flow/source.ts";
import type { Audit } from "../audit.ts";
import { type PageRequest, readPage } from "../page.ts";
import type { FlowChangeKind } from "./change.ts";

/** What was said before a change and after it; before the first nothing was. */
export type ChangedContent =
  | {
      readonly of: "settings";
      readonly before: FlowSettings | undefined;
      readonly after: FlowSettings;
    }
  | {
      readonly of: "source";
      readonly before: SourceProperties | undefined;
      readonly after: SourceProperties;
    };

/** A change of settings or of a source. */
export interface FlowChangeView extends Audit {
  /** Grows along the history; not dense. */
  readonly id: number;
  readonly at: Date;
  readonly scope: FlowScope;
  readonly kind: FlowChangeKind;
  readonly content: ChangedContent;
}

/** What {@link listChanges} needs. */
export interface ListChangesPorts {
  /** Up to `limit` (1,001 at most) changes older than the one with the id `before`. */
  readonly list: (
    tenant: string,
    scope: FlowScope | undefined,
    before: number | undefined,
    limit: number,
  ) => Promise<FlowChangeView[]>;
}

/** Lists what was changed about settings and sources, newest first. */
export const listChanges =
  (ports: ListChangesPorts) => (tenant: string, scope: FlowScope | undefined, asked: PageRequest) =>
    readPage(asked, {
      scope: { tenant, list: "flow_changes", query: scope ?? null },
      read: (before, limit) => ports.list(tenant, scope, Number(before) || undefined, limit),
      positionOf: ({ id }) => `${id}`,
    });
