import { expect, test } from "vitest";
import { languageOf, queuesOf } from "./agents/languages.ts";
import { scanJobs } from "./handlers/discover.ts";
import { pipelineValues, sbomPipeline } from "./pipeline.ts";

const manifest = (path: string, ecosystem: "golang" | "npm" = "golang") => ({
  kind: "go",
  ecosystem,
  path,
  files: [{ path, sha256: "0".repeat(64), sizeBytes: 1 }],
});

test("a discovery, and a merge that waits for all that it fans out", () => {
  const { jobs, parameters } = sbomPipeline("q");
  expect(jobs.map((job) => [job.name, job.jobType, job.queue, job.dependsOn])).toEqual([
    ["discover", "sbom.discover", "q", undefined],
    ["merge", "sbom.merge", "q", [{ name: "discover", includeFanOut: true }]],
  ]);
  const values = pipelineValues("/a/shop", "q", new Set());
  expect(Object.keys(values)).toEqual(parameters?.map(({ name }) => name));
  expect(values.folder).toBe("shop");
  expect(pipelineValues("/", "q", new Set()).folder).toBe("/");
});

test("a scan for each manifest, each language's in its own queue", () => {
  const queues = queuesOf("q", new Set(["go"]));
  const jobs = scanJobs([manifest("a/go.mod"), manifest("b/package-lock.json", "npm")], queues);
  expect(jobs.map((job) => [job.name, job.jobType, job.queue])).toEqual([
    ["a/go.mod", "sbom.scan", "q-go"],
    ["b/package-lock.json", "sbom.scan", "q"],
  ]);
  expect(jobs.map((job) => languageOf(job.queue, "q"))).toEqual(["go", "typescript"]);
  expect(Object.values(queuesOf("q", new Set()))).toEqual(["q", "q", "q", "q", "q"]);
});

test("payloads name files relative to the root and hold no content", () => {
  expect(scanJobs([manifest("a/go.mod")], queuesOf("q", new Set()))[0]?.payload).toEqual({
    kind: "go",
    manifest: "a/go.mod",
    files: [{ path: "a/go.mod", sha256: "0".repeat(64), sizeBytes: 1 }],
  });
});
