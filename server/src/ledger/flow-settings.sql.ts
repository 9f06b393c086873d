import type { FlowScopeKind, FlowSettings, SourceObjectives } from "../domain/flow/settings.ts";
import { sql } from "./sql.ts";

/** A tenant's version. */
export interface FlowVersionRow {
  readonly tenant: string;
  readonly version: number;
}

/** The settings of a scope. */
export interface FlowSettingsRow {
  readonly kind: FlowScopeKind;
  readonly name: string;
  readonly settings: FlowSettings;
  readonly version: number;
  readonly updated_at: Date;
}

/** The versions of those tenants that have one. */
export const readVersions = sql<readonly [tenants: string[]], FlowVersionRow>(
  "flow_read_versions",
  `
select tenant, version from flow_version where tenant = any ($1::text[])`,
);

/**
 * Takes the tenant's next version. The row stays locked until the end of the transaction, which
 * puts the changes of a tenant in a row.
 */
export const takeVersion = sql<readonly [tenant: string], Pick<FlowVersionRow, "version">>(
  "flow_take_version",
  `
insert into flow_version as v (tenant, version) values ($1, 1)
on conflict (tenant) do update set version = v.version + 1
returning version`,
);

/** All settings of a tenant. */
export const readAllSettings = sql<
  readonly [tenant: string],
  Pick<FlowSettingsRow, "kind" | "name" | "settings">
>("flow_read_all_settings", "select kind, name, settings from flow_settings where tenant = $1");

/** What claims have to know about the tenant's sources. */
export const readSourceFacts = sql<
  readonly [tenant: string],
  { readonly name: string; readonly host: string; readonly objectives: SourceObjectives | null }
>(
  "flow_read_source_facts",
  `
select name, host, properties -> 'objectives' as objectives from source where tenant = $1`,
);

/** The settings of one scope. */
export const readSettings = sql<
  readonly [tenant: string, kind: FlowScopeKind, name: string],
  FlowSettingsRow
>(
  "flow_read_settings",
  `
select kind, name, settings, version, updated_at from flow_settings
where tenant = $1 and kind = $2 and name = $3`,
);

/** Up to 1,001 scopes with settings after one, by kind and name; a kind or null for all. */
export const listSettings = sql<
  readonly [tenant: string, kind: FlowScopeKind | null, afterKind: string, afterName: string],
  FlowSettingsRow
>(
  "flow_list_settings",
  `
select kind, name, settings, version, updated_at from flow_settings
where tenant = $1 and (kind, name) > ($3, $4) and ($2::text is null or kind = $2)
order by kind, name limit 1001`,
);

/** Writes the settings of a scope. */
export const writeSettings = sql<
  readonly [tenant: string, kind: FlowScopeKind, name: string, settings: string, version: number],
  FlowSettingsRow
>(
  "flow_write_settings",
  `
insert into flow_settings (tenant, kind, name, settings, version)
values ($1, $2, $3, $4, $5)
on conflict (tenant, kind, name) do update
  set settings = excluded.settings, version = excluded.version, updated_at = now()
returning kind, name, settings, version, updated_at`,
);

/** Takes the settings of a scope away. */
export const deleteSettings = sql<
  readonly [tenant: string, kind: FlowScopeKind, name: string],
  never
>(
  "flow_delete_settings",
  "delete from flow_settings where tenant = $1 and kind = $2 and name = $3",
);
