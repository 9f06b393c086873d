import { clone } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";
import {
  ParameterKind,
  PipelineSchema,
  type PutPipelineRequest,
  type RunPipelineRequest,
} from "../src/gen/stellaops/orchestrator/v1/pipeline_pb.ts";
import { ArtifactRef, type Pipeline } from "../src/index.ts";
import { lineage } from "../src/trace-context.ts";
import { away, connect, refusal } from "./connect.ts";

const pipeline: Pipeline = {
  name: "nightly",
  description: "Scans",
  parameters: [
    { name: "depth", kind: "int", defaultValue: 2 },
    { name: "options", kind: "json", description: "More", defaultValue: { deep: [null, true] } },
  ],
  jobs: [
    {
      name: "scan",
      jobType: "scan.job",
      queue: "heavy",
      priority: -3,
      labels: { depth: `\${depth}` },
      attemptDeadlineMs: 1500,
      retry: { maxAttempts: 2, initialBackoffMs: 250 },
      payloadTemplate: { depth: `\${depth}`, list: [1, null] },
    },
    {
      name: "merge",
      jobType: "merge.job",
      payload: new ArtifactRef(`sha256:${"0".repeat(64)}`),
      dependsOn: ["scan", { name: "scan", when: "completion", includeFanOut: true }],
    },
  ],
};

/** Keeps what is put, and answers it. */
function store() {
  const requests: PutPipelineRequest[] = [];
  const putPipeline = (request: PutPipelineRequest) => {
    requests.push(request);
    if (request.pipeline === undefined) throw new Error("no pipeline");
    const stored = clone(PipelineSchema, request.pipeline);
    return { pipeline: Object.assign(stored, { version: requests.length, etag: "e-1" }) };
  };
  return { requests, putPipeline };
}

test("what is stored can be read, and stored again as it is", async () => {
  const { requests, putPipeline } = store();
  const orch = await connect({ pipelines: { putPipeline } });
  const stored = await orch.pipelines.put(pipeline, { reason: "first", ticket: "OPS-1" });
  expect(stored).toMatchObject({ name: "nightly", version: 1, etag: "e-1" });
  expect(stored.parameters).toMatchObject(pipeline.parameters ?? []);
  expect(stored.jobs[0]).toMatchObject(pipeline.jobs[0] ?? {});
  expect(stored.jobs[1]?.payload).toBeInstanceOf(ArtifactRef);
  await orch.pipelines.put(stored);
  const [first, second] = requests;
  expect(first).toMatchObject({ reason: "first", ticket: "OPS-1" });
  expect(first?.pipeline?.jobs.map(({ spec }) => spec?.jobId)).toEqual(["", ""]);
  expect(first?.pipeline?.parameters[0]?.kind).toBe(ParameterKind.INT);
  expect(second?.pipeline).toEqual({ ...first?.pipeline, etag: "e-1" });
});

test("a stored job inherits nothing of the handler that stores it", async () => {
  const { requests, putPipeline } = store();
  const orch = await connect({ pipelines: { putPipeline } });
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  await lineage.run({ traceparent, correlationId: "c-1" }, () => orch.pipelines.put(pipeline));
  const spec = requests[0]?.pipeline?.jobs[0]?.spec;
  expect(spec).toMatchObject({ traceparent: "", tracestate: "", correlationId: "" });
});

test("versions without a name are not those of all pipelines", async () => {
  const names: string[] = [];
  const listPipelines = ({ name }: { name: string }) => {
    names.push(name);
    return { pipelines: [] };
  };
  const { pipelines } = await connect({ pipelines: { listPipelines } });
  expect(() => pipelines.versions("")).toThrow(TypeError);
  for await (const _head of pipelines.versions("nightly"));
  for await (const _head of pipelines.list());
  expect(names).toEqual(["nightly", ""]);
});

test("a pipeline that moved on is refused at once", async () => {
  let calls = 0;
  const orch = await connect({
    pipelines: {
      putPipeline() {
        calls++;
        throw refusal(Code.Aborted, "ETAG_MISMATCH");
      },
    },
  });
  const put = orch.pipelines.put({ ...pipeline, etag: "old" });
  await expect(put).rejects.toMatchObject({ reason: "ETAG_MISMATCH", isRetryable: false });
  expect(calls).toBe(1);
});

test("a run of a pipeline has its jobs' ids by name, and one run id for all tries", async () => {
  const requests: RunPipelineRequest[] = [];
  const runPipeline = (request: RunPipelineRequest) => {
    requests.push(request);
    if (requests.length === 1) throw away();
    const { runId } = request;
    return { run: { runId }, jobIds: ["1", "2"], jobNames: ["scan", "merge"] };
  };
  const orch = await connect({ pipelines: { runPipeline } });
  const parameters = { depth: 3, since: new Date(0), options: { list: ["a", null] } };
  const run = await orch.pipelines.run("nightly", { parameters, version: 4 });
  expect(run).toEqual({
    runId: requests[0]?.runId,
    jobIds: { scan: "1", merge: "2" },
    alreadyExisted: false,
  });
  expect(requests.map(({ runId }) => runId)).toEqual([run.runId, run.runId]);
  expect(requests[1]).toMatchObject({ name: "nightly", version: 4 });
  expect(requests[1]?.parameters).toEqual({ ...parameters, since: "1970-01-01T00:00:00.000Z" });
});
