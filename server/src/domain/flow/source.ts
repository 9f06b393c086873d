import type { SourceObjectives } from "./settings.ts";

/** What an operator says about a source; plain JSON, as `source.properties` keeps it. */
export interface SourceProperties {
  readonly type: string;
  /** Never empty: a source that names none is its own host. */
  readonly host: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly project: string;
  readonly objectives?: SourceObjectives;
}

/** A source as the ledger has it. */
export interface Source {
  readonly name: string;
  readonly properties: SourceProperties;
  /** Of its last change; never comes back. */
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}
