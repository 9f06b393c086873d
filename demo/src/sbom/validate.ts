import { Version } from "@cyclonedx/cyclonedx-library/Spec";
import { JsonStrictValidator } from "@cyclonedx/cyclonedx-library/Validation";

const validator = new JsonStrictValidator(Version.v1dot6);

/** The merged document does not fit the schema: a bug of ours, no attempt could succeed. */
export class SbomInvalidError extends Error {
  override readonly name = "SbomInvalidError";
}

/** Checks a document's bytes against CycloneDX 1.6's strict JSON schema; works offline. */
export async function validateSbom(bytes: Uint8Array): Promise<void> {
  const faults: unknown = await validator.validate(Buffer.from(bytes).toString("utf8"));
  if (faults === null) return;
  const [first, ...more] = Array.isArray(faults) ? faults : [faults];
  const others = more.length === 0 ? "" : ` and ${more.length} more`;
  throw new SbomInvalidError(`not CycloneDX 1.6: ${JSON.stringify(first)}${others}`);
}
