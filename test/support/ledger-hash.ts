import type pg from "pg";

// What loops note for themselves, whatever anybody asks for.
const NOTES = ["capability", "stuck"];

/**
 * The number of rows and a hash of the content of every table that has tenants, as far as they
 * are this one's. Equal: no request changed anything.
 */
export async function ledgerHash(
  owner: pg.Pool,
  tenant: string,
): Promise<Readonly<Record<string, string>>> {
  const { rows: tables } = await owner.query<{ name: string }>(
    `select table_name as name from information_schema.columns
      where table_schema = current_schema() and column_name = 'tenant'
        and table_name <> all ($1) order by 1`,
    [NOTES],
  );
  const hashes = tables.map(
    ({ name }) => `select '${name}' as name, count(*) || ' ' ||
      md5(coalesce(string_agg(t::text, '|' order by t::text), '')) as hash
      from "${name}" t where tenant = $1`,
  );
  const { rows } = await owner.query<{ name: string; hash: string }>(hashes.join(" union all "), [
    tenant,
  ]);
  return Object.fromEntries(rows.map(({ name, hash }) => [name, hash]));
}
