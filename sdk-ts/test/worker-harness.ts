import { create } from "@bufbuild/protobuf";
import { v7 } from "uuid";
import { afterEach } from "vitest";
import {
  type LeaseRef,
  LeaseRefSchema,
  WriteKind,
  WriteVerdict,
} from "../src/gen/stellaops/orchestrator/v1/task_runner_pb.ts";
import {
  type Handler,
  type JobContext,
  silentLogger,
  Worker,
  type WorkerOptions,
} from "../src/index.ts";
import { ms, type Script, ScriptedServer, type ScriptedSession } from "./scripted-server.ts";

/** What to undo after a test, last first. */
export const undo: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

/** Clocks short enough to see several renewals, long enough for a busy machine. */
export const fast = { renewInterval: ms(400), reconnectMin: ms(5), reconnectMax: ms(50) };

/** A lease of a new job, at its first epoch unless told. */
export const newLease = (jobId: string = v7(), leaseEpoch = 1n): LeaseRef =>
  create(LeaseRefSchema, { jobId, attempt: 1, leaseEpoch, leaseToken: "token" });

/** A scripted server that is stopped after the test. */
export async function serve(script: Script = {}): Promise<ScriptedServer> {
  const server = await ScriptedServer.start(script);
  undo.push(() => server.stop());
  return server;
}

/** A worker at work. */
export interface Running {
  readonly worker: Worker;
  readonly drain: () => void;
  readonly done: Promise<void>;
}

/** Starts a worker that is drained after the test. */
export function work(url: string, handler: Handler, options: Partial<WorkerOptions> = {}): Running {
  const stop = new AbortController();
  const worker = new Worker({
    url,
    handlers: { "test.job": handler },
    logger: silentLogger,
    drainGraceMs: 50,
    ...options,
  });
  const done = worker.run({ signal: stop.signal, handleSignals: false });
  done.catch(() => {});
  undo.push(async () => {
    stop.abort();
    await done.catch(() => {});
  });
  return { worker, drain: () => stop.abort(), done };
}

/** A handler whose calls a test waits for and ends. */
export function controlled() {
  const calls: {
    job: JobContext;
    finish: (result?: unknown) => void;
    fail: (e: unknown) => void;
  }[] = [];
  let seen: (() => void) | undefined;
  const handler: Handler = (job) =>
    new Promise((finish, fail) => {
      calls.push({ job, finish, fail });
      seen?.();
    });
  const call = async (index: number) => {
    while (calls.length <= index) {
      await new Promise<void>((resolve) => {
        seen = resolve;
      });
    }
    const found = calls[index];
    if (found === undefined) throw new Error("no such call");
    return found;
  };
  return { handler, calls, call };
}

/** Why a job's signal aborted, once it has. */
export const aborted = (job: JobContext): Promise<unknown> =>
  new Promise((resolve) => {
    job.signal.addEventListener("abort", () => resolve(job.signal.reason));
    if (job.signal.aborted) resolve(job.signal.reason);
  });

/** Waits for a completion and applies it. */
export async function settle(session: ScriptedSession, lease: LeaseRef): Promise<void> {
  const { completions } = await session.take("complete");
  session.answer(WriteKind.COMPLETE, lease, WriteVerdict.APPLIED, completions[0]?.completionId);
}
