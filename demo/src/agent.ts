import { parseArgs } from "node:util";
import { Worker } from "@stellaops/orchestrator";
import { sbomHandlers } from "./handlers/handlers.ts";

// The demo's task runner, started by the demo as a child:
//   node agent.ts --url URL --tenant NAME --queue NAME --root FOLDER
// It stops when it gets SIGTERM, and when the demo that started it is gone.

const CONCURRENCY = 4;

const { values } = parseArgs({
  options: {
    url: { type: "string" },
    tenant: { type: "string" },
    queue: { type: "string" },
    root: { type: "string" },
  },
});
const { url, tenant, queue, root } = values;
if (!url || !tenant || !queue || !root)
  throw new TypeError("usage: agent.ts --url URL --tenant NAME --queue NAME --root FOLDER");

const worker = new Worker({
  url,
  tenant,
  queues: [queue],
  concurrency: CONCURRENCY,
  handlers: sbomHandlers(root),
});
const parentGone = new AbortController();
process.once("disconnect", () => parentGone.abort());
await worker.run({ signal: parentGone.signal });
// The channel to the demo would keep this process alive.
if (process.connected) process.disconnect();
