import { type Inventory, sortedUnique } from "../component.ts";
import { sbomBytes, sbomDocument } from "../sbom/document.ts";
import { validateSbom } from "../sbom/validate.ts";

/** The job type of the merge. */
export const MERGE_JOB_TYPE = "sbom.merge";

/** The merge job's name in its run. */
export const MERGE_JOB_NAME = "merge";

/** What the merge job answers. */
export interface MergeResult {
  /** How many components the document has. */
  readonly components: number;
  /** What the scans had to leave out, for people; the first MAX_WARNINGS. */
  readonly warnings: readonly string[];
}

// Keeps the answer far below the contract's limit on inline results.
const MAX_WARNINGS = 100;

/** A merged document and what to answer about it. */
export interface MergedSbom {
  /** The document's bytes. */
  readonly bytes: Uint8Array;
  /** The answer. */
  readonly result: MergeResult;
}

/** Merges and validates. Throws SbomInvalidError when the result does not fit the schema. */
export async function merge(inventories: readonly Inventory[]): Promise<MergedSbom> {
  const document = sbomDocument(inventories);
  const bytes = sbomBytes(document);
  await validateSbom(bytes);
  const warnings = sortedUnique(inventories.flatMap((inventory) => inventory.warnings));
  return {
    bytes,
    result: {
      components: document.components.length,
      warnings: warnings.slice(0, MAX_WARNINGS),
    },
  };
}
