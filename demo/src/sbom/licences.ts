import { fixupSpdxId } from "@cyclonedx/cyclonedx-library/SPDX";
import parseExpression from "spdx-expression-parse";

/** A licence as CycloneDX writes it: an SPDX id, an SPDX expression, or just a name. */
export type LicenceChoice =
  | { readonly license: { readonly id: string } | { readonly name: string } }
  | { readonly expression: string };

/** The CycloneDX form of what a manifest says about its licence. */
export function licenceChoice(said: string): LicenceChoice {
  const id = fixupSpdxId(said);
  if (id !== undefined) return { license: { id } };
  return isExpression(said) ? { expression: said } : { license: { name: said } };
}

function isExpression(said: string): boolean {
  try {
    parseExpression(said);
    return true;
  } catch {
    // Such as "SEE LICENSE IN LICENSE.md".
    return false;
  }
}
