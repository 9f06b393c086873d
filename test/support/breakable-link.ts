import { once } from "node:events";
import {
  type AddressInfo,
  connect,
  createServer,
  type NetConnectOpts,
  type Socket,
} from "node:net";

/** A TCP link to a database that a test can break and mend. */
export interface BreakableLink {
  /** The database's URL, by way of the link. */
  readonly url: string;
  /** Cuts every connection and refuses new ones until {@link mend}. */
  cut(): void;
  mend(): void;
  close(): Promise<void>;
}

/** Where a Postgres URL leads; a `host` parameter names the folder of a Unix socket. */
function endOf(url: URL): NetConnectOpts {
  const port = url.searchParams.get("port") ?? (url.port || "5432");
  const folder = url.searchParams.get("host");
  if (folder !== null) return { path: `${folder}/.s.PGSQL.${port}` };
  return { host: url.hostname, port: Number(port) };
}

/** Opens a link to where `url` leads. */
export async function openBreakableLink(url: string): Promise<BreakableLink> {
  const target = endOf(new URL(url));
  const clients = new Set<Socket>();
  let broken = false;
  const server = createServer((near) => {
    near.on("error", () => {}); // broken on purpose
    if (broken) {
      near.resetAndDestroy();
      return;
    }
    clients.add(near);
    const far = connect(target);
    far.on("error", () => near.destroy());
    far.on("close", () => near.destroy());
    near.on("close", () => {
      clients.delete(near);
      far.destroy();
    });
    near.pipe(far).pipe(near);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const through = new URL(url);
  through.searchParams.delete("host");
  through.searchParams.delete("port");
  through.hostname = "127.0.0.1";
  through.port = String((server.address() as AddressInfo).port);
  const cut = () => {
    broken = true;
    for (const client of clients) client.resetAndDestroy();
  };
  return {
    url: through.href,
    cut,
    mend() {
      broken = false;
    },
    async close() {
      cut();
      server.close();
      await once(server, "close");
    },
  };
}
