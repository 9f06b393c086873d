import type { Dirent } from "node:fs";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { compareText, type Ecosystem } from "./component.ts";
import { requirementsIncludes } from "./ecosystems/requirements.ts";
import { MANIFEST_KINDS, type ManifestKind } from "./ecosystems/scanners.ts";
import { ManifestError } from "./manifest-error.ts";
import { decodeManifest, type ManifestFile, readManifestFile, sha256 } from "./manifest-files.ts";

/** One thing to scan: a manifest with the files that belong to it. */
export interface Manifest {
  /** Its kind, a key of MANIFEST_KINDS. */
  readonly kind: string;
  /** Its ecosystem. */
  readonly ecosystem: Ecosystem;
  /** The main file, relative to the scanned root: what people know the manifest by. */
  readonly path: string;
  /** Its files, the main one first. */
  readonly files: readonly ManifestFile[];
}

/** What discovery found. */
export interface Discovery {
  /** The manifests, sorted by path. */
  readonly manifests: readonly Manifest[];
  /** How many folders of each skipped name were left out, by name. */
  readonly skipped: ReadonlyMap<string, number>;
}

/** Lists a folder; the order does not matter. Replaced in tests to shuffle it. */
export type ReadFolder = (folder: string) => Promise<Dirent[]>;

/** Folders that hold other people's code, build output, or manifests that are test data. */
export const SKIPPED_FOLDERS: ReadonlySet<string> = new Set([
  ...["node_modules", "bower_components", "vendor", "site-packages", "__pycache__"],
  ...[".git", ".hg", ".svn", ".orchestrator", ".venv", "venv", ".tox", ".nox", ".eggs"],
  ...[".mypy_cache", ".pytest_cache", ".ruff_cache", ".cargo", ".gradle", ".idea", ".vs"],
  ...["target", "dist", "coverage", ".next", ".nuget", ".cache"],
  ...["fixtures", "__fixtures__", "testdata"],
]);

const PARALLEL_READS = 32;
const CENTRAL_VERSIONS = "Directory.Packages.props";
const readFolderOfDisk: ReadFolder = (folder) => readdir(folder, { withFileTypes: true });

/**
 * Finds the manifests under a root. Symlinks are not followed. The result depends only on the
 * files' relative paths and bytes. Throws when a folder cannot be read: a list with silent holes
 * would make an SBOM that claims too much.
 */
export async function discover(
  root: string,
  readFolder: ReadFolder = readFolderOfDisk,
): Promise<Discovery> {
  const skipped = new Map<string, number>();
  const found: { path: string; kind: ManifestKind }[] = [];
  const others = new Set<string>();
  const walk = async (folder: string): Promise<void> => {
    const inside: string[] = [];
    for (const entry of await readFolder(path.join(root, ...folder.split("/")))) {
      const relative = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) {
        if (SKIPPED_FOLDERS.has(entry.name))
          skipped.set(entry.name, (skipped.get(entry.name) ?? 0) + 1);
        else inside.push(relative);
      } else if (entry.isFile()) {
        const kind = MANIFEST_KINDS.find((known) => known.fileName.test(entry.name));
        if (kind !== undefined) found.push({ path: relative, kind });
        else if (entry.name === CENTRAL_VERSIONS) others.add(relative);
      }
    }
    for (const relative of inside) await walk(relative);
  };
  await walk("");
  const groups = grouped(found, others).sort((a, b) => compareText(a.paths[0], b.paths[0]));
  const manifests: Manifest[] = [];
  for (let start = 0; start < groups.length; start += PARALLEL_READS) {
    const some = groups.slice(start, start + PARALLEL_READS);
    manifests.push(...(await Promise.all(some.map((group) => describe(root, group)))));
  }
  return { manifests, skipped: new Map([...skipped].sort(([a], [b]) => compareText(a, b))) };
}

interface Group {
  readonly kind: ManifestKind;
  /** The main file first. */
  readonly paths: readonly [string, ...string[]];
}

/** Puts together what belongs together: go.mod with go.sum, a project with its lock file. */
function grouped(
  found: readonly { path: string; kind: ManifestKind }[],
  others: ReadonlySet<string>,
): Group[] {
  const groups: Group[] = [];
  const byFolder = new Map<string, { kind: ManifestKind; paths: string[] }>();
  for (const { path: relative, kind } of found) {
    if (kind.kind !== "go" && kind.kind !== "nuget") {
      groups.push({ kind, paths: [relative] });
      continue;
    }
    const key = `${kind.kind} ${path.posix.dirname(relative)}`;
    const group = byFolder.get(key) ?? { kind, paths: [] };
    group.paths.push(relative);
    byFolder.set(key, group);
  }
  for (const { kind, paths } of byFolder.values()) {
    const [first, ...rest] = paths.sort(compareText);
    if (first === undefined) continue;
    // go.mod sorts before go.sum, and it is the main file of the two.
    if (kind.kind === "go") groups.push({ kind, paths: [first, ...rest] });
    else groups.push(...nugetGroups(kind, [first, ...rest], others));
  }
  return groups;
}

function nugetGroups(
  kind: ManifestKind,
  paths: readonly [string, ...string[]],
  others: ReadonlySet<string>,
): Group[] {
  const projects = paths.filter((relative) => relative.endsWith(".csproj"));
  const lock = paths.find((relative) => !relative.endsWith(".csproj"));
  const [first, ...rest] = projects;
  if (first === undefined) return [{ kind, paths }];
  if (lock !== undefined) return [{ kind, paths: [first, ...rest, lock] }];
  return projects.map((project) => ({
    kind,
    paths: [project, ...centralVersions(project, others)],
  }));
}

/** The nearest Directory.Packages.props above a project, as MSBuild looks for it. */
function centralVersions(project: string, others: ReadonlySet<string>): string[] {
  for (let folder = path.posix.dirname(project); ; folder = path.posix.dirname(folder)) {
    const candidate = path.posix.join(folder, CENTRAL_VERSIONS);
    if (others.has(candidate)) return [candidate];
    if (folder === ".") return [];
  }
}

async function describe(root: string, group: Group): Promise<Manifest> {
  const files: ManifestFile[] = [];
  const pending: string[] = [...group.paths];
  for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
    if (files.some((file) => file.path === next)) continue;
    const isMain = group.paths.includes(next);
    const bytes = await readManifestFile(root, next).catch((error: unknown) => {
      // An include that is not there is the scan's to report, with the line that names it.
      if (isMain) throw error;
      return undefined;
    });
    if (bytes === undefined) continue;
    files.push({ path: next, sha256: sha256(bytes), sizeBytes: bytes.length });
    if (group.kind.kind === "requirements") pending.push(...includesOf(next, bytes));
  }
  const { kind, ecosystem } = group.kind;
  return { kind, ecosystem, path: group.paths[0], files };
}

function includesOf(file: string, bytes: Uint8Array): string[] {
  try {
    const includes = requirementsIncludes(file, decodeManifest(file, bytes));
    return includes.map((include) => include.path).filter((p) => !p.startsWith("../"));
  } catch (error) {
    // A text that cannot be decoded is the scan's to report.
    if (error instanceof ManifestError) return [];
    throw error;
  }
}
