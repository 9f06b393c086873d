import type { SourceProperties } from "../domain/flow/source.ts";
import { sql } from "./sql.ts";

/** A source. */
export interface SourceRow {
  readonly name: string;
  readonly properties: SourceProperties;
  readonly version: number;
  readonly created_at: Date;
  readonly updated_at: Date;
}

const COLUMNS = "name, properties, version, created_at, updated_at";

/** One source of a tenant. */
export const findSource = sql<readonly [tenant: string, name: string], SourceRow>(
  "source_find",
  `select ${COLUMNS} from source where tenant = $1 and name = $2`,
);

/** Up to 1,001 sources after a name, by name; null does not narrow. */
export const listSources = sql<
  readonly [tenant: string, after: string, type: string | null, host: string | null],
  SourceRow
>(
  "source_list",
  `
select ${COLUMNS} from source
where tenant = $1 and name > $2 and ($3::text is null or type = $3)
  and ($4::text is null or host = $4)
order by name limit 1001`,
);

type Written = readonly [
  tenant: string,
  name: string,
  properties: string,
  host: string,
  type: string,
  version: number,
];

/** Writes a new source; no row if the name is taken. */
export const insertSource = sql<Written, SourceRow>(
  "source_insert",
  `
insert into source (tenant, name, properties, host, type, version)
values ($1, $2, $3, $4, $5, $6) on conflict (tenant, name) do nothing
returning ${COLUMNS}`,
);

/** Writes what is now said about a source. */
export const updateSource = sql<Written, SourceRow>(
  "source_update",
  `
update source set properties = $3, host = $4, type = $5, version = $6, updated_at = now()
where tenant = $1 and name = $2
returning ${COLUMNS}`,
);
