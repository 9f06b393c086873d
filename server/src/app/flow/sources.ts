import type { Source, SourceProperties } from "../../domain/flow/source.ts";
import type { Audit } from "../audit.ts";
import { type PageRequest, readPage } from "../page.ts";
import { etagOf, type FlowChangeTarget } from "./change.ts";

/** Narrows a list of sources; what is undefined does not count. */
export interface SourceFilter {
  readonly type: string | undefined;
  readonly host: string | undefined;
}

/** What is to become of a source. */
export type SourceDecision =
  | { readonly kind: "write"; readonly properties: SourceProperties }
  | { readonly kind: "etag_mismatch" };

/** What became of an update. */
export type SourceUpdated =
  | { readonly kind: "updated"; readonly source: Source }
  | { readonly kind: "not_found" }
  | { readonly kind: "etag_mismatch" };

/** What the use cases of sources need. */
export interface SourcePorts {
  /** Writes and records a new source; undefined if the name is taken. */
  readonly create: (
    target: FlowChangeTarget,
    properties: SourceProperties,
  ) => Promise<Source | undefined>;
  /** Decides, writes and records in one transaction; `decide` may be asked more than once. */
  readonly update: (
    target: FlowChangeTarget,
    decide: (before: Source) => SourceDecision,
  ) => Promise<SourceUpdated>;
  /** Up to `limit` (1,001 at most) sources after a name. */
  readonly list: (
    tenant: string,
    filter: SourceFilter,
    after: string,
    limit: number,
  ) => Promise<Source[]>;
  /** Called after a change is durable. */
  readonly announce: (tenant: string) => void;
}

/** Registers a source; undefined if there is one of that name, whatever it says. */
export const createSource =
  (ports: Pick<SourcePorts, "create" | "announce">) =>
  async (
    tenant: string,
    name: string,
    properties: SourceProperties,
    audit: Audit,
  ): Promise<Source | undefined> => {
    const target = targetOf("source_created", tenant, name, audit);
    const created = await ports.create(target, ownHost(name, properties));
    if (created !== undefined) ports.announce(tenant);
    return created;
  };

/** Changes what `change` names about a source; with an etag only if it is the current one. */
export const updateSource =
  (ports: Pick<SourcePorts, "update" | "announce">) =>
  async (
    tenant: string,
    name: string,
    change: Partial<SourceProperties>,
    etag: string,
    audit: Audit,
  ): Promise<SourceUpdated> => {
    const target = targetOf("source_updated", tenant, name, audit);
    const result = await ports.update(target, (before) => {
      if (etag !== "" && etag !== etagOf(before.version)) return { kind: "etag_mismatch" };
      const properties = ownHost(name, { ...before.properties, ...change });
      return { kind: "write", properties };
    });
    if (result.kind === "updated") ports.announce(tenant);
    return result;
  };

/** Lists sources by name. */
export const listSources =
  (ports: Pick<SourcePorts, "list">) =>
  (tenant: string, filter: SourceFilter, asked: PageRequest) =>
    readPage(asked, {
      scope: { tenant, list: "sources", query: filter },
      read: (after, limit) => ports.list(tenant, filter, after, limit),
      positionOf: ({ name }) => name,
    });

const targetOf = (
  kind: "source_created" | "source_updated",
  tenant: string,
  name: string,
  audit: Audit,
): FlowChangeTarget => ({ tenant, scope: { kind: "source", name }, kind, ...audit });

const ownHost = (name: string, properties: SourceProperties): SourceProperties =>
  properties.host === "" ? { ...properties, host: name } : properties;
