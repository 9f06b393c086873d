import { PackageURL } from "packageurl-js";

/** The package ecosystems whose manifests the demo reads. */
export type Ecosystem = "npm" | "golang" | "cargo" | "pypi" | "nuget";

/** How a component is used; where manifests disagree, the first in this order wins. */
export type Use = "required" | "optional" | "development";

/** A digest of the package as its registry serves it. */
export interface Hash {
  /** The algorithm as CycloneDX spells it, such as "SHA-512". */
  readonly alg: string;
  /** Lower-case hexadecimal. */
  readonly content: string;
}

/** A name-value pair for what CycloneDX has no field for. */
export interface Property {
  /** Name, in a namespace of its own: `stellaops:go:h1`. */
  readonly name: string;
  /** Value. */
  readonly value: string;
}

/** One package, or one project of the scanned tree, as one manifest tells of it. */
export interface Component {
  /** What edges point to: the purl, or `local:MANIFEST#PLACE` for what no registry has. */
  readonly ref: string;
  /** "application" for the scanned tree's own projects, "library" for everything else. */
  readonly type: "application" | "library";
  /** The part of the name before the last: npm scope, Go module path without its end. */
  readonly group?: string;
  /** The name. */
  readonly name: string;
  /** The version; absent where the manifest does not pin one. */
  readonly version?: string;
  /** The package URL; absent for what no registry has. */
  readonly purl?: string;
  /** How it is used. */
  readonly use: Use;
  /** The licence exactly as the manifest says it; absent where it does not. */
  readonly licence?: string;
  /** Digests of the package. */
  readonly hashes: readonly Hash[];
  /** Everything else. */
  readonly properties: readonly Property[];
  /** Refs of what it directly depends on; absent means unknown, empty means nothing. */
  readonly dependsOn?: readonly string[];
}

/** What one scan found: the component list of one manifest. */
export interface Inventory {
  /** The ecosystem. */
  readonly ecosystem: Ecosystem;
  /** The manifest, relative to the scanned root. */
  readonly manifest: string;
  /** Ref of the component that stands for the manifest's own project. */
  readonly project: string;
  /** The components, the project among them, sorted by ref, each ref once. */
  readonly components: readonly Component[];
  /** What had to be left out, for people. */
  readonly warnings: readonly string[];
}

/** The texts of the files of one manifest by path relative to the scanned root. */
export type ManifestTexts = ReadonlyMap<string, string>;

/** Reads one manifest. Throws ManifestError when it is malformed. */
export type Scanner = (manifest: string, texts: ManifestTexts) => Inventory;

/** Compares by UTF-16 code units: the same order on every machine, whatever its locale. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** The distinct values in a stable order. */
export function sortedUnique(values: Iterable<string>): string[] {
  return [...new Set(values)].sort(compareText);
}

/** What a package is called and where it comes from. */
export interface PackageName {
  /** The ecosystem, which is also the purl type. */
  readonly ecosystem: Ecosystem;
  /** The full name, such as "@scope/name" or "github.com/a/b". */
  readonly name: string;
  /** The version, if it is pinned. */
  readonly version?: string | undefined;
  /** purl qualifiers, such as `vcs_url` for what does not come from a registry. */
  readonly qualifiers?: Readonly<Record<string, string>> | undefined;
}

/** The facts about a package that its name does not say. */
export type PackageFacts = Partial<
  Pick<Component, "use" | "licence" | "hashes" | "properties" | "dependsOn">
>;

/** A library component for a package, identified by its purl. */
export function libraryComponent(pkg: PackageName, facts: PackageFacts = {}): Component {
  const purl = toPurl(pkg);
  return {
    ref: purl.toString(),
    type: "library",
    ...(purl.namespace ? { group: purl.namespace } : {}),
    name: purl.name,
    ...(pkg.version ? { version: pkg.version } : {}),
    purl: purl.toString(),
    use: facts.use ?? "required",
    ...(facts.licence ? { licence: facts.licence } : {}),
    hashes: facts.hashes ?? [],
    properties: facts.properties ?? [],
    ...(facts.dependsOn ? { dependsOn: facts.dependsOn } : {}),
  };
}

/** A component of the scanned tree itself, which no registry has. */
export function localComponent(
  place: { manifest: string; place?: string },
  project: { name: string; version?: string | undefined; use?: Use },
  dependsOn?: readonly string[],
): Component {
  return {
    ref: localRef(place.manifest, place.place),
    type: "application",
    name: project.name,
    ...(project.version ? { version: project.version } : {}),
    use: project.use ?? "required",
    hashes: [],
    properties: [],
    ...(dependsOn ? { dependsOn } : {}),
  };
}

/** The ref of a component of the scanned tree. */
export function localRef(manifest: string, place = ""): string {
  return `local:${manifest}${place === "" ? "" : `#${place}`}`;
}

function toPurl(pkg: PackageName): PackageURL {
  const cut = pkg.name.lastIndexOf("/");
  const namespace = cut > 0 ? pkg.name.slice(0, cut) : undefined;
  const name = cut > 0 ? pkg.name.slice(cut + 1) : pkg.name;
  const qualifiers = Object.entries(pkg.qualifiers ?? {}).map(
    ([key, value]) => [key, withoutCredentials(value)] as const,
  );
  return new PackageURL(
    pkg.ecosystem,
    namespace,
    name,
    pkg.version,
    qualifiers.length === 0 ? undefined : Object.fromEntries(qualifiers),
    undefined,
  );
}

/** Lock files of private registries hold tokens in URLs; an SBOM goes to other people. */
function withoutCredentials(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/)([^/?#]*)@/i, (whole, scheme, user) =>
    /ssh/i.test(scheme) && !user.includes(":") ? whole : scheme,
  );
}
