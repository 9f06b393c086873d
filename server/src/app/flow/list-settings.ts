import type { FlowScope, FlowScopeKind } from "../../domain/flow/settings.ts";
import { type PageRequest, readPage } from "../page.ts";
import type { StoredSettings } from "./settings.ts";

/** What {@link listSettings} needs. */
export interface ListSettingsPorts {
  /** Up to `limit` (1,001 at most) scopes with settings after one, by kind and name. */
  readonly list: (
    tenant: string,
    kind: FlowScopeKind | undefined,
    after: FlowScope | undefined,
    limit: number,
  ) => Promise<StoredSettings[]>;
}

/** Lists the scopes that have settings, by kind and name. */
export const listSettings =
  (ports: ListSettingsPorts) =>
  (tenant: string, kind: FlowScopeKind | undefined, asked: PageRequest) =>
    readPage(asked, {
      scope: { tenant, list: "flow_settings", query: kind ?? null },
      read: (position, limit) => {
        const after = position === "" ? undefined : (JSON.parse(position) as FlowScope);
        return ports.list(tenant, kind, after, limit);
      },
      positionOf: ({ scope }) => JSON.stringify(scope),
    });
