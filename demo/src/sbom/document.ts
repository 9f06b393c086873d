import { createHash } from "node:crypto";
import { v5 as uuidv5 } from "uuid";
import {
  type Component,
  compareText,
  type Hash,
  type Inventory,
  type Property,
  sortedUnique,
} from "../component.ts";
import { mergeComponents } from "../inventory.ts";
import { type LicenceChoice, licenceChoice } from "./licences.ts";

/** The media type of the merged document. */
export const SBOM_MEDIA_TYPE = "application/vnd.cyclonedx+json; version=1.6";

/** The name under which the merge job binds the document. */
export const SBOM_NAME = "sbom.cdx.json";

// Names the tool that writes the document; a change of what it writes raises the version.
const TOOL = { name: "stellaops-orchestrator-demo", version: "1" };
const ROOT_REF = "root";
// A UUIDv5 namespace of our own, so that our serial numbers meet nobody else's.
const NAMESPACE = "6f0a7c52-93a5-5d0e-8a44-2f1d7f2c9b61";

/** A CycloneDX 1.6 document, as far as we write one. */
export interface SbomDocument {
  readonly $schema: string;
  readonly bomFormat: "CycloneDX";
  readonly specVersion: "1.6";
  readonly serialNumber?: string;
  readonly version: 1;
  readonly metadata: object;
  readonly components: readonly SbomComponent[];
  readonly dependencies: readonly SbomDependency[];
}

/** A component as CycloneDX writes it. */
export interface SbomComponent {
  readonly type: Component["type"];
  readonly "bom-ref": string;
  readonly group?: string;
  readonly name: string;
  readonly version?: string;
  readonly scope: "required" | "optional";
  readonly hashes?: readonly Hash[];
  readonly licenses?: readonly LicenceChoice[];
  readonly purl?: string;
  readonly properties?: readonly Property[];
  readonly evidence: { readonly occurrences: readonly { readonly location: string }[] };
}

/** An entry of the dependency graph. One without `dependsOn` depends on nothing. */
export interface SbomDependency {
  readonly ref: string;
  readonly dependsOn?: readonly string[];
}

/**
 * Merges inventories into one CycloneDX 1.6 document. The same inventories, in whatever order,
 * make the same bytes: sorted, one component per purl, no time stamp, no absolute path, and a
 * serial number that is made of the content.
 */
export function sbomDocument(inventories: readonly Inventory[]): SbomDocument {
  const merged = mergeComponents(inventories.flatMap((inventory) => inventory.components));
  const locations = occurrences(inventories);
  const document: SbomDocument = {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      tools: { components: [{ type: "application", ...TOOL }] },
      component: { type: "application", "bom-ref": ROOT_REF, name: rootName(inventories) },
    },
    components: merged.map((component) => sbomComponent(component, locations)),
    dependencies: dependencies(inventories, merged),
  };
  const content = createHash("sha256").update(JSON.stringify(document)).digest("hex");
  const { $schema, bomFormat, specVersion, ...rest } = document;
  const serialNumber = `urn:uuid:${uuidv5(content, NAMESPACE)}`;
  return { $schema, bomFormat, specVersion, serialNumber, ...rest };
}

/** The document's bytes: indented JSON with a newline at the end. */
export function sbomBytes(document: SbomDocument): Uint8Array {
  return Buffer.from(`${JSON.stringify(document, null, 2)}\n`);
}

/** The project at the root gives the name; the folder's own name would differ by checkout. */
function rootName(inventories: readonly Inventory[]): string {
  const names = inventories
    .filter((inventory) => !inventory.manifest.includes("/"))
    .map((i) => i.components.find((component) => component.ref === i.project)?.name)
    .filter((name) => name !== undefined);
  return sortedUnique(names)[0] ?? "source-tree";
}

function occurrences(inventories: readonly Inventory[]): Map<string, string[]> {
  const byRef = new Map<string, string[]>();
  for (const { manifest, components } of inventories)
    for (const { ref } of components) {
      const known = byRef.get(ref);
      if (known === undefined) byRef.set(ref, [manifest]);
      else known.push(manifest);
    }
  return byRef;
}

function sbomComponent(
  component: Component,
  locations: ReadonlyMap<string, readonly string[]>,
): SbomComponent {
  const { ref, type, group, name, version, licence, purl, hashes } = component;
  const properties = propertiesOf(component);
  const found = sortedUnique(locations.get(ref) ?? []);
  return {
    type,
    "bom-ref": ref,
    ...(group === undefined ? {} : { group }),
    name,
    ...(version === undefined ? {} : { version }),
    scope: component.use === "required" ? "required" : "optional",
    ...(hashes.length === 0 ? {} : { hashes }),
    ...(licence === undefined ? {} : { licenses: [licenceChoice(licence)] }),
    ...(purl === undefined ? {} : { purl }),
    ...(properties.length === 0 ? {} : { properties }),
    evidence: { occurrences: found.map((location) => ({ location })) },
  };
}

function propertiesOf({ properties, use }: Component): Property[] {
  const development = { name: "stellaops:sbom:development", value: "true" };
  return [...properties, ...(use === "development" ? [development] : [])];
}

function dependencies(
  inventories: readonly Inventory[],
  merged: readonly Component[],
): SbomDependency[] {
  const known = merged.flatMap(({ ref, dependsOn }) =>
    dependsOn === undefined ? [] : [{ ref, dependsOn }],
  );
  const projects = sortedUnique(inventories.map((inventory) => inventory.project));
  return [{ ref: ROOT_REF, dependsOn: projects }, ...known]
    .sort((a, b) => compareText(a.ref, b.ref))
    .map(({ ref, dependsOn }) => (dependsOn.length === 0 ? { ref } : { ref, dependsOn }));
}
