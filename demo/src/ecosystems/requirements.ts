import path from "node:path";
import {
  type Component,
  type Hash,
  localComponent,
  localRef,
  type ManifestTexts,
} from "../component.ts";
import { inventory } from "../inventory.ts";
import { ManifestError } from "../manifest-error.ts";
import { textOf } from "./document.ts";
import { parseRequirement, pinnedVersion, type Requirement } from "./pep508.ts";
import { indexName, pythonComponent } from "./python-package.ts";

/** One logical line of a requirements file: comments gone, continuations joined. */
interface Line {
  readonly file: string;
  readonly line: number;
  readonly text: string;
}

/** A file that a requirements file includes. */
export interface Include {
  /** Its path relative to the scanned root; it may lead out of it (`../`). */
  readonly path: string;
  /** The line that includes it, from 1. */
  readonly line: number;
  /** True: included by `-c`, so it pins versions and requires nothing. */
  readonly isConstraint: boolean;
}

const INCLUDE = /^(?:-r|--requirement|(-c|--constraint))(?:\s*=\s*|\s+|(?=[^\s=-]))(\S+)$/;
const EDITABLE = /^(?:-e|--editable)[\s=]+(.+)$/;
const HASH = /\s--hash[=\s]\s*([a-z0-9]+):([0-9a-f]+)/g;
// Options of one requirement that say nothing about what it is.
const OTHER_OPTIONS = /\s--(?:global-option|config-settings|install-option)[=\s]\s*("[^"]*"|\S+)/g;

/** What a requirements file includes; discovery reads it to know all files of a manifest. */
export function requirementsIncludes(file: string, content: string): Include[] {
  return logicalLines(file, content).flatMap(({ text, line }) => {
    const [, constraint, target] = INCLUDE.exec(text) ?? [];
    if (target === undefined || /^[a-z]+:\/\//.test(target)) return [];
    const resolved = path.posix.join(path.posix.dirname(file), target);
    return [{ path: resolved, line, isConstraint: constraint !== undefined }];
  });
}

/** Reads a requirements file with everything that it includes. */
export function scanRequirements(manifest: string, texts: ManifestTexts) {
  const constraints = new Map<string, string>();
  const requirements: { requirement: Requirement; hashes: Hash[] }[] = [];
  const warnings: string[] = [];
  const visited = new Set<string>();
  const visit = (file: string, isConstraint: boolean) => {
    if (visited.has(`${isConstraint} ${file}`)) return;
    visited.add(`${isConstraint} ${file}`);
    const content = textOf(texts, file);
    for (const include of requirementsIncludes(file, content)) {
      if (include.path.startsWith("../"))
        warnings.push(`${file}:${include.line}: ${include.path} is outside of the scanned folder`);
      else if (texts.has(include.path)) visit(include.path, isConstraint || include.isConstraint);
      else throw new ManifestError(file, include.line, `${include.path} does not exist`);
    }
    for (const line of logicalLines(file, content)) {
      const found = requirementAt(line, warnings);
      if (found === undefined) continue;
      const pinned = pinnedVersion(found.requirement.specifier);
      if (!isConstraint) requirements.push(found);
      else if (pinned) constraints.set(indexName(found.requirement.name), pinned);
    }
  };
  visit(manifest, false);
  const components: Component[] = requirements.map(({ requirement, hashes }) => {
    const constraint = constraints.get(indexName(requirement.name));
    return pythonComponent(requirement, { hashes, constraint });
  });
  const refs = components.map((component) => component.ref);
  const project = localComponent({ manifest }, { name: manifest }, refs);
  return inventory("pypi", manifest, localRef(manifest), [project, ...components], warnings);
}

function requirementAt(line: Line, warnings: string[]) {
  const source = EDITABLE.exec(line.text)?.[1] ?? line.text;
  // Every other option (an index, a format) says nothing about what is required.
  if (source.startsWith("-")) return undefined;
  const hashes = hashesOf(line, source);
  const bare = source.replace(HASH, "").replace(OTHER_OPTIONS, "").trim();
  const named = fromUrl(bare) ?? bare;
  if (isPathOrUrl(named)) {
    warnings.push(`${line.file}:${line.line}: ${bare} has no name, left out`);
    return undefined;
  }
  const requirement = parseRequirement(named);
  if (typeof requirement === "string") throw new ManifestError(line.file, line.line, requirement);
  return { requirement, hashes };
}

/** A bare URL names its project in the fragment: `git+https://…#egg=name`. */
function fromUrl(source: string): string | undefined {
  const egg = /^[a-z][a-z+]*:\/\/\S*#(?:\S*&)?egg=([A-Za-z0-9._-]+)/.exec(source)?.[1];
  return egg === undefined ? undefined : `${egg} @ ${source}`;
}

function isPathOrUrl(source: string): boolean {
  return /^(\.{0,2}\/|\.\.?$|[a-z][a-z+]*:)|^\S+\.(whl|tar\.gz|zip)$/.test(source);
}

function hashesOf(line: Line, source: string): Hash[] {
  return [...source.matchAll(HASH)].map(([, algorithm, content]) => {
    const isSha256 = algorithm === "sha256" && /^[0-9a-f]{64}$/.test(content ?? "");
    if (!isSha256 || content === undefined)
      throw new ManifestError(line.file, line.line, `not a SHA-256: ${algorithm}:${content}`);
    return { alg: "SHA-256", content };
  });
}

function logicalLines(file: string, content: string): Line[] {
  const lines: Line[] = [];
  let joined = "";
  let start = 0;
  for (const [index, raw] of content.split(/\r\n|\n|\r/).entries()) {
    if (joined === "") start = index + 1;
    // A comment line ends a continuation in pip too.
    const isComment = raw.trimStart().startsWith("#");
    if (raw.endsWith("\\") && !isComment) {
      joined += `${raw.slice(0, -1)} `;
      continue;
    }
    const text = (joined + raw).replace(/(^|\s)#.*$/, "").trim();
    joined = "";
    if (text !== "") lines.push({ file, line: start, text });
  }
  const rest = joined.replace(/(^|\s)#.*$/, "").trim();
  if (rest !== "") lines.push({ file, line: start, text: rest });
  return lines;
}
