// Runs handlers until Ctrl-C.
//   node --conditions=source sdk-ts/examples/worker.ts
import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { type JobContext, TerminalError, Worker } from "@stellaops/orchestrator";

function greet(job: JobContext): { greeting: string } {
  const { name } = job.json<{ name?: string }>();
  if (!name) throw new TerminalError("nobody to greet", { failureClass: "schema_mismatch" });
  job.log.info({ name }, "greeting");
  return { greeting: `Hello, ${name}!` };
}

/** Counts slowly. An attempt that is interrupted leaves its count to the next one. */
async function count(job: JobContext): Promise<{ counted: number }> {
  const { to } = job.json<{ to: number }>();
  let counted = job.checkpoint.length > 0 ? Number(new TextDecoder().decode(job.checkpoint)) : 0;
  while (counted < to) {
    await sleep(100, undefined, { signal: job.signal });
    counted++;
    const checkpoint = new TextEncoder().encode(String(counted));
    void job.progress(counted / to, { message: `${counted} of ${to}`, checkpoint });
  }
  return { counted };
}

/** Reads an input of any size and binds what it made to the job. */
async function fingerprint(job: JobContext): Promise<{ bytes: number }> {
  const input = await job.loadPayload();
  const digest = createHash("sha512").update(input).digest("hex");
  await job.uploadArtifact("sha512.txt", Buffer.from(`${digest}\n`), { mediaType: "text/plain" });
  return { bytes: input.length };
}

const worker = new Worker({
  concurrency: 4,
  handlers: { "example.greet": greet, "example.count": count, "example.fingerprint": fingerprint },
});
await worker.run();
