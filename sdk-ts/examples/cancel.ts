// Starts a long job, watches it, and cancels it when it has got somewhere. Needs worker.ts.
//   node --conditions=source sdk-ts/examples/cancel.ts
import { Orchestrator } from "@stellaops/orchestrator";

await using orch = new Orchestrator();
const { jobId } = await orch.enqueue("example.count", { to: 600 });

let isCancelled = false;
for await (const job of orch.watchJobs({ jobIds: [jobId] })) {
  console.log(`${job.state} ${job.progress?.message ?? ""}`);
  if (isCancelled || (job.progress?.fraction ?? 0) < 0.01) continue;
  isCancelled = true;
  const [result] = await orch.cancelJobs([jobId], { reason: "seen enough", graceMs: 2_000 });
  console.log(`cancel: ${result?.outcome}`);
}

for await (const event of orch.jobEvents(jobId)) {
  console.log(`${event.time?.toISOString()} ${event.kind} by ${event.actor} ${event.reason}`);
}
