import type { Pool } from "pg";
import type { FlowChangeTarget } from "../app/flow/change.ts";
import type { SettingsChanged, SettingsDecision, StoredSettings } from "../app/flow/settings.ts";
import {
  type FlowConfig,
  type FlowScope,
  type FlowScopeKind,
  scopeKey,
} from "../domain/flow/settings.ts";
import { recordChange } from "./flow-changes.ts";
import {
  deleteSettings,
  type FlowSettingsRow,
  listSettings,
  readAllSettings,
  readSettings,
  readSourceFacts,
  readVersions,
  takeVersion,
  writeSettings,
} from "./flow-settings.sql.ts";
import { takenOutSelectors } from "./take-out.sql.ts";
import { selectorOf } from "./take-out.ts";
import { inTransaction, type Transaction } from "./transaction.ts";

/** Tenants of one look: row-level security compares each row's tenant with all of them. */
const TENANTS_PER_LOOK = 500;

/** Everything that flow control goes by in a tenant; version 0 where nobody has set anything. */
export const readFlowConfig =
  (pool: Pool) =>
  (tenant: string): Promise<FlowConfig> =>
    inTransaction(pool, [tenant], async (tx) => {
      // The version first: what is read after it is as new or newer, never older.
      const [[version], settings, sources, takenOut] = await Promise.all([
        tx.run(readVersions, [tenant]),
        tx.run(readAllSettings, tenant),
        tx.run(readSourceFacts, tenant),
        tx.run(takenOutSelectors, tenant),
      ]);
      return {
        tenant,
        version: version?.version ?? 0,
        settings: new Map(settings.map((row) => [scopeKey(row), row.settings])),
        sources: new Map(
          sources.map(({ name, host, objectives }) => [
            name,
            { host, objectives: objectives ?? {} },
          ]),
        ),
        ...(takenOut.length > 0 && {
          takenOut: takenOut.map(({ selector }) => selectorOf(selector)),
        }),
      };
    });

/** The versions of the tenants' settings; a tenant without any is left out and stands at 0. */
export const readFlowVersions =
  (pool: Pool) =>
  async (tenants: readonly string[]): Promise<Map<string, number>> => {
    const versions = new Map<string, number>();
    for (let start = 0; start < tenants.length; start += TENANTS_PER_LOOK) {
      const some = tenants.slice(start, start + TENANTS_PER_LOOK);
      const rows = await inTransaction(pool, some, (tx) => tx.run(readVersions, some));
      for (const { tenant, version } of rows) versions.set(tenant, version);
    }
    return versions;
  };

const storedOf = (scope: FlowScope, row: FlowSettingsRow | undefined): StoredSettings => ({
  scope: { kind: scope.kind, name: scope.name },
  settings: row?.settings ?? {},
  version: row?.version,
  updatedAt: row?.updated_at,
});

/** The settings of one scope; empty ones without a version if there are none. */
export const readFlowSettings =
  (pool: Pool) =>
  (tenant: string, scope: FlowScope): Promise<StoredSettings> =>
    inTransaction(pool, [tenant], (tx) => readStored(tx, tenant, scope));

/** Up to `limit` (1,001 at most) scopes with settings after one, by kind and name. */
export const listFlowSettings =
  (pool: Pool) =>
  (
    tenant: string,
    kind: FlowScopeKind | undefined,
    after: FlowScope | undefined,
    limit: number,
  ): Promise<StoredSettings[]> =>
    inTransaction(pool, [tenant], async (tx) => {
      const position = [after?.kind ?? "", after?.name ?? ""] as const;
      const rows = await tx.run(listSettings, tenant, kind ?? null, ...position);
      return rows.slice(0, limit).map((row) => storedOf(row, row));
    });

/** Carries a decision not to write out of a transaction, which gives the version back. */
class Unchanged extends Error {
  readonly result: SettingsChanged;

  constructor(result: SettingsChanged) {
    super(result.kind);
    this.result = result;
  }
}

/** Decides about the settings of a scope, writes them and records it, all in one transaction. */
export const changeFlowSettings =
  (pool: Pool) =>
  async (
    target: FlowChangeTarget,
    decide: (before: StoredSettings) => SettingsDecision,
  ): Promise<SettingsChanged> => {
    const { tenant, scope } = target;
    try {
      return await inTransaction(pool, [tenant], async (tx) => {
        const version = await nextVersion(tx, tenant);
        const before = await readStored(tx, tenant, scope);
        const decision = decide(before);
        if (decision.kind === "keep") throw new Unchanged({ kind: "kept", stored: before });
        if (decision.kind !== "write") throw new Unchanged(decision);
        const { settings } = decision;
        const key = [tenant, scope.kind, scope.name] as const;
        const empty = Object.keys(settings).length === 0;
        const [row] = empty
          ? await tx.run(deleteSettings, ...key)
          : await tx.run(writeSettings, ...key, JSON.stringify(settings), version);
        const old = before.version === undefined ? undefined : before.settings;
        await recordChange(tx, target, old, settings);
        return { kind: "changed", stored: storedOf(scope, row) };
      });
    } catch (error) {
      if (error instanceof Unchanged) return error.result;
      throw error;
    }
  };

/** The tenant's next version; until the transaction ends, no other change of the tenant goes on. */
export async function nextVersion(tx: Transaction, tenant: string): Promise<number> {
  const [row] = await tx.run(takeVersion, tenant);
  if (row === undefined) throw new Error("an upsert answered no row");
  return row.version;
}

async function readStored(
  tx: Transaction,
  tenant: string,
  scope: FlowScope,
): Promise<StoredSettings> {
  const [row] = await tx.run(readSettings, tenant, scope.kind, scope.name);
  return storedOf(scope, row);
}
