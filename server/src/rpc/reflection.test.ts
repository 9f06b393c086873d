import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Health } from "../gen/grpc/health/v1/health_pb.ts";
import { ServerReflection } from "../gen/grpc/reflection/v1/reflection_pb.ts";
import { ArtifactService } from "../gen/stellaops/orchestrator/v1/artifact_pb.ts";
import { FlowControlService } from "../gen/stellaops/orchestrator/v1/flow_control_pb.ts";
import { JobService } from "../gen/stellaops/orchestrator/v1/job_pb.ts";
import { RunService } from "../gen/stellaops/orchestrator/v1/run_pb.ts";
import { SourceService } from "../gen/stellaops/orchestrator/v1/source_pb.ts";
import { TaskRunnerService } from "../gen/stellaops/orchestrator/v1/task_runner_pb.ts";
import { notFound } from "./errors.ts";
import type { RunningListener } from "./listener.ts";
import { reflectionRoutes } from "./reflection.ts";
import { findGrpcurl, grpcurl } from "./testing/grpcurl.ts";
import { serve } from "./testing/serve.ts";

const PACKAGE = "stellaops.orchestrator.v1";
const SERVICES = [
  JobService,
  RunService,
  TaskRunnerService,
  ArtifactService,
  SourceService,
  FlowControlService,
  Health,
];
const program = await findGrpcurl();
let listener: RunningListener;

beforeAll(async () => {
  listener = await serve((router) => {
    reflectionRoutes(SERVICES)(router);
    router.service(JobService, {
      getJob({ jobId }) {
        throw notFound("JOB_NOT_FOUND", { jobId });
      },
    });
  });
});

afterAll(() => listener.close(0));

describe.skipIf(program === undefined)("grpcurl", () => {
  const call = (args: string[], flags: string[] = []) =>
    grpcurl(program ?? "", listener.url, args, flags);

  it("lists the services, over v1 and over v1alpha", async () => {
    const expected = [
      "grpc.health.v1.Health",
      "grpc.reflection.v1.ServerReflection",
      "grpc.reflection.v1alpha.ServerReflection",
      `${PACKAGE}.ArtifactService`,
      `${PACKAGE}.FlowControlService`,
      `${PACKAGE}.JobService`,
      `${PACKAGE}.RunService`,
      `${PACKAGE}.SourceService`,
      `${PACKAGE}.TaskRunnerService`,
    ];
    const { stdout } = await call(["list"]);
    expect(stdout.trim().split("\n")).toEqual(expected);
  });

  it("lists the methods of every service", async () => {
    for (const service of SERVICES) {
      const { stdout } = await call(["list", service.typeName]);
      const methods = service.methods.map((method) => `${service.typeName}.${method.name}`);
      expect(stdout.trim().split("\n")).toEqual(methods.sort());
    }
  });

  it("describes every service, message, enum and field, options included", async () => {
    const { stdout } = await call(["describe"]);
    for (const service of SERVICES) expect(stdout).toContain(`${service.typeName} is a service`);
    const spec = await call(["describe", `${PACKAGE}.JobSpec`]);
    expect(spec.stdout).toMatch(/string job_type = 2 \[[^;]*buf\.validate\.field/);
    const policy = await call(["describe", `${PACKAGE}.TaskRunnerService`]);
    expect(policy.stdout).toMatch(/lease_policy\).*lease_ttl/s);
    for (const name of ["JobState", "JobSpec.payload", "JobService.GetJob", "lease_policy"]) {
      expect((await call(["describe", `${PACKAGE}.${name}`])).exitCode).toBe(0);
    }
  });

  it("says that an unknown symbol is unknown", async () => {
    const { stderr, exitCode } = await call(["describe", `${PACKAGE}.Nothing`]);
    expect([exitCode === 0, stderr]).toEqual([false, expect.stringContaining("not found")]);
  });

  it("calls a method and shows the details of its error", async () => {
    const jobId = "0190c0de-0000-7000-8000-000000000000";
    const { stderr, exitCode } = await call(
      [`${PACKAGE}.JobService/GetJob`],
      ["-d", JSON.stringify({ jobId })],
    );
    expect(exitCode).toBe(64 + 5);
    expect(stderr).toMatch(/"reason": "JOB_NOT_FOUND"/);
    expect(stderr).toMatch(/"domain": "orchestrator.stellaops"/);
  });
});

describe("reflection", () => {
  const ask = async (...requests: object[]) => {
    const client = createClient(ServerReflection, createGrpcTransport({ baseUrl: listener.url }));
    async function* questions() {
      for (const messageRequest of requests) yield { messageRequest } as never;
    }
    const answers = [];
    for await (const { messageResponse } of client.serverReflectionInfo(questions())) {
      answers.push(messageResponse);
    }
    return answers;
  };

  it("sends a file with everything that it imports", async () => {
    const [answer] = await ask({ case: "fileByFilename", value: `${path("job")}` });
    const sent = answer?.case === "fileDescriptorResponse" ? answer.value.fileDescriptorProto : [];
    expect(sent.length).toBeGreaterThan(5);
  });

  it("knows extensions by number and lists their numbers", async () => {
    const containingType = "google.protobuf.ServiceOptions";
    const [numbers, file, none] = await ask(
      { case: "allExtensionNumbersOfType", value: containingType },
      { case: "fileContainingExtension", value: { containingType, extensionNumber: 73501 } },
      { case: "allExtensionNumbersOfType", value: `${PACKAGE}.JobSpec` },
    );
    expect(numbers).toMatchObject({ value: { extensionNumber: [73501] } });
    expect(file?.case).toBe("fileDescriptorResponse");
    expect(none).toMatchObject({ value: { extensionNumber: [] } });
  });

  it("answers what it does not know, and goes on", async () => {
    const answers = await ask(
      { case: "fileByFilename", value: "no/such.proto" },
      { case: "fileContainingSymbol", value: "no.Such" },
      { case: "fileContainingExtension", value: { containingType: "no.Such", extensionNumber: 1 } },
      { case: "allExtensionNumbersOfType", value: "no.Such" },
      { case: undefined },
      { case: "listServices", value: "" },
    );
    expect(answers.map((answer) => answer.case)).toEqual([
      ...Array.from({ length: 5 }, () => "errorResponse"),
      "listServicesResponse",
    ]);
  });
});

function path(name: string): string {
  return `stellaops/orchestrator/v1/${name}.proto`;
}
