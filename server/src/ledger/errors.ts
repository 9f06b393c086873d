import { DatabaseError } from "pg";

/**
 * SQLSTATE classes that mean "not now": connection exceptions (08), insufficient resources (53),
 * operator intervention such as a shutdown (57P), a transaction that this process was too slow to
 * go on with (25P03), a primary that has become a standby (25006), a lock or a statement that took
 * longer than the pool allows (55P03, 57014). See the PostgreSQL manual, appendix A.
 */
const OUTAGE_CLASSES = ["08", "53", "57P", "25P03", "25006", "55P03", "57014"];

/** Node's codes of a connection that could not be made or broke. */
const SOCKET_CODES = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ENOENT",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
]);

/** Messages of `pg` that have no code: the pool's time-out and the client's lost connection. */
const LOST =
  /timeout exceeded when trying to connect|Connection terminated|not queryable|Client was closed/i;

/** Whether the error says that the database is away, rather than that the statement is wrong. */
export function isOutage(error: unknown): boolean {
  if (error instanceof DatabaseError) {
    return OUTAGE_CLASSES.some((prefix) => error.code?.startsWith(prefix));
  }
  if (!(error instanceof Error)) return false;
  const code = (error as NodeJS.ErrnoException).code;
  return (code !== undefined && SOCKET_CODES.has(code)) || LOST.test(error.message);
}

/** What was in the way of a write was gone when the transaction looked at it: retention took it. */
export class LostRace extends Error {
  override readonly name = "LostRace";
}

/** Whether the transaction lost a race and may win when it is run again. */
export const isRetryable = (error: unknown): boolean =>
  error instanceof LostRace ||
  (error instanceof DatabaseError && (error.code === "40001" || error.code === "40P01"));

/** SQLSTATE of text that is not valid in the database's encoding, and of \u0000 in JSON. */
const INVALID_TEXT_CODES = new Set(["22021", "22P05"]);

/** Whether a parameter was a text that Postgres cannot hold. */
export const isInvalidText = (error: unknown): boolean =>
  error instanceof DatabaseError && INVALID_TEXT_CODES.has(error.code ?? "");
