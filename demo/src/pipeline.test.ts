import { expect, test } from "vitest";
import { jobName, pipelineJobs } from "./pipeline.ts";

const manifest = (path: string) => ({
  kind: "go",
  ecosystem: "golang" as const,
  path,
  files: [{ path, sha256: "0".repeat(64), sizeBytes: 1 }],
});

test("a scan for each manifest, and a merge that depends on them all", () => {
  const jobs = pipelineJobs([manifest("a/go.mod"), manifest("b/go.mod")], "q");
  expect(jobs.map((job) => [job.name, job.jobType, job.queue])).toEqual([
    ["a/go.mod", "sbom.scan", "q"],
    ["b/go.mod", "sbom.scan", "q"],
    ["merge", "sbom.merge", "q"],
  ]);
  expect(jobs.at(-1)).toMatchObject({ dependsOn: ["a/go.mod", "b/go.mod"], payload: { scans: 2 } });
});

test("each language's scans wait in its own queue, and the merge in the demo's", () => {
  const manifests = [manifest("a/go.mod"), manifest("b/go.mod")];
  const jobs = pipelineJobs(manifests, "q", ({ path }) => (path[0] === "a" ? "go" : "typescript"));
  expect(jobs.map((job) => job.queue)).toEqual(["q-go", "q", "q"]);
});

test("payloads name files relative to the root and hold no content", () => {
  expect(pipelineJobs([manifest("a/go.mod")], "q")[0]?.payload).toEqual({
    kind: "go",
    manifest: "a/go.mod",
    files: [{ path: "a/go.mod", sha256: "0".repeat(64), sizeBytes: 1 }],
  });
});

test("a path too long for a job's name is cut to fit and stays unique", () => {
  const long = (first: string) => `${first}/${"é".repeat(200)}/go.mod`;
  const names = [jobName(long("a")), jobName(long("b"))];
  expect(new Set(names).size).toBe(2);
  for (const name of names) {
    expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255);
    expect(name).toMatch(/go\.mod$/);
  }
  expect(jobName("a/go.mod")).toBe("a/go.mod");
});
