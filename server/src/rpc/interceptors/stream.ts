/** What to do with the messages of a stream as they pass. */
export interface StreamHooks<T> {
  /** Sees each message; what it throws ends the stream. */
  readonly each?: (message: T) => void;
  /** Turns the error of the source (or of `each`) into the error that is thrown on. */
  readonly fail?: (error: unknown) => unknown;
  /** Called once at the end, with the error if there was one. */
  readonly end?: (error?: unknown) => void;
}

/**
 * Passes a stream on and calls the hooks. Written as an iterator by hand because an async
 * generator costs three promises more for each message, on the path that carries the load.
 */
export function tapStream<T>(source: AsyncIterable<T>, hooks: StreamHooks<T>): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]() {
      const inner = source[Symbol.asyncIterator]();
      let ended = false;
      const end = (error?: unknown) => {
        if (ended) return;
        ended = true;
        hooks.end?.(error);
      };
      const onError = (error: unknown): never => {
        const mapped = hooks.fail === undefined ? error : hooks.fail(error);
        end(mapped);
        throw mapped;
      };
      const onResult = (result: IteratorResult<T>): IteratorResult<T> => {
        if (result.done === true) {
          end();
          return result;
        }
        if (hooks.each !== undefined) {
          try {
            hooks.each(result.value);
          } catch (error) {
            inner.return?.().catch(() => undefined);
            return onError(error);
          }
        }
        return result;
      };
      return {
        next: () => inner.next().then(onResult, onError),
        async return(value?: unknown): Promise<IteratorResult<T>> {
          end();
          return (await inner.return?.(value)) ?? { done: true, value };
        },
        async throw(error?: unknown): Promise<IteratorResult<T>> {
          end(error);
          if (inner.throw === undefined) throw error;
          return await inner.throw(error);
        },
      };
    },
  };
}
