import type { Ecosystem, Scanner } from "../component.ts";
import { scanCargoLock } from "./cargo.ts";
import { scanGo } from "./go.ts";
import { scanPackageLock } from "./npm.ts";
import { scanNuget } from "./nuget.ts";
import { scanPyproject } from "./pyproject.ts";
import { scanRequirements } from "./requirements.ts";

/** A kind of manifest: how its main file is called and who reads it. */
export interface ManifestKind {
  /** The kind, as the scan job's payload names it. */
  readonly kind: string;
  /** The ecosystem. */
  readonly ecosystem: Ecosystem;
  /** Tells the main file by its base name. */
  readonly fileName: RegExp;
  /** Reads it. */
  readonly scan: Scanner;
}

/** Every kind of manifest that the demo knows. */
export const MANIFEST_KINDS: readonly ManifestKind[] = [
  { kind: "npm", ecosystem: "npm", fileName: /^package-lock\.json$/, scan: scanPackageLock },
  { kind: "go", ecosystem: "golang", fileName: /^go\.(?:mod|sum)$/, scan: scanGo },
  { kind: "cargo", ecosystem: "cargo", fileName: /^Cargo\.lock$/, scan: scanCargoLock },
  { kind: "pyproject", ecosystem: "pypi", fileName: /^pyproject\.toml$/, scan: scanPyproject },
  {
    kind: "requirements",
    ecosystem: "pypi",
    fileName: /^requirements.*\.txt$/,
    scan: scanRequirements,
  },
  {
    kind: "nuget",
    ecosystem: "nuget",
    fileName: /^packages\.lock\.json$|\.csproj$/,
    scan: scanNuget,
  },
];

/** The kind of that name; undefined for a name that is none. */
export function manifestKind(kind: string): ManifestKind | undefined {
  return MANIFEST_KINDS.find((known) => known.kind === kind);
}
