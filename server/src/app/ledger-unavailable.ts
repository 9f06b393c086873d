const DEFAULT_RETRY_AFTER_MS = 1_000;

/**
 * The ledger cannot be reached: no connection, a refused one, or a database that is shutting
 * down; or it cannot take the write for a moment. Nothing is known about the write that was under
 * way, which is why every RPC is safe to repeat. The `rpc/` layer turns it into UNAVAILABLE with
 * RetryInfo.
 */
export class LedgerUnavailable extends Error {
  override readonly name = "LedgerUnavailable";
  /** When the caller should try again, in milliseconds from now. */
  readonly retryAfterMs: number;

  /** `cause` is what the driver threw; it is logged, never sent. `why` is for the caller. */
  constructor(
    cause?: unknown,
    retryAfterMs = DEFAULT_RETRY_AFTER_MS,
    why = "the ledger cannot be reached",
  ) {
    super(`${why}; try again`, { cause });
    this.retryAfterMs = retryAfterMs;
  }
}
