import { randomUUID } from "node:crypto";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type Client, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { JobService } from "../../gen/stellaops/orchestrator/v1/job_pb.ts";
import { RunService } from "../../gen/stellaops/orchestrator/v1/run_pb.ts";
import {
  type HelloSchema,
  type LeaseRef,
  type Offer,
  type ServerFrame,
  TaskRunnerService,
  type WorkerFrame,
  WorkerFrameSchema,
} from "../../gen/stellaops/orchestrator/v1/task_runner_pb.ts";

type FrameInit = NonNullable<MessageInitShape<typeof WorkerFrameSchema>["frame"]>;
type FrameCase = NonNullable<ServerFrame["frame"]["case"]>;
type FrameValue<Case extends FrameCase> = Extract<ServerFrame["frame"], { case: Case }>["value"];

/** Clients of a server's services. */
export interface Clients {
  readonly jobs: Client<typeof JobService>;
  readonly runs: Client<typeof RunService>;
  readonly runner: Client<typeof TaskRunnerService>;
}

/** gRPC clients over one connection. */
export function clientsOf(baseUrl: string): Clients {
  const transport = createGrpcTransport({ baseUrl });
  return {
    jobs: createClient(JobService, transport),
    runs: createClient(RunService, transport),
    runner: createClient(TaskRunnerService, transport),
  };
}

/** A Session stream in the hands of a test: sends what it is told, keeps all that comes. */
export class WorkerStream {
  /** Every frame so far, in the order of arrival. */
  readonly frames: ServerFrame[] = [];
  /** How the stream ended; undefined: without an error. */
  readonly ended: Promise<ConnectError | undefined>;
  readonly #outgoing: WorkerFrame[] = [];
  readonly #abort = new AbortController();
  #wakeSender: () => void = () => {};
  #wakeReaders = new Set<() => void>();
  #closed = false;

  constructor(runner: Clients["runner"]) {
    this.ended = this.#read(runner);
  }

  /** Sends a frame. */
  send(frame: FrameInit): void {
    this.#outgoing.push(create(WorkerFrameSchema, { frame }));
    this.#wakeSender();
  }

  /** Sends Hello for type "test.echo" with these slots, over which `over` goes. */
  hello(slots: number, over: MessageInitShape<typeof HelloSchema> = {}): void {
    const pools = [{ name: "main", jobTypes: ["test.echo"], slots }];
    const value = { workerId: "worker-1", instanceId: randomUUID(), pools, ...over };
    this.send({ case: "hello", value });
  }

  /** Ends the sending side. */
  finish(): void {
    this.#closed = true;
    this.#wakeSender();
  }

  /** Cuts the stream, as a crash would. */
  cut(): void {
    this.#abort.abort();
  }

  /** All values of a kind so far. */
  all<Case extends FrameCase>(kind: Case): FrameValue<Case>[] {
    return this.frames.flatMap(({ frame }) =>
      frame.case === kind ? [frame.value as FrameValue<Case>] : [],
    );
  }

  /** The first value of a kind that fits, waiting for it. */
  async next<Case extends FrameCase>(
    kind: Case,
    fits: (value: FrameValue<Case>) => boolean = () => true,
  ): Promise<FrameValue<Case>> {
    for (;;) {
      const found = this.all(kind).find(fits);
      if (found !== undefined) return found;
      if (this.#closedByServer) throw new Error(`the stream ended without ${kind}`);
      await new Promise<void>((resolve) => this.#wakeReaders.add(resolve));
    }
  }

  /** The frame at a position, waiting for it; undefined: the stream ended before. */
  async at(position: number): Promise<ServerFrame | undefined> {
    while (this.frames.length <= position && !this.#closedByServer) {
      await new Promise<void>((resolve) => this.#wakeReaders.add(resolve));
    }
    return this.frames[position];
  }

  /** Offers so far. */
  get offers(): Offer[] {
    return this.all("offers").flatMap(({ offers }) => offers);
  }

  /** Waits until so many offers came. */
  async offered(count: number): Promise<Offer[]> {
    await this.next("offers", () => this.offers.length >= count);
    return this.offers;
  }

  /** Accepts leases and waits for the answers. */
  async accept(leases: readonly LeaseRef[]): Promise<void> {
    this.send({ case: "accept", value: { leases: [...leases] } });
    await this.next("results", ({ results }) =>
      results.some(({ jobId }) => jobId === leases.at(-1)?.jobId),
    );
  }

  #closedByServer = false;

  async #read(runner: Clients["runner"]): Promise<ConnectError | undefined> {
    try {
      for await (const frame of runner.session(this.#frames(), { signal: this.#abort.signal })) {
        this.frames.push(frame);
        this.#wake();
      }
      return undefined;
    } catch (error) {
      return ConnectError.from(error);
    } finally {
      this.#closedByServer = true;
      this.#wake();
    }
  }

  #wake(): void {
    for (const resolve of this.#wakeReaders) resolve();
    this.#wakeReaders.clear();
  }

  async *#frames(): AsyncGenerator<WorkerFrame> {
    for (;;) {
      const frame = this.#outgoing.shift();
      if (frame !== undefined) yield frame;
      else if (this.#closed) return;
      else {
        await new Promise<void>((resolve) => {
          this.#wakeSender = resolve;
        });
      }
    }
  }
}

/** The lease of an offer. */
export const leaseOf = (offer: Offer | undefined): LeaseRef => {
  if (offer?.lease === undefined) throw new Error("an offer without a lease");
  return offer.lease;
};
