import type { JsonObject } from "@bufbuild/protobuf";
import type { Scene } from "./scene.ts";

/** A request that is well formed JSON and wrong, and what the contract says of it. */
export interface Row {
  /** Such as "JobService/GetJob". */
  readonly rpc: string;
  /** What is wrong with it. */
  readonly wrong: string;
  readonly messages: (scene: Scene) => readonly JsonObject[];
  /** The documented answer: an error, or what the only item of a batch says. */
  readonly answer:
    | { readonly code: string; readonly reason: string; readonly violations?: readonly string[] }
    | { readonly item: JsonObject };
}

/** Makes rows of one RPC. */
export const row =
  (rpc: string) =>
  (
    wrong: string,
    message: (scene: Scene) => JsonObject | readonly JsonObject[],
    answer: Row["answer"],
  ): Row => ({ rpc, wrong, messages: (scene) => [message(scene)].flat() as JsonObject[], answer });

/** INVALID_ARGUMENT with these violations. */
export const invalid = (...violations: string[]): Row["answer"] => ({
  code: "invalid_argument",
  reason: "REQUEST_INVALID",
  violations,
});
/** The whole call fails. */
export const fails = (code: string, reason: string): Row["answer"] => ({ code, reason });
/** The only item of the answer says this. */
export const says = (item: JsonObject): Row["answer"] => ({ item });
/** The only item of the answer is an error. */
export const rejected = (reason: string): Row["answer"] =>
  says({ error: { details: [{ reason }] } });

/** A page token that this list never gave out. */
export const badToken: Row["answer"] = {
  code: "invalid_argument",
  reason: "PAGE_TOKEN_INVALID",
  violations: ["page_token"],
};
