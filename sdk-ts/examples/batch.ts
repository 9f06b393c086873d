// Enqueues many jobs: a result per job, and a bad one does not stop its neighbours.
//   node --conditions=source sdk-ts/examples/batch.ts [COUNT]
import { Orchestrator } from "@stellaops/orchestrator";

await using orch = new Orchestrator();
const count = Number(process.argv[2] ?? 1000);

const requests = Array.from({ length: count }, (_, index) => ({
  jobType: "example.greet",
  payload: { name: `number ${index}` },
  priority: -5,
}));
const started = performance.now();
const results = await orch.enqueueMany([...requests, { jobType: "Not A Job Type" }]);
const seconds = (performance.now() - started) / 1000;

const created = results.filter(({ outcome }) => outcome === "created").length;
console.log(`created ${created} of ${results.length} in ${seconds.toFixed(2)} s`);
for (const result of results) {
  if (result.outcome !== "rejected") continue;
  const [violation] = result.error.violations;
  console.log(`rejected: ${result.error.code} ${violation?.field} ${violation?.description}`);
}
