import { mkdir } from "node:fs/promises";
import type { NetConnectOpts } from "node:net";
import { join } from "node:path";
import { setTimeout as pass } from "node:timers/promises";
import { pauseProcesses } from "../support/pause-processes.ts";
import type { Program } from "../support/program.ts";
import { type ServerProcess, startServer } from "../support/server-process.ts";
import type { Link } from "./link.ts";

/** What replicas are started with. */
export interface ReplicasOptions {
  readonly folder: string;
  readonly policy: Readonly<Record<string, unknown>>;
  readonly env: Readonly<Record<string, string>>;
  /** One per replica. */
  readonly databases: readonly { readonly url: string; readonly link: Link }[];
}

interface Replica {
  readonly name: string;
  readonly dataDir: string;
  readonly databaseUrl: string;
  /** Its link to Postgres. */
  readonly link: Link;
  port: number;
  process: ServerProcess | undefined;
  /** Whether the next end of its process is somebody's wish. */
  isEnding: boolean;
}

const START_AGAIN_MS = 200;
const LAST_LINES = 5;

/** The servers of a run: ended by the nemesis, started again, each on the port it had. */
export class Replicas {
  /** Servers that ended although nobody ended them, with their last words. */
  readonly crashes: string[] = [];
  /** What each server process logged, in the order of their starts. */
  readonly logs: { readonly name: string; readonly lines: Program["lines"] }[] = [];
  readonly #replicas: Replica[];
  readonly #options: ReplicasOptions;
  #isStopping = false;
  #turn = 0;

  constructor(options: ReplicasOptions) {
    this.#options = options;
    this.#replicas = options.databases.map(({ url, link }, index) => ({
      name: `s${index + 1}`,
      dataDir: join(options.folder, `s${index + 1}`),
      databaseUrl: url,
      link,
      port: 0,
      process: undefined,
      isEnding: false,
    }));
  }

  get count(): number {
    return this.#replicas.length;
  }

  /** Resolves when all are ready. */
  async start(): Promise<void> {
    for (const replica of this.#replicas) {
      await mkdir(replica.dataDir, { recursive: true });
      await this.#start(replica);
    }
  }

  /** Where a new connection goes: each replica in turn, those that are down included. */
  next(): NetConnectOpts {
    const replica = this.#at(this.#turn++);
    return { host: "127.0.0.1", port: replica.port };
  }

  /** Of the first one. */
  get url(): string {
    return `http://127.0.0.1:${this.#at(0).port}`;
  }

  nameOf(target: number): string {
    return this.#at(target).name;
  }

  linkOf(target: number): Link {
    return this.#at(target).link;
  }

  /** Every replica's link to Postgres. */
  get links(): readonly Link[] {
    return this.#replicas.map(({ link }) => link);
  }

  /** SIGKILL; starts it again after `downMs`. */
  async kill(target: number, downMs: number): Promise<void> {
    await this.#end(this.#at(target), "kill", downMs);
  }

  /** SIGTERM as in a rolling restart; starts it again when it has ended. */
  async restart(target: number): Promise<void> {
    await this.#end(this.#at(target), "stop", 0);
  }

  /** SIGSTOP for a while. */
  async pause(target: number, ms: number): Promise<void> {
    const { process } = this.#at(target);
    if (process === undefined) return;
    const wake = await pauseProcesses([process.program.pid]);
    await pass(ms);
    await wake();
  }

  /** Starts nothing any more: who ends is not replaced. */
  abandon(): void {
    this.#isStopping = true;
  }

  /** SIGTERM to all; resolves when they have ended. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(
      this.#replicas.map(async (replica) => {
        const { process } = replica;
        replica.isEnding = true;
        if (process !== undefined) this.#judge(replica, await process.stop());
      }),
    );
  }

  #at(target: number): Replica {
    const replica = this.#replicas[target % this.#replicas.length];
    if (replica === undefined) throw new RangeError("no replicas");
    return replica;
  }

  async #end(replica: Replica, how: "kill" | "stop", downMs: number): Promise<void> {
    const { process } = replica;
    if (process === undefined) return;
    replica.isEnding = true;
    replica.process = undefined;
    if (how === "kill") await process.kill();
    else this.#judge(replica, await process.stop());
    await pass(downMs);
    await this.#start(replica);
  }

  /** Tries until it is up: one that finds no Postgres ends, as its operator would see. */
  async #start(replica: Replica): Promise<void> {
    while (!this.#isStopping) {
      try {
        replica.isEnding = false;
        replica.process = await startServer({
          dataDir: replica.dataDir,
          databaseUrl: replica.databaseUrl,
          port: replica.port,
          policy: this.#options.policy,
          env: { ORCH_SERVER_ID: replica.name, ...this.#options.env },
        });
        replica.port = replica.process.port;
        this.logs.push({ name: replica.name, lines: replica.process.program.lines });
        void this.#watch(replica, replica.process);
        return;
      } catch (error) {
        // The first start has no faults: a server that cannot start at all is no chaos.
        if (replica.port === 0) throw error;
        await pass(START_AGAIN_MS);
      }
    }
  }

  async #watch(replica: Replica, process: ServerProcess): Promise<void> {
    const exit = await process.program.exited;
    if (replica.isEnding || replica.process !== process) return;
    const words = process.program.lines.slice(-LAST_LINES).map((line) => JSON.stringify(line));
    const how = exit.signal ?? `code ${exit.code}`;
    this.crashes.push(`${replica.name} ended by itself with ${how}: ${words.join(" ")}`);
    replica.process = undefined;
    await this.#start(replica);
  }

  #judge(
    { name }: Replica,
    { code, signal }: { code: number | null; signal: string | null },
  ): void {
    if (code !== 0) this.crashes.push(`${name} was asked to stop and ended with ${signal ?? code}`);
  }
}
