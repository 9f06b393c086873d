import { optionalTable, type Table, table } from "./document.ts";

/**
 * A lock file of version 1 (npm 5 and 6) in the shape of the later ones: a flat map from place
 * in the tree to entry. Version 1 does not say what the root itself asks for, so the root gets
 * what lies at the top and nobody else requires.
 */
export function flattenLockV1(manifest: string, document: Table): Map<string, Table> {
  const packages = new Map<string, Table>();
  const required = new Set<string>();
  const walk = (at: string, dependencies: Table) => {
    for (const [name, value] of Object.entries(dependencies)) {
      const place = `${at}node_modules/${name}`;
      const entry = table(manifest, `dependencies of ${place}`, value);
      const requires = requiredBy(manifest, place, entry);
      for (const key of Object.keys(requires)) required.add(key);
      packages.set(place, flatEntry(entry, requires));
      const inner = optionalTable(manifest, `${place}.dependencies`, entry.dependencies);
      walk(`${place}/`, inner);
    }
  };
  const top = optionalTable(manifest, "dependencies", document.dependencies);
  walk("", top);
  const direct = Object.keys(top).filter((name) => !required.has(name));
  packages.set("", { dependencies: Object.fromEntries(direct.map((name) => [name, "*"])) });
  return packages;
}

function requiredBy(manifest: string, place: string, entry: Table): Table {
  // npm 5.0 wrote `"requires": true` for some entries.
  const said = typeof entry.requires === "boolean" ? undefined : entry.requires;
  return optionalTable(manifest, `${place}.requires`, said);
}

function flatEntry(entry: Table, requires: Table): Table {
  const version = typeof entry.version === "string" ? entry.version : undefined;
  // An alias is written "npm:true-name@1.2.3"; a git dependency has its URL as its version.
  const alias = /^npm:(.+)@([^@]+)$/.exec(version ?? "");
  const url = /^(git[+:]|https?:|file:|github:)/.test(version ?? "") ? version : undefined;
  return {
    ...(alias ? { name: alias[1], version: alias[2] } : {}),
    ...(alias || url ? {} : { version }),
    resolved: url ?? entry.resolved,
    integrity: entry.integrity,
    dev: entry.dev,
    optional: entry.optional,
    dependencies: requires,
  };
}
