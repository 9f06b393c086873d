import type { Pool } from "pg";
import type { FlowChangeTarget } from "../app/flow/change.ts";
import type { SourceDecision, SourceFilter, SourceUpdated } from "../app/flow/sources.ts";
import type { Source, SourceProperties } from "../domain/flow/source.ts";
import { recordChange } from "./flow-changes.ts";
import { nextVersion } from "./flow-settings.ts";
import {
  findSource,
  insertSource,
  listSources,
  type SourceRow,
  updateSource,
} from "./sources.sql.ts";
import { inTransaction, type Transaction } from "./transaction.ts";

const sourceOf = (row: SourceRow): Source => ({
  name: row.name,
  properties: row.properties,
  version: row.version,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
});

/** Finds a source. */
export const findSourceIn =
  (pool: Pool) =>
  (tenant: string, name: string): Promise<Source | undefined> =>
    inTransaction(pool, [tenant], (tx) => find(tx, tenant, name));

/** Up to `limit` (1,001 at most) sources that match, after a name, by name. */
export const listSourcesIn =
  (pool: Pool) =>
  (tenant: string, filter: SourceFilter, after: string, limit: number): Promise<Source[]> =>
    inTransaction(pool, [tenant], async (tx) => {
      const { type, host } = filter;
      const rows = await tx.run(listSources, tenant, after, type ?? null, host ?? null);
      return rows.slice(0, limit).map(sourceOf);
    });

/** Carries a decision not to write out of a transaction, which gives the version back. */
class Unchanged extends Error {
  readonly result: SourceUpdated | { readonly kind: "exists" };

  constructor(result: Unchanged["result"]) {
    super(result.kind);
    this.result = result;
  }
}

/** Registers a source and records it in one transaction; undefined if the name is taken. */
export const createSourceIn =
  (pool: Pool) =>
  async (target: FlowChangeTarget, properties: SourceProperties): Promise<Source | undefined> => {
    try {
      return await inTransaction(pool, [target.tenant], async (tx) => {
        const version = await nextVersion(tx, target.tenant);
        const [row] = await tx.run(insertSource, ...columns(target, properties, version));
        if (row === undefined) throw new Unchanged({ kind: "exists" });
        await recordChange(tx, target, undefined, properties);
        return sourceOf(row);
      });
    } catch (error) {
      if (error instanceof Unchanged) return undefined;
      throw error;
    }
  };

/** Decides about a source, writes it and records it, all in one transaction. */
export const updateSourceIn =
  (pool: Pool) =>
  async (
    target: FlowChangeTarget,
    decide: (before: Source) => SourceDecision,
  ): Promise<SourceUpdated> => {
    try {
      return await inTransaction(pool, [target.tenant], async (tx) => {
        const version = await nextVersion(tx, target.tenant);
        const before = await find(tx, target.tenant, target.scope.name);
        if (before === undefined) throw new Unchanged({ kind: "not_found" });
        const decision = decide(before);
        if (decision.kind !== "write") throw new Unchanged(decision);
        const { properties } = decision;
        const [row] = await tx.run(updateSource, ...columns(target, properties, version));
        if (row === undefined) throw new Error("a source vanished; sources are not deleted");
        await recordChange(tx, target, before.properties, properties);
        return { kind: "updated", source: sourceOf(row) };
      });
    } catch (error) {
      if (error instanceof Unchanged && error.result.kind !== "exists") return error.result;
      throw error;
    }
  };

const columns = (target: FlowChangeTarget, properties: SourceProperties, version: number) =>
  [
    target.tenant,
    target.scope.name,
    JSON.stringify(properties),
    properties.host,
    properties.type,
    version,
  ] as const;

async function find(tx: Transaction, tenant: string, name: string): Promise<Source | undefined> {
  const [row] = await tx.run(findSource, tenant, name);
  return row === undefined ? undefined : sourceOf(row);
}
