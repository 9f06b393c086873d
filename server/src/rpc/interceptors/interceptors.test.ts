import { Code, ConnectError, type ConnectRouter, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LedgerUnavailable } from "../../app/ledger-unavailable.ts";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RetryInfoSchema,
} from "../../gen/google/rpc/error_details_pb.ts";
import { JobService } from "../../gen/stellaops/orchestrator/v1/job_pb.ts";
import { TaskRunnerService } from "../../gen/stellaops/orchestrator/v1/task_runner_pb.ts";
import { notFound, reasonOf } from "../errors.ts";
import type { RunningListener } from "../listener.ts";
import { collectingLogger, serve } from "../testing/serve.ts";
import { tenantOf } from "./tenant.ts";

const jobId = "0190c0de-0000-7000-8000-000000000000";
const SECRET = "s3cret-payload";
let listener: RunningListener;
let lines: Record<string, unknown>[];

// The project of the first job says what the handler does.
const routes = (router: ConnectRouter): void => {
  router.service(JobService, {
    getJob: (_, context) => ({ job: { jobId: tenantOf(context) } }),
    async *watchJobs() {
      yield {};
      throw new LedgerUnavailable(new Error("gone"), 2_500);
    },
    enqueueJobs({ jobs }) {
      if (jobs[0]?.project === "bug") throw new TypeError(`bug with ${SECRET}`);
      if (jobs[0]?.project === "missing") throw notFound("JOB_NOT_FOUND");
      if (jobs[0]?.project === "away") throw new LedgerUnavailable();
      if (jobs[0]?.project === "bare") throw new ConnectError("bare", Code.Aborted);
      return {};
    },
  });
  router.service(TaskRunnerService, {
    async *session(frames) {
      for await (const _ of frames) yield {};
    },
  });
};

beforeEach(async () => {
  const collecting = collectingLogger();
  lines = collecting.lines;
  listener = await serve(routes, {}, collecting.logger);
});

afterEach(() => listener.close(0));

const jobs = () => createClient(JobService, createGrpcTransport({ baseUrl: listener.url }));
const enqueue = (project: string) =>
  thrownBy(jobs().enqueueJobs({ jobs: [{ jobType: "a.b", project }] }));

async function thrownBy(call: Promise<unknown>): Promise<ConnectError> {
  try {
    await call;
  } catch (error) {
    return ConnectError.from(error);
  }
  throw new Error("the call succeeded");
}

async function drain(stream: AsyncIterable<unknown>, into: unknown[] = []): Promise<void> {
  for await (const message of stream) into.push(message);
}

describe("errors", () => {
  it("pass when they follow the contract", async () => {
    const error = await enqueue("missing");
    expect([error.code, reasonOf(error)]).toEqual([Code.NotFound, "JOB_NOT_FOUND"]);
    expect(error.findDetails(ErrorInfoSchema)[0]?.domain).toBe("orchestrator.stellaops");
  });

  it("of the ledger are UNAVAILABLE with RetryInfo, in a stream, too", async () => {
    const unary = await enqueue("away");
    expect([unary.code, reasonOf(unary)]).toEqual([Code.Unavailable, "LEDGER_UNAVAILABLE"]);
    expect(unary.findDetails(RetryInfoSchema)[0]?.retryDelay?.seconds).toBe(1n);
    const stream = jobs().watchJobs({ target: { case: "runId", value: jobId } });
    const error = await thrownBy(drain(stream));
    expect(error.code).toBe(Code.Unavailable);
    expect(error.findDetails(RetryInfoSchema)[0]?.retryDelay).toMatchObject({
      seconds: 2n,
      nanos: 500_000_000,
    });
  });

  it("that are bugs show an incident id and nothing else; the log has the stack", async () => {
    const error = await enqueue("bug");
    const incidentId = error.findDetails(ErrorInfoSchema)[0]?.metadata.incidentId;
    expect(error.code).toBe(Code.Internal);
    expect(error.rawMessage).toBe(`internal error, incident ${incidentId}`);
    const logged = lines.find((line) => line.incidentId === incidentId);
    expect(logged).toMatchObject({ level: 50, tenant: "default", err: { type: "TypeError" } });
    expect(JSON.stringify(logged)).toContain("interceptors.test.ts");
  });

  it("of Connect itself get an ErrorInfo", async () => {
    expect(reasonOf(await enqueue("bare"))).toBe("ABORTED");
  });
});

describe("the tenant", () => {
  const as = (tenant: string) => jobs().getJob({ jobId }, { headers: { "orch-tenant": tenant } });

  it("is the header's, or default", async () => {
    expect((await as("acme.eu-1")).job?.jobId).toBe("acme.eu-1");
    expect((await jobs().getJob({ jobId })).job?.jobId).toBe("default");
  });

  it.each(["ACME", "-acme", "a/b", "a b", "", "a,b", "a".repeat(64), "../x"])(
    "is refused when it is %j",
    async (tenant) => {
      const error = await thrownBy(as(tenant));
      expect([error.code, reasonOf(error)]).toEqual([Code.InvalidArgument, "TENANT_INVALID"]);
      expect(error.findDetails(BadRequestSchema)[0]?.fieldViolations[0]?.field).toBe("orch-tenant");
    },
  );
});

describe("validation", () => {
  it("names the fields as the contract spells them", async () => {
    const request = { jobs: [{ jobType: "ok" }, { jobType: "Not Ok", priority: 99 }] };
    for (const transport of [
      createGrpcTransport({ baseUrl: listener.url }),
      createConnectTransport({ baseUrl: listener.url, httpVersion: "1.1" }),
    ]) {
      const error = await thrownBy(createClient(JobService, transport).enqueueJobs(request));
      expect([error.code, reasonOf(error)]).toEqual([Code.InvalidArgument, "REQUEST_INVALID"]);
      const fields = error.findDetails(BadRequestSchema)[0]?.fieldViolations.map((v) => v.field);
      expect(fields).toEqual(["jobs[1].job_type", "jobs[1].priority"]);
    }
  });

  it("answers at most 50 violations and says how many there were", async () => {
    const request = { jobs: Array.from({ length: 200 }, () => ({ jobType: "Not Ok" })) };
    const error = await thrownBy(jobs().enqueueJobs(request));
    expect(error.findDetails(BadRequestSchema)[0]?.fieldViolations).toHaveLength(50);
    expect(error.findDetails(ErrorInfoSchema)[0]?.metadata.violations).toBe("200");
  });

  it("checks every message of a stream", async () => {
    const client = createClient(TaskRunnerService, createGrpcTransport({ baseUrl: listener.url }));
    async function* frames() {
      yield { frame: { case: "ping" as const, value: { nonce: 1n } } };
      yield { frame: { case: "accept" as const, value: { leases: [] } } };
    }
    const answers: unknown[] = [];
    const error = await thrownBy(drain(client.session(frames()), answers));
    expect(answers).toHaveLength(1);
    expect(error.code).toBe(Code.InvalidArgument);
    const fields = error.findDetails(BadRequestSchema)[0]?.fieldViolations.map((v) => v.field);
    expect(fields).toEqual(["accept.leases"]);
  });
});

describe("the log", () => {
  it("has a line for each call with its facts and without its payload", async () => {
    const payload = new TextEncoder().encode(SECRET);
    await jobs().enqueueJobs({ jobs: [{ jobType: "a.b", payload }] });
    await enqueue("missing");
    await enqueue("bug");
    const calls = lines.filter((line) => line.msg === "rpc");
    expect(calls).toMatchObject([
      { level: 20, code: "OK", tenant: "default" },
      { level: 30, code: "NOT_FOUND", reason: "JOB_NOT_FOUND" },
      { level: 40, code: "INTERNAL" },
    ]);
    expect(calls[0]?.rpc).toBe("stellaops.orchestrator.v1.JobService/EnqueueJobs");
    expect(calls[0]?.peer).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(calls[0]?.durationMs).toBeGreaterThan(0);
    expect(JSON.stringify(calls)).not.toContain(SECRET);
  });
});
