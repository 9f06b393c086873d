// The load generator, on the SDK's public surface: node --conditions=source producer.ts
import { Orchestrator } from "@stellaops/orchestrator";
import { payloadOf } from "../payload.ts";
import { type Command, serve } from "./line-protocol.ts";
import { openLoop } from "./open-loop.ts";

/** Jobs of one call when it does not matter how many. */
const FILL_BATCH = 500;
const FILL_IN_FLIGHT = 4;

let orchestrator: Orchestrator | undefined;

const client = (): Orchestrator => {
  if (orchestrator === undefined) throw new Error("not connected");
  return orchestrator;
};

async function connect({ url, tenant = "default" }: Command): Promise<void> {
  await orchestrator?.close();
  orchestrator = new Orchestrator({ url: String(url), tenant: String(tenant) });
}

/** Enqueues `count` jobs in batches, `inFlight` calls at a time; how long it took. */
async function batches(command: Command): Promise<{ seconds: number }> {
  const { jobType = "bench.noop", batch = FILL_BATCH, inFlight = FILL_IN_FLIGHT } = command;
  let left = Number(command.count);
  const payload = payloadOf(0);
  const lane = async () => {
    while (left > 0) {
      const size = Math.min(left, Number(batch));
      left -= size;
      const jobs = Array.from({ length: size }, () => ({ jobType: String(jobType), payload }));
      const results = await client().enqueueMany(jobs);
      const bad = results.find(({ outcome }) => outcome !== "created");
      if (bad !== undefined) throw new Error(`enqueue answered ${JSON.stringify(bad)}`);
    }
  };
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: Number(inFlight) }, lane));
  return { seconds: (performance.now() - startedAt) / 1000 };
}

/** `callers` callers that each enqueue one job a call, one after the other. */
async function callers(command: Command): Promise<{ seconds: number }> {
  let left = Number(command.count);
  const payload = payloadOf(0);
  const caller = async () => {
    while (left > 0) {
      left--;
      await client().enqueue("bench.noop", payload);
    }
  };
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: Number(command.callers) }, caller));
  return { seconds: (performance.now() - startedAt) / 1000 };
}

/**
 * Open loop: jobs at a fixed rate, whether or not earlier ones were answered. The payload names the
 * intended time, from which latencies are measured.
 */
function rate({ count, perSecond, jobType = "bench.timed" }: Command) {
  return openLoop(Number(count), Number(perSecond), (intendedUs) =>
    client().enqueue(String(jobType), payloadOf(intendedUs)),
  );
}

serve({ connect, batches, callers, rate });
