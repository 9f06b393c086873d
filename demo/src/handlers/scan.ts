import type { Inventory } from "../component.ts";
import { manifestKind } from "../ecosystems/scanners.ts";
import { type ManifestFile, readVerified } from "../manifest-files.ts";

/** The job type of a scan. */
export const SCAN_JOB_TYPE = "sbom.scan";

/** The name under which a scan binds its component list. */
export const INVENTORY_NAME = "components.json";

/** How often the demo's jobs are tried. */
export const RETRY = { maxAttempts: 3 } as const;

/** What a scan job is asked: one manifest, by path relative to the scanned root. */
export interface ScanRequest {
  /** The kind of manifest, a key of MANIFEST_KINDS. */
  readonly kind: string;
  /** The main file. */
  readonly manifest: string;
  /** All its files with their digests, the main one first. */
  readonly files: readonly ManifestFile[];
}

/** What a scan job answers inline; the component list itself is its artifact. */
export interface ScanResult {
  /** How many components the manifest names, its own project among them. */
  readonly components: number;
}

/**
 * Reads one manifest from disk.
 *
 * Throws ManifestError when it is malformed and ManifestChangedError when it is no longer what
 * discovery saw; neither can succeed when tried again.
 */
export async function scan(root: string, request: ScanRequest): Promise<Inventory> {
  const kind = manifestKind(request.kind);
  if (kind === undefined) throw new TypeError(`no scanner for manifests of kind ${request.kind}`);
  return kind.scan(request.manifest, await readVerified(root, request.files));
}

/** The component list as bytes; the same manifest makes the same bytes. */
export function inventoryBytes(inventory: Inventory): Uint8Array {
  return Buffer.from(`${JSON.stringify(inventory)}\n`);
}

/** The inline answer. */
export function scanResult(inventory: Inventory): ScanResult {
  return { components: inventory.components.length };
}
