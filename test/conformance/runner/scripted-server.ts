import { createServer, type Http2Server, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import type { ConnectRouter, HandlerContext } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import type { WorkerFrame } from "./api.ts";
import type { Journal } from "./journal.ts";
import { ScriptedArtifacts } from "./scripted-artifacts.ts";
import { Replies, routeCalls } from "./scripted-calls.ts";
import { goodManners, type Manners, ScriptedSession } from "./scripted-session.ts";

/** A real HTTP/2 server that speaks the contract and misbehaves on purpose. */
export class ScriptedServer {
  /** What it does by itself, for all sessions; a scenario may change it at any time. */
  readonly manners: Manners = { ...goodManners };
  readonly replies = new Replies();
  readonly artifacts: ScriptedArtifacts;
  readonly url: string;
  /** The sessions by the order in which their Hello came: s1, s2, … */
  readonly sessions: ScriptedSession[] = [];
  readonly #journal: Journal;
  readonly #server: Http2Server;
  readonly #connections = new Set<ServerHttp2Session>();

  private constructor(server: Http2Server, journal: Journal) {
    this.#server = server;
    this.#journal = journal;
    this.artifacts = new ScriptedArtifacts(journal, this.replies);
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const routes = (router: ConnectRouter) => this.#route(router);
    server.on("request", connectNodeAdapter({ routes }));
    server.on("session", (session) => {
      this.#connections.add(session);
      // Scenarios break connections on purpose.
      session.on("error", () => {});
      session.on("close", () => this.#connections.delete(session));
    });
  }

  static async start(journal: Journal): Promise<ScriptedServer> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new ScriptedServer(server, journal);
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const connection of this.#connections) connection.destroy();
    for (const session of this.sessions) session.over();
    await closed;
  }

  #route(router: ConnectRouter): void {
    routeCalls(router, this.replies, this.#journal, (frames, context) =>
      this.#session(frames, context),
    );
    this.artifacts.route(router);
  }

  async *#session(frames: AsyncIterable<WorkerFrame>, context: HandlerContext) {
    const incoming = frames[Symbol.asyncIterator]();
    const first = await incoming.next();
    if (first.done) return;
    const name = `s${this.sessions.length + 1}`;
    const session = new ScriptedSession(name, this.#journal, this.manners);
    context.signal.addEventListener("abort", () => session.over(), { once: true });
    this.sessions.push(session);
    session.take(first.value);
    void session.read(incoming);
    yield* session.frames();
  }
}
