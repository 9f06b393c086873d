import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A TCP link to a server that can swallow what the server answers. */
export interface SwallowingLink {
  /** The server's address, by way of the link. */
  readonly url: string;
  /** From now on requests pass and answers vanish, until {@link mend}. */
  swallow(): void;
  /** Cuts every connection; new ones pass again both ways. */
  mend(): void;
  close(): Promise<void>;
}

/** Opens a link to the server at the address; it need not run all the time. */
export async function openSwallowingLink(target: string): Promise<SwallowingLink> {
  const { hostname, port } = new URL(target);
  const clients = new Set<Socket>();
  let swallowing = false;
  const listener = createServer((near) => {
    clients.add(near);
    const far = connect({ host: hostname, port: Number(port) });
    near.on("error", () => far.destroy()).on("close", () => far.destroy());
    far.on("error", () => {});
    // While answers vanish, so does the news that the server is gone: the caller is left waiting.
    far.on("close", () => {
      if (!swallowing) near.destroy();
    });
    near.on("close", () => clients.delete(near));
    near.pipe(far);
    far.on("data", (bytes) => {
      if (!swallowing) near.write(bytes);
    });
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const cut = () => {
    for (const client of clients) client.destroy();
  };
  return {
    url: `http://127.0.0.1:${(listener.address() as AddressInfo).port}`,
    swallow() {
      swallowing = true;
    },
    mend() {
      swallowing = false;
      cut();
    },
    async close() {
      cut();
      listener.close();
      await once(listener, "close");
    },
  };
}
