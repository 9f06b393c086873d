/**
 * Makes a costly look at something cheap to ask for: callers share one look, and its answer is
 * good for `maxAgeMs` from when it came. A look that fails is not remembered; everybody who shared
 * it is told.
 *
 * @param nowMs a clock that never goes back, in milliseconds.
 */
export function sampled<T>(
  look: () => Promise<T>,
  maxAgeMs: number,
  nowMs: () => number,
): () => Promise<T> {
  let latest: Promise<T> | undefined;
  let goodUntil = Number.POSITIVE_INFINITY;
  return () => {
    if (latest !== undefined && nowMs() < goodUntil) return latest;
    const looking = look();
    latest = looking;
    // While it is under way nobody begins another, however long it takes.
    goodUntil = Number.POSITIVE_INFINITY;
    looking.then(
      () => {
        goodUntil = nowMs() + maxAgeMs;
      },
      () => {
        latest = undefined;
      },
    );
    return looking;
  };
}
