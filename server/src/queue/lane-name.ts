import { createHash } from "node:crypto";
import { type Lane, laneKey } from "../domain/offer.ts";

const names = new WeakMap<Lane, string>();

/**
 * A short name for a lane within its tenant, of letters, digits, "-" and "_": 132 bits of its
 * digest, because queues and keys are free text. Two lanes with one name would only mislead.
 */
export function laneName(lane: Lane): string {
  let name = names.get(lane);
  if (name === undefined) {
    name = createHash("sha256").update(laneKey(lane)).digest("base64url").slice(0, 22);
    names.set(lane, name);
  }
  return name;
}
