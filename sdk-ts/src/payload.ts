/** Anything that JSON can carry. Objects with a `toJSON` count, as JSON.stringify sees them. */
export type JsonPayload =
  | string
  | number
  | boolean
  | null
  | readonly unknown[]
  | { readonly [key: string]: unknown }
  | object;

/** Names an artifact: pass one as a payload for inputs beyond the inline limit. */
export class ArtifactRef {
  /** "sha256:" and 64 lower-case hexadecimal digits. */
  readonly digest: string;

  constructor(digest: string) {
    this.digest = digest;
  }
}

/** A job's input: bytes as they are, an artifact, or a value that is sent as JSON. */
export type Payload = Uint8Array | ArtifactRef | JsonPayload;

/** A payload as the contract carries it. */
export interface EncodedPayload {
  readonly payload: Uint8Array;
  readonly payloadMediaType: string;
  readonly payloadArtifact: string;
}

const none = new Uint8Array();
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** JSON as UTF-8 bytes. Throws a TypeError for what JSON cannot carry. */
export function encodeJson(value: unknown): Uint8Array {
  const text = JSON.stringify(value);
  if (text === undefined) throw new TypeError(`JSON cannot carry a ${typeof value}`);
  return encoder.encode(text);
}

/**
 * The value that JSON bytes hold, such as a job's payload or result. Throws a SyntaxError or
 * TypeError when they are not JSON. The type is the caller's claim and is not checked.
 */
export const decodeJson = <T = unknown>(bytes: Uint8Array): T =>
  JSON.parse(decoder.decode(bytes)) as T;

/** Encodes a payload; undefined means none. Throws a TypeError for what JSON cannot carry. */
export function encodePayload(payload: Payload | undefined): EncodedPayload {
  if (payload === undefined) return { payload: none, payloadMediaType: "", payloadArtifact: "" };
  if (payload instanceof ArtifactRef) {
    return { payload: none, payloadMediaType: "", payloadArtifact: payload.digest };
  }
  if (payload instanceof Uint8Array) {
    return { payload, payloadMediaType: "application/octet-stream", payloadArtifact: "" };
  }
  return {
    payload: encodeJson(payload),
    payloadMediaType: "application/json",
    payloadArtifact: "",
  };
}

/** A handler's result as bytes: undefined is empty, bytes stay, the rest becomes JSON. */
export function encodeResult(result: unknown): Uint8Array {
  if (result === undefined) return none;
  return result instanceof Uint8Array ? result : encodeJson(result);
}
