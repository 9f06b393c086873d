import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A TCP balancer in front of servers, as a Service of Kubernetes is. */
export interface Balancer {
  /** Where clients connect to. */
  readonly url: string;
  /** Adds a server; new connections go round all of them. */
  add(server: { readonly port: number }): void;
  /** Sends no new connections there; open ones stay. */
  remove(server: { readonly port: number }): void;
  /** Cuts every connection and ends. */
  close(): Promise<void>;
}

/** Opens a balancer over no servers. A connection that no server takes is refused. */
export async function openBalancer(): Promise<Balancer> {
  const ports: number[] = [];
  const open = new Set<Socket>();
  let turn = 0;
  const join = (near: Socket, tries: number) => {
    const port = ports[turn++ % ports.length];
    if (port === undefined || tries === 0) return void near.resetAndDestroy();
    const far = connect(port, "127.0.0.1");
    far.once("error", () => join(near, tries - 1));
    far.once("connect", () => {
      far.removeAllListeners("error");
      far.on("error", () => near.destroy());
      far.on("close", () => near.destroy());
      near.on("close", () => far.destroy());
      near.pipe(far).pipe(near);
    });
  };
  const server = createServer((near) => {
    near.on("error", () => {}); // either side may go at any time
    open.add(near);
    near.once("close", () => open.delete(near));
    join(near, ports.length);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    add: ({ port }) => void ports.push(port),
    remove({ port }) {
      const index = ports.indexOf(port);
      if (index >= 0) ports.splice(index, 1);
    },
    async close() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
