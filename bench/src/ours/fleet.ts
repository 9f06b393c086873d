import { fileURLToPath } from "node:url";
import { type Program, startNode } from "../processes.ts";
import { Progress } from "../progress.ts";

const PRODUCER = fileURLToPath(new URL("../programs/producer.ts", import.meta.url));
const WORKER = fileURLToPath(new URL("../programs/worker.ts", import.meta.url));

/** What a worker says when it was stopped. */
export interface WorkerReport {
  readonly handled: number;
  /** From the intended send time to the start of the handler, in microseconds. */
  readonly latenciesUs: readonly number[];
}

/** Worker processes of one tenant that start and stop together. */
export interface Fleet {
  readonly programs: readonly Program[];
  /** Makes them work; answers how far they are, from now on. */
  start(urls: readonly string[]): Promise<Progress>;
  /** Drains them. */
  stop(): Promise<WorkerReport>;
  close(): Promise<void>;
}

/** How a fleet is made up. */
export interface FleetOptions {
  readonly workers: number;
  /** Of each worker. */
  readonly slots: number;
  readonly tenant?: string;
  /** Programs that stand in for the TypeScript worker and know its protocol. */
  readonly programs?: readonly Program[];
}

/** Starts the worker processes; they do not connect yet. */
export function openFleet({ workers, slots, tenant = "default", ...rest }: FleetOptions): Fleet {
  const programs =
    rest.programs ??
    Array.from({ length: workers }, (_, n) => startNode(`worker ${n + 1}`, WORKER, []));
  return {
    programs,
    async start(urls) {
      const progress = new Progress(programs);
      const started = programs.map((program, index) => {
        const url = urls[index % urls.length];
        const workerId = `${tenant}-${program.pid}`;
        return program.ask({ do: "start", url, tenant, workerId, slots });
      });
      await Promise.all(started);
      return progress;
    },
    async stop() {
      const reports = await Promise.all(
        programs.map((program) => program.ask<WorkerReport>({ do: "stop" })),
      );
      return {
        handled: reports.reduce((sum, report) => sum + report.handled, 0),
        latenciesUs: reports.flatMap((report) => [...report.latenciesUs]),
      };
    },
    close: async () => void (await Promise.all(programs.map((program) => program.stop()))),
  };
}

/** The load generator as a process of its own. */
export interface Producer {
  readonly program: Program;
  connect(url: string, tenant?: string): Promise<void>;
  /** Enqueues in batches; how long it took, in seconds. */
  batches(command: {
    readonly count: number;
    readonly batch?: number;
    readonly inFlight?: number;
    readonly jobType?: string;
  }): Promise<number>;
  /** One job a call from many callers; seconds. */
  callers(count: number, callers: number): Promise<number>;
  /** Open loop; how late it was at worst, in microseconds. */
  rate(command: { readonly count: number; readonly perSecond: number }): Promise<number>;
  close(): Promise<void>;
}

/** Starts a load generator. */
export function openProducer(): Producer {
  const program = startNode("producer", PRODUCER, []);
  const seconds = async (command: object) =>
    (await program.ask<{ seconds: number }>(command)).seconds;
  return {
    program,
    connect: async (url, tenant) => void (await program.ask({ do: "connect", url, tenant })),
    batches: (command) => seconds({ do: "batches", ...command }),
    callers: (count, callers) => seconds({ do: "callers", count, callers }),
    rate: async (command) =>
      (await program.ask<{ latestUs: number }>({ do: "rate", ...command })).latestUs,
    close: () => program.stop(),
  };
}
