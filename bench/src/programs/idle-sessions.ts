// Many workers in one process, each with a session of its own that has nothing to do, or that
// holds one job for as long as it is told.
import { type Logger, Worker } from "@stellaops/orchestrator";
import { type Command, serve, startCounting } from "./line-protocol.ts";

let stop = new AbortController();
let running: Promise<void>[] = [];

/** Opens sessions; answers when all are up. */
async function open({ url, sessions }: Command): Promise<void> {
  const count = startCounting();
  stop = new AbortController();
  const { signal } = stop;
  const ended = new Promise((resolve) => signal.addEventListener("abort", resolve));
  const allUp = Promise.withResolvers<void>();
  let up = 0;
  const quiet = () => undefined;
  const logger: Logger = {
    debug: quiet,
    warn: quiet,
    error: quiet,
    info: (_fields: object, message: string) => {
      if (message !== "session up") return;
      up++;
      if (up === Number(sessions)) allUp.resolve();
    },
  };
  running = Array.from({ length: Number(sessions) }, (_, index) => {
    const worker = new Worker({
      url: String(url),
      workerId: `idle-${index}`,
      concurrency: 1,
      logger,
      handlers: {
        "bench.hold": async () => {
          count();
          await ended;
        },
      },
    });
    return worker.run({ signal, handleSignals: false });
  });
  await Promise.race([allUp.promise, ...running]);
}

/** Drains them all. */
async function close(): Promise<void> {
  stop.abort();
  await Promise.allSettled(running);
}

serve({ open, close });
