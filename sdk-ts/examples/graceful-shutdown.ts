// A worker that is told to stop in mid-job: what it holds finishes, nothing is lost.
//   node --conditions=source sdk-ts/examples/graceful-shutdown.ts
import { setTimeout as sleep } from "node:timers/promises";
import { Orchestrator, Worker } from "@stellaops/orchestrator";

await using orch = new Orchestrator();
const shutdown = new AbortController();
const jobType = "example.slow";

const worker = new Worker({
  concurrency: 2,
  drainGraceMs: 10_000,
  handlers: {
    async [jobType](job) {
      console.log(`begun ${job.name || job.jobId}`);
      shutdown.abort();
      // Without the grace this would end here: job.signal aborts when the grace is over.
      await sleep(1_000, undefined, { signal: job.signal });
      return { finished: true };
    },
  },
});

const jobs = await Promise.all([1, 2, 3, 4].map((n) => orch.enqueue(jobType, { n })));
await worker.run({ signal: shutdown.signal });
console.log("the worker has drained");

for (const { jobId } of jobs) {
  const job = await orch.getJob(jobId);
  console.log(`${jobId} ${job.state}, ${job.interruptions} interruptions`);
}
// The others went back to their queue unharmed; they are not needed any more.
await orch.cancelJobs(
  jobs.map(({ jobId }) => jobId),
  { reason: "end of the example" },
);
