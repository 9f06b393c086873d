import { OrchestratorError } from "../errors.ts";

/** What an answer must have. Throws an "internal" error when a server left it out. */
export function present<T>(value: T | undefined, what: string): T {
  if (value !== undefined) return value;
  throw new OrchestratorError(`the server answered without the ${what}`, { code: "internal" });
}
