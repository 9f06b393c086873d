/**
 * Passes a stream on until the signal is aborted; then the reader that waits gets `reason()` at
 * once, whatever the source does.
 */
export function untilAborted<T>(
  source: AsyncIterable<T>,
  signal: AbortSignal,
  reason: () => unknown,
): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]() {
      const inner = source[Symbol.asyncIterator]();
      return {
        next: () =>
          new Promise<IteratorResult<T>>((resolve, reject) => {
            const onAbort = () => reject(reason());
            if (signal.aborted) {
              onAbort();
              return;
            }
            signal.addEventListener("abort", onAbort, { once: true });
            inner
              .next()
              .then(resolve, reject)
              .finally(() => signal.removeEventListener("abort", onAbort));
          }),
      };
    },
  };
}
