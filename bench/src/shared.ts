/** Something that several contestants use in turn. */
export interface Shared<T> {
  /** Opens it for the first who asks; everybody gets the same. */
  acquire(): Promise<T>;
  /** Closes it when everybody who acquired it has let go. */
  release(): Promise<void>;
}

/**
 * Lets contestants share what is the same for all of them, such as a server that is measured under
 * several circumstances: processes that idle beside a measurement cost time to start.
 */
export function share<T extends { close(): Promise<void> }>(open: () => Promise<T>): Shared<T> {
  let opened: Promise<T> | undefined;
  let users = 0;
  return {
    async acquire() {
      opened ??= open();
      const resource = await opened;
      users++;
      return resource;
    },
    async release() {
      users--;
      if (users === 0) await (await opened)?.close();
    },
  };
}
