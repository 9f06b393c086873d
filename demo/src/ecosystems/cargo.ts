import {
  type Component,
  type Hash,
  libraryComponent,
  localComponent,
  localRef,
  type ManifestTexts,
} from "../component.ts";
import { inventory } from "../inventory.ts";
import { ManifestError } from "../manifest-error.ts";
import {
  optionalList,
  optionalTable,
  optionalText,
  parseToml,
  type Table,
  table,
  text,
  textOf,
} from "./document.ts";

const NEWEST_LOCK_VERSION = 4;
const DEFAULT_REGISTRY = /^(registry|sparse)\+https:\/\/github\.com\//;

interface LockedCrate {
  readonly name: string;
  readonly version: string;
  readonly source: string | undefined;
  readonly checksum: string | undefined;
  readonly dependencies: readonly string[];
}

/** Reads a Cargo.lock of version 1 to 4. */
export function scanCargoLock(manifest: string, texts: ManifestTexts) {
  const document = parseToml(manifest, textOf(texts, manifest));
  const version = document.version ?? 1;
  if (typeof version !== "number" || version < 1 || version > NEWEST_LOCK_VERSION)
    throw new ManifestError(manifest, undefined, `lock version ${version} is not known`);
  const crates = lockedCrates(manifest, document);
  const refs = refsByName(manifest, crates);
  const components = crates.map((crate) => crateComponent(manifest, crate, refs));
  const members = crates.filter((crate) => crate.source === undefined);
  const project = localComponent(
    { manifest },
    { name: members.length === 1 && members[0] ? members[0].name : manifest },
    members.map((crate) => crateRef(manifest, crate)),
  );
  return inventory("cargo", manifest, localRef(manifest), [project, ...components]);
}

function lockedCrates(manifest: string, document: Table): LockedCrate[] {
  const metadata = optionalTable(manifest, "[metadata]", document.metadata);
  return optionalList(manifest, "package", document.package).map((value, index) => {
    const what = `package ${index + 1}`;
    const entry = table(manifest, what, value);
    const name = text(manifest, `name of ${what}`, entry.name);
    const version = text(manifest, `version of ${name}`, entry.version);
    const source = optionalText(manifest, `source of ${name}`, entry.source);
    const dependencies = optionalList(manifest, `dependencies of ${name}`, entry.dependencies);
    return {
      name,
      version,
      source,
      // Version 1 keeps the checksums apart, by name, version and source.
      checksum: optionalText(
        manifest,
        `checksum of ${name}`,
        entry.checksum ?? metadata[`checksum ${name} ${version} (${source})`],
      ),
      dependencies: dependencies.map((d) => text(manifest, `a dependency of ${name}`, d)),
    };
  });
}

/** Every way in which a lock file may name a crate: as short as is still unambiguous. */
function refsByName(manifest: string, crates: readonly LockedCrate[]): Map<string, string> {
  const refs = new Map<string, string>();
  for (const crate of crates) {
    const ref = crateRef(manifest, crate);
    refs.set(crate.name, ref);
    refs.set(`${crate.name} ${crate.version}`, ref);
    refs.set(`${crate.name} ${crate.version} (${crate.source})`, ref);
    // Dependencies name a git source without the commit that it is locked to.
    refs.set(`${crate.name} ${crate.version} (${crate.source?.split("#")[0]})`, ref);
  }
  return refs;
}

function crateRef(manifest: string, crate: LockedCrate): string {
  if (crate.source === undefined) return localRef(manifest, `${crate.name}@${crate.version}`);
  return libraryComponent(cratePackage(crate)).ref;
}

function crateComponent(
  manifest: string,
  crate: LockedCrate,
  refs: ReadonlyMap<string, string>,
): Component {
  const dependsOn = crate.dependencies.map((dependency) => {
    const ref = refs.get(dependency);
    if (ref === undefined)
      throw new ManifestError(
        manifest,
        undefined,
        `${crate.name} ${crate.version} depends on ${dependency}, which is not in the file`,
      );
    return ref;
  });
  if (crate.source === undefined) {
    const place = `${crate.name}@${crate.version}`;
    return localComponent({ manifest, place }, crate, dependsOn);
  }
  return libraryComponent(cratePackage(crate), { hashes: hashesOf(manifest, crate), dependsOn });
}

function cratePackage(crate: LockedCrate) {
  const { name, version } = crate;
  return { ecosystem: "cargo", name, version, qualifiers: originOf(crate.source) } as const;
}

function originOf(source: string | undefined): Record<string, string> | undefined {
  if (source === undefined || DEFAULT_REGISTRY.test(source)) return undefined;
  if (source.startsWith("git+")) return { vcs_url: source };
  return { repository_url: source.replace(/^(registry|sparse)\+/, "") };
}

function hashesOf(manifest: string, crate: LockedCrate): Hash[] {
  // Version 1 writes "<none>" for crates that have no tarball.
  if (crate.checksum === undefined || crate.checksum === "<none>") return [];
  if (!/^[0-9a-f]{64}$/.test(crate.checksum))
    throw new ManifestError(manifest, undefined, `checksum of ${crate.name} is not a SHA-256`);
  return [{ alg: "SHA-256", content: crate.checksum }];
}
