import { setImmediate as othersFirst } from "node:timers/promises";
import { Version } from "@cyclonedx/cyclonedx-library/Spec";
import { JsonStrictValidator } from "@cyclonedx/cyclonedx-library/Validation";
import type { SbomDocument } from "./document.ts";

const validator = new JsonStrictValidator(Version.v1dot6);

// The validator compares every component with every other: 10,000 at once took more than a minute,
// in which the task runner could not renew its lease.
const SLICE = 250;

/** The merged document does not fit the schema: a bug of ours, no attempt could succeed. */
export class SbomInvalidError extends Error {
  override readonly name = "SbomInvalidError";
}

/**
 * Checks a document's bytes against CycloneDX 1.6's strict JSON schema; works offline. A slice of
 * its components and dependencies at a time: all that the schema says about several of them is
 * that no two are equal, which their refs show.
 */
export async function validateSbom(bytes: Uint8Array): Promise<void> {
  const document: Partial<SbomDocument> = JSON.parse(Buffer.from(bytes).toString("utf8"));
  const { components = [], dependencies = [] } = document;
  refuseRepeated(components.map((component) => component["bom-ref"]));
  refuseRepeated(dependencies.map((dependency) => dependency.ref));
  const most = Math.max(components.length, dependencies.length, 1);
  for (let start = 0; start < most; start += SLICE) {
    const slice = <T>(all: readonly T[]) => all.slice(start, start + SLICE);
    const part = { components: slice(components), dependencies: slice(dependencies) };
    refuseFaults(await validator.validate(JSON.stringify({ ...document, ...part })));
    await othersFirst();
  }
}

function refuseRepeated(refs: readonly string[]): void {
  const seen = new Set<string>();
  for (const ref of refs) {
    if (seen.has(ref)) throw new SbomInvalidError(`not CycloneDX 1.6: ${ref} is there twice`);
    seen.add(ref);
  }
}

function refuseFaults(faults: unknown): void {
  if (faults === null) return;
  const [first, ...more] = Array.isArray(faults) ? faults : [faults];
  const others = more.length === 0 ? "" : ` and ${more.length} more`;
  throw new SbomInvalidError(`not CycloneDX 1.6: ${JSON.stringify(first)}${others}`);
}
