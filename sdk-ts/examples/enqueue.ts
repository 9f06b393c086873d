// Enqueues one job, waits until it has finished and prints what became of it.
//   node --conditions=source sdk-ts/examples/enqueue.ts [NAME]
import { decodeJson, Orchestrator } from "@stellaops/orchestrator";

await using orch = new Orchestrator();
const name = process.argv[2] ?? "world";

const { jobId, outcome } = await orch.enqueue(
  "example.greet",
  { name },
  // The same key enqueues the same job once, however often this runs within the minute.
  { idempotencyKey: `greet-${name}-${Math.floor(Date.now() / 60_000)}`, labels: { from: "docs" } },
);
console.log(`${outcome} ${jobId}`);

const job = await orch.waitForJob(jobId);
if (job.state === "succeeded") console.log(decodeJson<{ greeting: string }>(job.result).greeting);
else console.log(`${job.state}: ${job.lastFailure?.message}`);
