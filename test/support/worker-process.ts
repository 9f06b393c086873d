import { fileURLToPath } from "node:url";
import { type Line, type Program, startProgram } from "./program.ts";
import type { WorkerSettings } from "./worker-program.ts";

const SCRIPT = fileURLToPath(new URL("./worker-program.ts", import.meta.url));

/** A lease as a worker prints it. */
export interface PrintedLease {
  readonly jobId: string;
  readonly attempt: number;
  /** In decimals. */
  readonly leaseEpoch: string;
  readonly leaseToken: string;
}

/** An SDK worker as a process of its own; see worker-program.ts for its job types. */
export interface WorkerProcess {
  readonly program: Program;
  /** Resolves when its session is up, the `count`th time. */
  up(count?: number): Promise<void>;
  /** Resolves with the lease when a handler has begun, for this job or for the `count`th time. */
  started(jobId?: string, count?: number): Promise<PrintedLease>;
  /** Resolves when a handler has returned. */
  finished(jobId: string): Promise<void>;
  /** Resolves when the SDK has logged the message. */
  logged(message: string | RegExp): Promise<Line>;
  /** Lets the handlers of test.hold and test.wait return. */
  release(): void;
}

/** Starts a worker; it connects on its own, and for ever. */
export function startWorker(settings: WorkerSettings): WorkerProcess {
  const program = startProgram([SCRIPT, JSON.stringify(settings)]);
  const event = (name: string, jobId?: string) => (line: Line) =>
    line.event === name && (jobId === undefined || line.jobId === jobId);
  const logs = (message: string | RegExp) => (line: Line) =>
    line.event === "log" &&
    (typeof message === "string" ? line.message === message : message.test(String(line.message)));
  return {
    program,
    up: async (count) => void (await program.line(logs("session up"), count)),
    started: async (jobId, count) =>
      (await program.line(event("started", jobId), count)).lease as PrintedLease,
    finished: async (jobId) => void (await program.line(event("finished", jobId))),
    logged: (message) => program.line(logs(message)),
    release: () => program.send({ release: true }),
  };
}
