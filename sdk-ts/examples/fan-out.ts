// A pipeline whose first job finds out what there is to do: it fans out, and a join waits for all.
//   node --conditions=source sdk-ts/examples/fan-out.ts [TEXT …]
import { type JobContext, Orchestrator, Worker } from "@stellaops/orchestrator";

await using orch = new Orchestrator();

/** One part per text. In a second attempt the same names find the parts of the first one. */
async function split(job: JobContext): Promise<void> {
  const { texts } = job.json<{ texts: string[] }>();
  const parts = texts.map((text, index) => ({
    name: `part-${index + 1}`,
    jobType: "example.part",
    payload: { text },
  }));
  const { jobIds } = await job.fanOut(parts);
  console.log(`split into ${Object.keys(jobIds).join(", ")}`);
}

async function join(job: JobContext): Promise<{ joined: string }> {
  const { jobs } = await job.orchestrator.getRun(job.runId);
  const ids = jobs.filter(({ name }) => name.startsWith("part-")).map(({ jobId }) => jobId);
  const parts = await Promise.all(ids.map((jobId) => job.orchestrator.getJob(jobId)));
  return { joined: parts.map(({ result }) => JSON.parse(Buffer.from(result).toString())).join("") };
}

const worker = new Worker({
  concurrency: 4,
  handlers: {
    "example.split": split,
    "example.part": (job) => job.json<{ text: string }>().text.toUpperCase(),
    "example.join": join,
  },
});
const stop = new AbortController();
const working = worker.run({ signal: stop.signal });

const { version } = await orch.pipelines.put(
  {
    name: "example.shout",
    parameters: [{ name: "texts", kind: "json" }],
    jobs: [
      { name: "split", jobType: "example.split", payloadTemplate: { texts: `\${texts}` } },
      {
        name: "join",
        jobType: "example.join",
        dependsOn: [{ name: "split", includeFanOut: true }],
      },
    ],
  },
  { reason: "the example" },
);
console.log(`pipeline example.shout, version ${version}`);

const texts = process.argv.length > 2 ? process.argv.slice(2) : ["a", "b", "c"];
const { runId, jobIds } = await orch.pipelines.run("example.shout", { parameters: { texts } });
const joined = await orch.waitForJob(jobIds.join ?? "");
const run = await orch.getRun(runId);
console.log(`${run.jobs.length} jobs, ${run.state}: ${Buffer.from(joined.result).toString()}`);

stop.abort();
await working;
