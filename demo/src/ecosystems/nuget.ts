import { XMLParser, XMLValidator } from "fast-xml-parser";
import {
  type Component,
  libraryComponent,
  localComponent,
  localRef,
  type ManifestTexts,
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

/** Reads a packages.lock.json, a *.csproj, or both where they lie together. */
export function scanNuget(manifest: string, texts: ManifestTexts) {
  const lock = [...texts.keys()].find((path) => path.endsWith("packages.lock.json"));
  if (lock === undefined) return scanProject(manifest, texts);
  // The lock has everything that the project asks for; the project is read to notice a broken
  // one, and gives the name.
  for (const path of texts.keys()) if (path !== lock) projectItems(path, textOf(texts, path));
  const name = lock === manifest ? lock : projectName(manifest);
  return scanLock(lock, manifest, name, textOf(texts, lock));
}

function scanLock(lock: string, manifest: string, name: string, content: string) {
  const document = parseJson(lock, content);
  if (document.version !== 1 && document.version !== 2) {
    const said = JSON.stringify(document.version) ?? "missing";
    throw new ManifestError(lock, undefined, `version is ${said}, not 1 or 2`);
  }
  const components: Component[] = [];
  const direct: string[] = [];
  for (const [framework, value] of Object.entries(
    table(lock, "dependencies", document.dependencies),
  )) {
    const packages = new Map(
      Object.entries(table(lock, `dependencies of ${framework}`, value)).map(
        ([id, entry]) => [id.toLowerCase(), { id, entry: table(lock, id, entry) }] as const,
      ),
    );
    for (const { id, entry } of packages.values()) {
      const component = lockedPackage(lock, manifest, id, entry, packages);
      components.push(component);
      if (entry.type === "Direct" || entry.type === "Project") direct.push(component.ref);
    }
  }
  const project = localComponent({ manifest }, { name }, direct);
  return inventory("nuget", manifest, localRef(manifest), [project, ...components]);
}

type Locked = ReadonlyMap<string, { readonly id: string; readonly entry: Table }>;

function lockedPackage(
  lock: string,
  manifest: string,
  id: string,
  entry: Table,
  all: Locked,
): Component {
  const wanted = optionalTable(lock, `dependencies of ${id}`, entry.dependencies);
  const dependsOn = Object.keys(wanted).flatMap((name) => {
    const found = all.get(name.toLowerCase());
    return found === undefined ? [] : [lockedRef(lock, manifest, found.id, found.entry)];
  });
  if (entry.type === "Project")
    return localComponent({ manifest, place: id }, { name: id }, dependsOn);
  const contentHash = optionalText(lock, `contentHash of ${id}`, entry.contentHash);
  return libraryComponent(lockedName(lock, id, entry), {
    // NuGet's hash leaves the package's signature out, so it is not that of the file.
    properties: contentHash ? [{ name: "stellaops:nuget:contentHash", value: contentHash }] : [],
    dependsOn,
  });
}

function lockedRef(lock: string, manifest: string, id: string, entry: Table): string {
  if (entry.type === "Project") return localRef(manifest, id);
  return libraryComponent(lockedName(lock, id, entry)).ref;
}

function lockedName(lock: string, name: string, entry: Table) {
  const version = optionalText(lock, `resolved of ${name}`, entry.resolved);
  return { ecosystem: "nuget", name, version } as const;
}

interface ProjectItems {
  readonly references: readonly Table[];
  readonly centralVersions: ReadonlyMap<string, string>;
  readonly properties: ReadonlyMap<string, string>;
}

function scanProject(manifest: string, texts: ManifestTexts) {
  const items = projectItems(manifest, textOf(texts, manifest));
  const central = [...texts.keys()].filter((path) => path !== manifest);
  const shared = central.map((path) => projectItems(path, textOf(texts, path)));
  const properties = new Map([...shared.flatMap((s) => [...s.properties]), ...items.properties]);
  const versions = new Map(shared.flatMap((s) => [...s.centralVersions]));
  const components = items.references.flatMap((reference) => {
    const id = attribute(reference, "Include");
    // An Update without an Include changes what another file includes.
    if (id === undefined) return [];
    const said =
      attribute(reference, "VersionOverride") ??
      attribute(reference, "Version") ??
      versions.get(id.toLowerCase());
    return [packageReference(id, said && expand(said, properties), reference)];
  });
  const direct = components.map((component) => component.ref);
  const project = localComponent({ manifest }, { name: projectName(manifest) }, direct);
  return inventory("nuget", manifest, localRef(manifest), [project, ...components]);
}

function packageReference(name: string, said: string | undefined, reference: Table): Component {
  // "1.2.3" means at least that, and NuGet takes the lowest that is there; "[1.2.3]" is exact.
  const version = /^\[?\s*(\d+(?:\.\d+){0,3}(?:-[0-9A-Za-z.-]+)?)\s*\]?$/.exec(said ?? "")?.[1];
  const isBuildOnly = attribute(reference, "PrivateAssets")?.toLowerCase() === "all";
  const use: Use = isBuildOnly ? "development" : "required";
  const unpinned = said !== undefined && version === undefined;
  return libraryComponent(
    { ecosystem: "nuget", name, version },
    { use, properties: unpinned ? [{ name: "stellaops:nuget:requested", value: said }] : [] },
  );
}

function projectItems(file: string, content: string): ProjectItems {
  const project = optionalTable(file, "Project", parseXml(file, content).Project || undefined);
  const references: Table[] = [];
  const centralVersions = new Map<string, string>();
  const properties = new Map<string, string>();
  for (const group of tables(project.ItemGroup)) {
    references.push(...tables(group.PackageReference));
    for (const central of tables(group.PackageVersion)) {
      const [id, version] = [attribute(central, "Include"), attribute(central, "Version")];
      if (id !== undefined && version !== undefined) centralVersions.set(id.toLowerCase(), version);
    }
  }
  for (const group of tables(project.PropertyGroup))
    for (const [name, value] of Object.entries(group))
      if (typeof value === "string") properties.set(name.toLowerCase(), value);
  return { references, centralVersions, properties };
}

function parseXml(file: string, content: string): Table {
  const valid = XMLValidator.validate(content, { allowBooleanAttributes: false });
  if (valid !== true)
    throw new ManifestError(file, valid.err.line, `not valid XML: ${valid.err.msg}`);
  const parser = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: "@",
    parseTagValue: false,
    parseAttributeValue: false,
    removeNSPrefix: true,
  });
  const document: Table = parser.parse(content);
  if (!("Project" in document))
    throw new ManifestError(file, undefined, "the root element is not Project");
  return document;
}

/** An item's metadata: MSBuild takes it as an attribute or as a child element. */
function attribute(item: Table, name: string): string | undefined {
  const value = item[`@${name}`] ?? item[name];
  return typeof value === "string" && value.trim() !== "" ? value.trim() : undefined;
}

function tables(value: Unchecked): Table[] {
  const all = Array.isArray(value) ? value : [value];
  return all.filter((item): item is Table => typeof item === "object" && item !== null);
}

function expand(value: string, properties: ReadonlyMap<string, string>): string {
  // A property may be made of others; a cycle of them ends at the bound.
  let expanded = value;
  for (let depth = 0; depth < 10 && expanded.includes("$("); depth++)
    expanded = expanded.replace(
      /\$\(([A-Za-z_][\w.-]*)\)/g,
      (whole, name: string) => properties.get(name.toLowerCase()) ?? whole,
    );
  return expanded;
}

function projectName(manifest: string): string {
  return manifest.replace(/^.*\//, "").replace(/\.[^.]*$/, "");
}
