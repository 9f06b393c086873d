import type { Audit } from "../audit.ts";
import { type PageRequest, readPage } from "../page.ts";

/** Something that an operator did. */
export interface ActionView extends Audit {
  /** Grows along the history; not dense. */
  readonly id: number;
  readonly at: Date;
  /** Such as "operation_started". */
  readonly kind: string;
  readonly targetKind: string;
  readonly targetName: string;
  /** What was asked for. */
  readonly detail: object;
}

/** What actions are about; a name needs a kind. Undefined: anything. */
export interface ActionTarget {
  readonly kind: string | undefined;
  readonly name: string | undefined;
}

/** What {@link listActions} needs. */
export interface ListActionsPorts {
  /** Up to `limit` (1,001 at most) actions older than the one with the id `before`. */
  readonly list: (
    tenant: string,
    target: ActionTarget,
    before: number | undefined,
    limit: number,
  ) => Promise<ActionView[]>;
}

/** Lists what operators did, newest first. */
export const listActions =
  (ports: ListActionsPorts) => (tenant: string, target: ActionTarget, asked: PageRequest) =>
    readPage(asked, {
      scope: { tenant, list: "actions", query: target },
      read: (before, limit) => ports.list(tenant, target, Number(before) || undefined, limit),
      positionOf: ({ id }) => `${id}`,
    });
