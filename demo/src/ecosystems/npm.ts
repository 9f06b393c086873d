import {
  type Component,
  type Hash,
  libraryComponent,
  localComponent,
  localRef,
  type ManifestTexts,
  type Property,
  type Use,
} from "../component.ts";
import { inventory } from "../inventory.ts";
import { ManifestError } from "../manifest-error.ts";
import {
  optionalTable,
  optionalText,
  parseJson,
  type Table,
  table,
  textOf,
  type Unchecked,
} from "./document.ts";
import { flattenLockV1 } from "./npm-lock-v1.ts";

const NODE_MODULES = "node_modules/";
const ALGORITHMS: Readonly<Record<string, { alg: string; bytes: number }>> = {
  sha1: { alg: "SHA-1", bytes: 20 },
  sha256: { alg: "SHA-256", bytes: 32 },
  sha384: { alg: "SHA-384", bytes: 48 },
  sha512: { alg: "SHA-512", bytes: 64 },
};
const DEPENDENCY_FIELDS = ["dependencies", "optionalDependencies", "peerDependencies"] as const;

/** Reads a package-lock.json of version 1, 2 or 3, workspaces and links included. */
export function scanPackageLock(manifest: string, texts: ManifestTexts) {
  const document = parseJson(manifest, textOf(texts, manifest));
  const packages = lockPackages(manifest, document);
  const refs = new Map<string, string>();
  for (const [place, entry] of packages) refs.set(place, refOf(manifest, place, entry, packages));
  const components: Component[] = [];
  for (const [place, entry] of packages) {
    if (entry.link === true) continue;
    const dependsOn = dependencyRefs(manifest, place, entry, refs);
    components.push(componentOf(manifest, place, entry, dependsOn, document));
  }
  return inventory("npm", manifest, localRef(manifest), components);
}

function lockPackages(manifest: string, document: Table): Map<string, Table> {
  const version = document.lockfileVersion;
  if (version !== 1 && version !== 2 && version !== 3) {
    const said = version === undefined ? "missing" : JSON.stringify(version);
    throw new ManifestError(manifest, undefined, `lockfileVersion is ${said}, not 1, 2 or 3`);
  }
  if (version === 1) return flattenLockV1(manifest, document);
  const packages = new Map<string, Table>();
  for (const [place, value] of Object.entries(table(manifest, "packages", document.packages)))
    packages.set(place, table(manifest, `packages["${place}"]`, value));
  if (!packages.has("")) packages.set("", {});
  return packages;
}

function isInstalled(place: string): boolean {
  return place.startsWith(NODE_MODULES) || place.includes(`/${NODE_MODULES}`);
}

function nameAt(manifest: string, place: string, entry: Table): string {
  // An alias ("a": "npm:b@1") has the true name in the entry, the alias in the place.
  const said = optionalText(manifest, `packages["${place}"].name`, entry.name);
  if (said) return said;
  const cut = place.lastIndexOf(NODE_MODULES);
  return cut === -1 ? (place.split("/").at(-1) ?? place) : place.slice(cut + NODE_MODULES.length);
}

function refOf(
  manifest: string,
  place: string,
  entry: Table,
  packages: ReadonlyMap<string, Table>,
): string {
  if (entry.link === true) {
    const target = optionalText(manifest, `packages["${place}"].resolved`, entry.resolved) ?? "";
    // A link to outside of the lock file's tree has no entry of its own to point to.
    return packages.has(target) ? localRef(manifest, target) : localRef(manifest);
  }
  if (!isInstalled(place)) return localRef(manifest, place);
  return componentOf(manifest, place, entry, [], {}).ref;
}

function componentOf(
  manifest: string,
  place: string,
  entry: Table,
  dependsOn: readonly string[],
  document: Table,
): Component {
  const version = optionalText(manifest, `packages["${place}"].version`, entry.version);
  if (!isInstalled(place)) {
    const fallback = place === "" ? optionalText(manifest, "name", document.name) : undefined;
    const name = nameAt(manifest, place, entry) || fallback || manifest;
    const project = { name, version: version ?? rootVersion(manifest, place, document) };
    return localComponent({ manifest, place }, project, dependsOn);
  }
  const what = `packages["${place}"].integrity`;
  const integrity = optionalText(manifest, what, entry.integrity);
  const licence = licenceOf(entry.license ?? entry.licenses);
  return libraryComponent(
    {
      ecosystem: "npm",
      name: nameAt(manifest, place, entry),
      version,
      qualifiers: originOf(entry.resolved),
    },
    {
      use: useOf(entry),
      ...(licence ? { licence } : {}),
      hashes: integrity === undefined ? [] : hashesOf(manifest, what, integrity),
      properties: flagsOf(entry),
      dependsOn,
    },
  );
}

function rootVersion(manifest: string, place: string, document: Table): string | undefined {
  return place === "" ? optionalText(manifest, "version", document.version) : undefined;
}

function useOf(entry: Table): Use {
  if (entry.dev === true) return "development";
  return entry.optional === true || entry.devOptional === true ? "optional" : "required";
}

function flagsOf(entry: Table): Property[] {
  return entry.hasInstallScript === true
    ? [{ name: "stellaops:npm:installScript", value: "true" }]
    : [];
}

function licenceOf(value: Unchecked): string | undefined {
  if (typeof value === "string") return value.trim() || undefined;
  if (Array.isArray(value)) {
    const all = value.map(licenceOf).filter((l) => l !== undefined);
    return all.length > 1 ? `(${all.join(" OR ")})` : all[0];
  }
  if (typeof value !== "object" || value === null) return undefined;
  // What old packages wrote: {"type": "MIT", "url": "…"}.
  return "type" in value && typeof value.type === "string" ? value.type : undefined;
}

/** Where a package comes from, as purl qualifiers; none for a registry's own tarball. */
function originOf(resolved: Unchecked): Record<string, string> | undefined {
  if (typeof resolved !== "string") return undefined;
  if (/^git[+:]/.test(resolved)) return { vcs_url: resolved };
  const fromRegistry = /^https?:.*\/-\/.*\.tgz$/.test(resolved);
  return /^https?:/.test(resolved) && !fromRegistry ? { download_url: resolved } : undefined;
}

function hashesOf(manifest: string, what: string, integrity: string): Hash[] {
  return integrity.split(/\s+/).flatMap((part) => {
    const [, name, base64] = /^([a-z0-9]+)-([A-Za-z0-9+/]+={0,2})(?:\?.*)?$/.exec(part) ?? [];
    const algorithm = ALGORITHMS[name ?? ""];
    if (part === "") return [];
    const bytes = Buffer.from(base64 ?? "", "base64");
    if (algorithm === undefined || bytes.length !== algorithm.bytes)
      throw new ManifestError(manifest, undefined, `${what} is not an integrity: ${part}`);
    return [{ alg: algorithm.alg, content: bytes.toString("hex") }];
  });
}

function dependencyRefs(
  manifest: string,
  place: string,
  entry: Table,
  refs: ReadonlyMap<string, string>,
): string[] {
  const fields = isInstalled(place) ? DEPENDENCY_FIELDS : [...DEPENDENCY_FIELDS, "devDependencies"];
  const found = fields.flatMap((field) => {
    const wanted = optionalTable(manifest, `packages["${place}"].${field}`, entry[field]);
    return Object.keys(wanted).flatMap((name) => resolve(place, name, refs) ?? []);
  });
  if (place !== "") return found;
  // The root depends on its workspaces, though no field of its entry says so.
  const workspaces = [...refs.keys()].filter((key) => key !== "" && !isInstalled(key));
  return [...found, ...workspaces.map((key) => localRef(manifest, key))];
}

/** Node's own search: the package's node_modules, then those of the folders above it. */
function resolve(
  place: string,
  name: string,
  refs: ReadonlyMap<string, string>,
): string | undefined {
  for (let folder = place; ; folder = folder.slice(0, Math.max(folder.lastIndexOf("/"), 0))) {
    const candidate = folder === "" ? NODE_MODULES + name : `${folder}/${NODE_MODULES}${name}`;
    const ref = refs.get(candidate);
    if (ref !== undefined || folder === "") return ref;
  }
}
