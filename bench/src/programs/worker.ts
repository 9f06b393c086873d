// A worker with handlers that do nothing, on the SDK's public surface.
import { silentLogger, Worker } from "@stellaops/orchestrator";
import type { BenchPayload } from "../payload.ts";
import { type Command, nowUs, serve, startCounting } from "./line-protocol.ts";

interface Running {
  readonly stop: AbortController;
  readonly ended: Promise<void>;
  handled: number;
  /** Microseconds from the intended send time to the start of the handler. */
  readonly latenciesUs: number[];
}

let running: Running | undefined;

/** Begins to work. Answers at once: what it does shows in the counts that it tells. */
function start(command: Command): void {
  if (running !== undefined) throw new Error("works already");
  const count = startCounting();
  const stop = new AbortController();
  const latenciesUs: number[] = [];
  const handled = () => {
    if (running !== undefined) running.handled++;
    count();
  };
  const holding = new Promise((resolve) => stop.signal.addEventListener("abort", resolve));
  const worker = new Worker({
    url: String(command.url),
    tenant: String(command.tenant ?? "default"),
    workerId: String(command.workerId),
    concurrency: Number(command.slots),
    leaseAtOnce: true,
    logger: silentLogger,
    handlers: {
      "bench.noop": async () => handled(),
      "bench.timed": async (job) => {
        latenciesUs.push(nowUs() - job.json<BenchPayload>().t);
        handled();
      },
      "bench.hold": async () => {
        handled();
        await holding;
      },
    },
  });
  const ended = worker.run({ signal: stop.signal, handleSignals: false });
  // Rejects only when working is pointless; the next command says why.
  ended.catch(() => undefined);
  running = { stop, ended, handled: 0, latenciesUs };
}

/** Drains and answers how many handlers ran, and the latencies of timed jobs. */
async function stop(): Promise<{ handled: number; latenciesUs: readonly number[] }> {
  if (running === undefined) throw new Error("does not work");
  running.stop.abort();
  await running.ended;
  const { handled, latenciesUs } = running;
  running = undefined;
  return { handled, latenciesUs };
}

serve({ start, stop });
