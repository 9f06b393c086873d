import semver from "semver";
import {
  type Component,
  libraryComponent,
  localComponent,
  localRef,
  type ManifestTexts,
  type PackageFacts,
  type Use,
} from "../component.ts";
import { inventory } from "../inventory.ts";
import { ManifestError } from "../manifest-error.ts";
import { textOf } from "./document.ts";
import { type GoMod, type GoModule, parseGoMod } from "./go-mod.ts";

// From this version on a go.mod lists the whole build, the indirect modules included.
const FIRST_COMPLETE_GO = "1.17.0";

/** Reads a go.mod with its go.sum, or a go.sum that lies alone. */
export function scanGo(manifest: string, texts: ManifestTexts) {
  const sumFile = [...texts.keys()].find((path) => /(^|\/)go\.sum$/.test(path));
  const sums = sumFile === undefined ? [] : parseGoSum(sumFile, textOf(texts, sumFile));
  if (sumFile === manifest) return scanSumAlone(manifest, sums);
  const mod = parseGoMod(manifest, textOf(texts, manifest));
  const h1 = new Map(sums.map((sum) => [`${sum.path} ${sum.version}`, sum.h1]));
  const direct: Component[] = [];
  const indirect: Component[] = [];
  for (const required of mod.requires) {
    const component = moduleComponent(manifest, required, mod, h1);
    (required.indirect ? indirect : direct).push(component);
  }
  if (!listsWholeBuild(mod)) indirect.push(...onlyInSums(manifest, mod, sums, h1));
  const refs = direct.map((component) => component.ref);
  const project = localComponent({ manifest }, { name: mod.module }, refs);
  return inventory("golang", manifest, localRef(manifest), [project, ...direct, ...indirect]);
}

interface GoSum {
  readonly path: string;
  readonly version: string;
  readonly h1: string;
}

/** The module zips of a go.sum; its lines about go.mod files alone are checked and left out. */
function parseGoSum(file: string, content: string): GoSum[] {
  return content.split("\n").flatMap((raw, index) => {
    const line = raw.trim();
    if (line === "") return [];
    const [, path, version, goMod, h1] =
      /^(\S+) (v\S+?)(\/go\.mod)? (h\d+:[A-Za-z0-9+/]+={0,2})$/.exec(line) ?? [];
    if (path === undefined || version === undefined || h1 === undefined)
      throw new ManifestError(file, index + 1, "not of the form MODULE VERSION h1:HASH");
    return goMod === undefined ? [{ path, version, h1 }] : [];
  });
}

function scanSumAlone(manifest: string, sums: readonly GoSum[]) {
  const modules = highestVersions(sums).map((sum) =>
    libraryComponent(goPackage(sum.path, sum.version), h1Facts(sum.h1)),
  );
  const project = localComponent({ manifest }, { name: manifest });
  return inventory("golang", manifest, localRef(manifest), [project, ...modules]);
}

function listsWholeBuild(mod: GoMod): boolean {
  const version = semver.coerce(mod.go ?? "1.16");
  return version !== null && semver.gte(version, FIRST_COMPLETE_GO);
}

function onlyInSums(
  manifest: string,
  mod: GoMod,
  sums: readonly GoSum[],
  h1: ReadonlyMap<string, string>,
): Component[] {
  const required = new Set(mod.requires.map((module) => module.path));
  const replacements = new Set(mod.replaces.map((replace) => replace.to.path));
  return highestVersions(sums)
    .filter((sum) => !required.has(sum.path) && !replacements.has(sum.path))
    .map((sum) => moduleComponent(manifest, sum, mod, h1));
}

/** Minimal version selection: of the versions in a go.sum the highest is built. */
function highestVersions(sums: readonly GoSum[]): GoSum[] {
  const highest = new Map<string, GoSum>();
  for (const sum of sums) {
    const known = highest.get(sum.path);
    if (known === undefined || isHigher(sum.version, known.version)) highest.set(sum.path, sum);
  }
  return [...highest.values()];
}

function isHigher(a: string, b: string): boolean {
  const [left, right] = [semver.parse(a), semver.parse(b)];
  if (left === null || right === null) return a > b;
  return semver.compareBuild(left, right) > 0;
}

function moduleComponent(
  manifest: string,
  module: GoModule,
  mod: GoMod,
  h1: ReadonlyMap<string, string>,
): Component {
  const replace =
    mod.replaces.find((r) => r.from.path === module.path && r.from.version === module.version) ??
    mod.replaces.find((r) => r.from.path === module.path && r.from.version === undefined);
  const used = replace?.to ?? module;
  if (replace !== undefined && used.version === undefined) {
    const project = { name: module.path, use: "required" as Use };
    return localComponent({ manifest, place: used.path }, project);
  }
  const facts = h1Facts(h1.get(`${used.path} ${used.version}`));
  const replaced = replace && { name: "stellaops:go:replaces", value: originalOf(module) };
  return libraryComponent(goPackage(used.path, used.version), {
    properties: [...(facts.properties ?? []), ...(replaced ? [replaced] : [])],
  });
}

function originalOf(module: GoModule): string {
  return module.version === undefined ? module.path : `${module.path}@${module.version}`;
}

function h1Facts(h1: string | undefined): PackageFacts {
  // Not a digest of the zip's bytes but of its file list, so it is no CycloneDX hash.
  return h1 === undefined ? {} : { properties: [{ name: "stellaops:go:h1", value: h1 }] };
}

function goPackage(name: string, version: string | undefined) {
  return { ecosystem: "golang", name, version } as const;
}
