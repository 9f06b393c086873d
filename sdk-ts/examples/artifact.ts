// Uploads a file, lets a job work on it, and downloads what the job made. Needs worker.ts.
//   node --conditions=source sdk-ts/examples/artifact.ts [FILE]
import { Orchestrator } from "@stellaops/orchestrator";

await using orch = new Orchestrator();
const path = process.argv[2] ?? process.execPath;

const input = await orch.artifacts.upload(
  { path },
  {
    onProgress: ({ sentBytes, totalBytes }) =>
      process.stderr.write(`\r${Math.floor((100 * sentBytes) / (totalBytes || 1))} %`),
  },
);
console.log(`\n${path}: ${input.sizeBytes} bytes, ${input.digest}`);
console.log(input.alreadyExisted ? "the server had it already" : "uploaded");

// An artifact is an input like any other, however large.
const { jobId } = await orch.enqueue("example.fingerprint", input);
const job = await orch.waitForJob(jobId);
console.log(job.state, job.lastFailure?.message ?? "");
for (const { name, digest } of job.artifacts) {
  const text = new TextDecoder().decode(await orch.artifacts.bytes(digest));
  console.log(`${name} ${digest}\n${text}`);
}
