import { randomBytes } from "node:crypto";
import { v7 } from "uuid";

/** Randomness of ids, fetched for many at a time: asking for it costs more than it does. */
const POOL_BYTES = 4_096;
const ID_BYTES = 16;
let pool = Buffer.alloc(0);

function randomOfId(): Buffer {
  if (pool.length < ID_BYTES) pool = randomBytes(POOL_BYTES);
  const random = pool.subarray(0, ID_BYTES);
  pool = pool.subarray(ID_BYTES);
  return random;
}

let lastMs = 0;
let seq = 0;

/** A new UUIDv7: unique, and ordered by time within this process. */
export function newId(): string {
  const random = randomOfId();
  const nowMs = Date.now();
  if (nowMs > lastMs) {
    lastMs = nowMs;
    // 31 bits, so that two thousand million ids of one millisecond still count upwards.
    seq = random.readUInt32BE(6) >>> 1;
  } else {
    seq += 1;
  }
  return v7({ random, msecs: lastMs, seq });
}

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
