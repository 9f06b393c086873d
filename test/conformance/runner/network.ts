import { createConnection, createServer, type Server, type Socket } from "node:net";
import type { Journal } from "./journal.ts";

/** How the network between the SDK and the server behaves. */
export type Weather =
  /** Everything passes. */
  | "pass"
  /** Nobody listens: connections are refused. */
  | "refuse"
  /** Somebody listens and hangs up at once, so that tries can be counted. */
  | "reset"
  /** Connections stay up and take bytes, but nothing passes, and nobody is told. */
  | "blackhole";

interface Link {
  readonly near: Socket;
  readonly far: Socket;
}

/** A TCP proxy on a port of its own, between one program and one server. */
export class Network {
  readonly #target: URL;
  readonly #journal: Journal;
  readonly #links = new Set<Link>();
  #server: Server | undefined;
  #port = 0;
  #weather: Weather = "pass";

  constructor(targetUrl: string, journal: Journal) {
    this.#target = new URL(targetUrl);
    this.#journal = journal;
  }

  /** The address that the program is given; it stays the same whatever the weather. */
  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Begins to listen. */
  async open(): Promise<void> {
    const server = createServer((near) => this.#link(near));
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(this.#port, "127.0.0.1", resolve);
    });
    this.#port = (server.address() as { port: number }).port;
    this.#server = server;
  }

  /** Changes the weather, for connections that are up as well. Refusing cuts them. */
  async turn(weather: Weather): Promise<void> {
    this.#journal.add("note", "network", weather);
    this.#weather = weather;
    if (weather === "refuse") return await this.close();
    if (weather === "reset") return this.#hangUp();
    for (const link of this.#links) flow(link, weather);
    if (this.#server === undefined) await this.open();
  }

  /** Cuts every connection with a reset; new ones are as the weather is. */
  cut(): void {
    this.#journal.add("note", "network", "cut");
    this.#hangUp();
  }

  /** Stops listening and cuts every connection. */
  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    this.#hangUp();
    await closed;
  }

  #hangUp(): void {
    for (const { near, far } of this.#links) {
      near.resetAndDestroy();
      far.resetAndDestroy();
    }
  }

  #link(near: Socket): void {
    if (this.#weather === "reset") {
      this.#journal.add("note", "connection", "refused");
      near.on("error", () => {});
      near.resetAndDestroy();
      return;
    }
    this.#journal.add("note", "connection", "opened");
    const far = createConnection(Number(this.#target.port), this.#target.hostname);
    const link = { near, far };
    this.#links.add(link);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      socket.setNoDelay(true);
      // A broken connection is what scenarios are about; its end is all that matters here.
      socket.on("error", () => {});
      socket.on("close", () => {
        if (this.#links.delete(link)) this.#journal.add("note", "connection", "closed");
        other.destroySoon();
      });
    }
    flow(link, this.#weather);
  }
}

/** Lets bytes pass, or leaves them where they are: paused sockets fill up and nobody is told. */
function flow({ near, far }: Link, weather: Weather): void {
  if (weather === "pass") {
    near.pipe(far);
    far.pipe(near);
  } else {
    near.unpipe(far);
    far.unpipe(near);
    near.pause();
    far.pause();
  }
}
