import { randomBytes } from "node:crypto";
import { v7 } from "uuid";

/** A new UUIDv7: unique, and ordered by time within this process. */
export const newId = (): string => v7();

/** Random bytes and characters of a lease token. */
const TOKEN_BYTES = 12;
const TOKEN_LENGTH = 16;

/** New lease tokens: 96 random bits each as 16 characters, compared for equality only. */
export function newLeaseTokens(count: number): string[] {
  // One call for all of them: asking for randomness costs more than the randomness.
  const text = randomBytes(TOKEN_BYTES * count).toString("base64url");
  return Array.from({ length: count }, (_, index) =>
    text.slice(index * TOKEN_LENGTH, (index + 1) * TOKEN_LENGTH),
  );
}
