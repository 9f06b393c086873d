import * as http2 from "node:http2";
import type { AddressInfo } from "node:net";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { ConnectRouter, ServiceImpl } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { ArtifactService } from "../src/gen/stellaops/orchestrator/v1/artifact_pb.ts";
import { BackfillService } from "../src/gen/stellaops/orchestrator/v1/backfill_pb.ts";
import { JobService } from "../src/gen/stellaops/orchestrator/v1/job_pb.ts";
import type { LeasePolicySchema } from "../src/gen/stellaops/orchestrator/v1/lease_policy_pb.ts";
import { PipelineService } from "../src/gen/stellaops/orchestrator/v1/pipeline_pb.ts";
import { RunService } from "../src/gen/stellaops/orchestrator/v1/run_pb.ts";
import {
  type Hello,
  type LeaseRef,
  type ServerFrame,
  ServerFrameSchema,
  TaskRunnerService,
  type WorkerFrame,
  WriteKind,
  WriteVerdict,
} from "../src/gen/stellaops/orchestrator/v1/task_runner_pb.ts";
import { WatermarkService } from "../src/gen/stellaops/orchestrator/v1/watermark_pb.ts";

type FrameInit = NonNullable<MessageInitShape<typeof ServerFrameSchema>["frame"]>;
type Policy = MessageInitShape<typeof LeasePolicySchema>;
type FrameCase = Exclude<WorkerFrame["frame"]["case"], undefined>;
type FrameValue<C extends FrameCase> = Extract<WorkerFrame["frame"], { case: C }>["value"];

const second = 1_000_000_000n;
/** A Duration literal of so many milliseconds. */
export const ms = (count: number) => {
  const nanos = BigInt(Math.round(count)) * 1_000_000n;
  return { seconds: nanos / second, nanos: Number(nanos % second) };
};

/** Values that arrive and are waited for in order. */
class Inbox<T> {
  readonly #arrived: T[] = [];
  readonly #waiting: { matches: (item: T) => boolean; resolve: (item: T) => void }[] = [];

  put(item: T): void {
    const index = this.#waiting.findIndex(({ matches }) => matches(item));
    const [waiting] = index < 0 ? [] : this.#waiting.splice(index, 1);
    if (waiting === undefined) this.#arrived.push(item);
    else waiting.resolve(item);
  }

  /** The first that matches and was not taken yet; waits for it if it has not come. */
  take(matches: (item: T) => boolean = () => true): Promise<T> {
    const index = this.#arrived.findIndex(matches);
    const [arrived] = index < 0 ? [] : this.#arrived.splice(index, 1);
    if (arrived !== undefined) return Promise.resolve(arrived);
    return new Promise((resolve) => this.#waiting.push({ matches, resolve }));
  }

  /** What matches and has arrived but was not taken. */
  peek(matches: (item: T) => boolean): T[] {
    return this.#arrived.filter(matches);
  }
}

/** The server's end of one session stream, driven by a test. */
export class ScriptedSession {
  readonly hello: Hello;
  /** Whether pings and heartbeats get a sign of life by themselves. */
  isLively = true;
  /** Resolves when the worker has ended its half, or the stream broke. */
  readonly closed: Promise<void>;
  readonly #inbox = new Inbox<WorkerFrame["frame"]>();
  readonly #outgoing: ServerFrame[] = [];
  #wake: (() => void) | undefined;
  #end: { readonly error?: unknown } | undefined;

  constructor(hello: Hello, incoming: AsyncIterator<WorkerFrame>) {
    this.hello = hello;
    this.closed = this.#read(incoming);
  }

  /** The next frame of a kind that was not taken yet. */
  async take<C extends FrameCase>(kind: C): Promise<FrameValue<C>> {
    const frame = await this.#inbox.take((candidate) => candidate.case === kind);
    return frame.value as FrameValue<C>;
  }

  /** How many frames of a kind have arrived and were not taken. */
  untaken(kind: FrameCase): number {
    return this.#inbox.peek((frame) => frame.case === kind).length;
  }

  send(frame: FrameInit): void {
    this.#outgoing.push(create(ServerFrameSchema, { frame }));
    this.#wake?.();
  }

  welcome(policy: Policy = {}): void {
    const value = { sessionId: "s-1", serverId: "scripted", leasePolicy: policy };
    this.send({ case: "welcome", value });
  }

  offer(...leases: LeaseRef[]): void {
    this.#offer(leases, false);
  }

  /** Hands out jobs whose leases are active and need no accept. */
  offerActive(...leases: LeaseRef[]): void {
    this.#offer(leases, true);
  }

  answer(kind: WriteKind, lease: LeaseRef, verdict: WriteVerdict, completionId = ""): void {
    const { jobId, leaseEpoch } = lease;
    const results = [{ kind, jobId, leaseEpoch, verdict, completionId }];
    this.send({ case: "results", value: { results } });
  }

  /** Offers a job, waits for its accept and applies it. */
  async start(lease: LeaseRef): Promise<void> {
    this.offer(lease);
    await this.take("accept");
    this.answer(WriteKind.ACCEPT, lease, WriteVerdict.APPLIED);
  }

  /** Ends the stream, with an error if one is given. */
  end(error?: unknown): void {
    this.#end = error === undefined ? {} : { error };
    this.#wake?.();
  }

  async *frames(): AsyncGenerator<ServerFrame, void, undefined> {
    for (;;) {
      const frame = this.#outgoing.shift();
      if (frame !== undefined) {
        yield frame;
      } else if (this.#end !== undefined) {
        if (this.#end.error !== undefined) throw this.#end.error;
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }

  #offer(leases: readonly LeaseRef[], active: boolean): void {
    const offers = leases.map((lease) => ({
      lease,
      pool: "main",
      spec: { jobId: lease.jobId, jobType: "test.job", correlationId: "c-1" },
      attemptDeadline: ms(600_000),
    }));
    this.send({ case: "offers", value: { offers, active } });
  }

  async #read(incoming: AsyncIterator<WorkerFrame>): Promise<void> {
    try {
      for (;;) {
        const next = await incoming.next();
        if (next.done) return;
        const { frame } = next.value;
        this.#inbox.put(frame);
        const wantsLife = frame.case === "ping" || frame.case === "heartbeat";
        if (this.isLively && wantsLife) this.send({ case: "pong", value: {} });
      }
    } catch {
      // The stream broke: for a test that is the same as its end.
    }
  }
}

/** Services whose methods a test provides; the others answer UNIMPLEMENTED. */
export interface Script {
  readonly jobs?: Partial<ServiceImpl<typeof JobService>>;
  readonly runs?: Partial<ServiceImpl<typeof RunService>>;
  readonly pipelines?: Partial<ServiceImpl<typeof PipelineService>>;
  readonly watermarks?: Partial<ServiceImpl<typeof WatermarkService>>;
  readonly backfills?: Partial<ServiceImpl<typeof BackfillService>>;
  readonly artifacts?: Partial<ServiceImpl<typeof ArtifactService>>;
  readonly taskRunner?: Partial<ServiceImpl<typeof TaskRunnerService>>;
}

/** A real HTTP/2 server that speaks the contract and does what a test says. */
export class ScriptedServer {
  readonly url: string;
  readonly #server: http2.Http2Server;
  readonly #connections = new Set<http2.ServerHttp2Session>();
  readonly #sessions: Inbox<ScriptedSession>;

  private constructor(server: http2.Http2Server, sessions: Inbox<ScriptedSession>) {
    this.#server = server;
    this.#sessions = sessions;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on("session", (session) => {
      this.#connections.add(session);
      session.on("close", () => this.#connections.delete(session));
    });
  }

  static async start(script: Script = {}, port = 0): Promise<ScriptedServer> {
    const sessions = new Inbox<ScriptedSession>();
    const routes = (router: ConnectRouter) => {
      router.service(JobService, script.jobs ?? {});
      router.service(RunService, script.runs ?? {});
      router.service(PipelineService, script.pipelines ?? {});
      router.service(WatermarkService, script.watermarks ?? {});
      router.service(BackfillService, script.backfills ?? {});
      router.service(ArtifactService, script.artifacts ?? {});
      router.service(TaskRunnerService, {
        ...script.taskRunner,
        async *session(requests) {
          const incoming = requests[Symbol.asyncIterator]();
          const first = await incoming.next();
          if (first.done || first.value.frame.case !== "hello") throw new Error("no hello");
          const session = new ScriptedSession(first.value.frame.value, incoming);
          sessions.put(session);
          yield* session.frames();
        },
      });
    };
    const server = http2.createServer(connectNodeAdapter({ routes }));
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    return new ScriptedServer(server, sessions);
  }

  /** The next session that a worker opens. */
  session(): Promise<ScriptedSession> {
    return this.#sessions.take();
  }

  /** The next session, welcomed. */
  async welcomed(policy?: Policy): Promise<ScriptedSession> {
    const session = await this.session();
    session.welcome(policy);
    return session;
  }

  /** Cuts every connection without a word. */
  cut(): void {
    for (const connection of this.#connections) connection.destroy();
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.cut();
    await closed;
  }
}
