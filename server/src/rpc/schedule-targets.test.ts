import { type Client, Code, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import type pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/support/database.ts";
import { type ServerHere, startServerHere } from "../../../test/support/server.ts";
import {
  FlowControlService,
  FlowScopeKind,
} from "../gen/stellaops/orchestrator/v1/flow_control_pb.ts";
import { JobService, JobState } from "../gen/stellaops/orchestrator/v1/job_pb.ts";
import { ParameterKind, PipelineService } from "../gen/stellaops/orchestrator/v1/pipeline_pb.ts";
import { RunService } from "../gen/stellaops/orchestrator/v1/run_pb.ts";
import {
  CatchUpPolicy,
  FiringOutcome,
  OverlapPolicy,
  ScheduleService,
} from "../gen/stellaops/orchestrator/v1/schedule_pb.ts";
import { failureOf } from "./testing/clients.ts";

let database: TestDatabase;
let server: ServerHere;
let owner: pg.Pool;

const connect = (baseUrl: string) => {
  const transport = createGrpcTransport({ baseUrl });
  return {
    schedules: createClient(ScheduleService, transport),
    jobs: createClient(JobService, transport),
    runs: createClient(RunService, transport),
    pipelines: createClient(PipelineService, transport),
    flow: createClient(FlowControlService, transport),
  };
};
let clients: ReturnType<typeof connect>;

beforeAll(async () => {
  database = await createTestDatabase();
  owner = database.owner();
  server = await startServerHere(database.url);
  clients = connect(server.url);
});
afterAll(async () => {
  await server.stop();
  await database.drop();
});

const SOON = { timeout: 10_000, interval: 25 };
const HOUR_S = 3_600n;
const as = (tenant: string) => ({ headers: { "orch-tenant": tenant } });
const hourly = { case: "interval", value: { every: { seconds: HOUR_S } } } as const;
const jobOf = (over: object = {}) =>
  ({ case: "job", value: { jobType: "test.echo", ...over } }) as const;

const rewind = (tenant: string, name: string, ms: number) =>
  owner.query(
    `update schedule set next_at = now(), created_at = now() - $3::bigint * interval '1 ms',
       settled_upto = date_trunc('milliseconds', now() - $3::bigint * interval '1 ms')
     where tenant = $1 and name = $2`,
    [tenant, name, ms],
  );

const firingsOf = async (
  tenant: string,
  name: string,
  schedules: Client<typeof ScheduleService> = clients.schedules,
) => (await schedules.listFirings({ name }, as(tenant))).firings;

describe("a pipeline", () => {
  const parameters: { name: string; kind: ParameterKind }[] = [
    { name: "nominal_time", kind: ParameterKind.STRING },
    { name: "depth", kind: ParameterKind.INT },
  ];
  const pipeline = (waits: boolean) => ({
    name: "feeds",
    parameters,
    jobs: [
      {
        name: "fetch",
        spec: { jobType: "feeds.fetch" },
        payloadTemplate: `{"at": "\${nominal_time}", "depth": "\${depth}"}`,
      },
      ...(waits
        ? [{ name: "merge", spec: { jobType: "feeds.merge" }, dependsOn: [{ name: "fetch" }] }]
        : []),
    ],
  });
  const target = (over: object = {}) =>
    ({ case: "pipeline", value: { name: "feeds", parameters: { depth: 3 }, ...over } }) as const;

  it("is run with the nominal time, and the run names its schedule", async () => {
    const tenant = as("pipeline");
    await clients.pipelines.putPipeline({ pipeline: pipeline(true) }, tenant);
    const schedule = { name: "nightly", timing: hourly, target: target() };
    await clients.schedules.createSchedule({ schedule }, tenant);
    const { firing } = await clients.schedules.triggerSchedule({ name: "nightly" }, tenant);
    expect(firing).toMatchObject({ outcome: FiringOutcome.CREATED, jobId: "" });
    const got = await clients.runs.getRun({ runId: firing?.runId ?? "" }, tenant);
    expect(got.run).toMatchObject({ schedule: "nightly", pipeline: "feeds", pipelineVersion: 1 });
    const fetch = got.jobs.find(({ name }) => name === "fetch");
    const { job } = await clients.jobs.getJob({ jobId: fetch?.jobId ?? "" }, tenant);
    const payload = JSON.parse(Buffer.from(job?.spec?.payload ?? []).toString());
    const nominalMs =
      Number(firing?.nominalTime?.seconds) * 1_000 + (firing?.nominalTime?.nanos ?? 0) / 1e6;
    expect(payload).toEqual({ at: new Date(nominalMs).toISOString(), depth: 3 });
    // Unfinished as long as one of its jobs is.
    const again = await clients.schedules.triggerSchedule({ name: "nightly" }, tenant);
    expect(again.firing?.outcome).toBe(FiringOutcome.SKIPPED);
  });

  it("that is run again cancels the run before it, where the policy says so", async () => {
    const tenant = as("replace");
    await clients.pipelines.putPipeline({ pipeline: pipeline(true) }, tenant);
    const overlap = OverlapPolicy.CANCEL_RUNNING;
    const schedule = { name: "n", timing: hourly, target: target(), overlap };
    await clients.schedules.createSchedule({ schedule }, tenant);
    const first = await clients.schedules.triggerSchedule({ name: "n" }, tenant);
    const second = await clients.schedules.triggerSchedule({ name: "n" }, tenant);
    expect(second.firing?.outcome).toBe(FiringOutcome.CREATED);
    const states = async (runId = "") =>
      (await clients.runs.getRun({ runId }, tenant)).jobs.map(({ state }) => state);
    await expect
      .poll(() => states(first.firing?.runId), SOON)
      .toEqual([JobState.CANCELLED, JobState.CANCELLED]);
    expect(await states(second.firing?.runId)).toEqual([JobState.READY, JobState.BLOCKED]);
  });

  it("is checked when the schedule is made, and at each firing", async () => {
    const tenant = as("check");
    await clients.pipelines.putPipeline({ pipeline: pipeline(false) }, tenant);
    const make = (value: object) =>
      clients.schedules.createSchedule(
        { schedule: { name: "n", timing: hourly, target: target(value) } },
        tenant,
      );
    expect(await failureOf(make({ parameters: { depth: "x", other: 1 } }))).toMatchObject({
      reason: "SCHEDULE_INVALID",
      violations: [
        'schedule.pipeline.parameters["depth"]',
        'schedule.pipeline.parameters["other"]',
      ],
    });
    expect(await failureOf(make({ version: 7 }))).toMatchObject({ reason: "PIPELINE_NOT_FOUND" });
    // Only JSON can say it: a client of gRPC writes UTF-8.
    const broken = await fetch(`${server.url}/${ScheduleService.typeName}/CreateSchedule`, {
      method: "POST",
      headers: { "content-type": "application/json", ...tenant.headers },
      body: `{"schedule": {"name": "n", "cron": {"expression": "0 0 * * *"},
        "pipeline": {"name": "feeds", "parameters": {"depth": 3, "x": "\\ud800"}}}}`,
    });
    expect(await broken.json()).toMatchObject({
      code: "invalid_argument",
      message: expect.stringContaining('schedule.pipeline.parameters["x"]: must not hold half'),
    });
    await make({});
    const more = { name: "more", kind: ParameterKind.BOOL };
    const stricter = { ...pipeline(false), parameters: [...parameters, more] };
    await clients.pipelines.putPipeline({ pipeline: stricter }, tenant);
    const trigger = clients.schedules.triggerSchedule({ name: "n" }, tenant);
    expect(await failureOf(trigger)).toMatchObject({
      reason: "PARAMETER_INVALID",
      violations: ['parameters["more"]'],
    });
  });
});

describe("a full queue", () => {
  it("makes a firing wait for its place, and refuses one by hand", async () => {
    const tenant = as("full");
    const scope = { kind: FlowScopeKind.QUEUE, name: "narrow" };
    const settings = (maxDepth: bigint) =>
      clients.flow.updateFlowSettings({ settings: { scope, maxDepth }, reason: "test" }, tenant);
    await settings(1n);
    const { results } = await clients.jobs.enqueueJobs(
      { jobs: [{ jobType: "test.echo", queue: "narrow" }] },
      tenant,
    );
    const overlap = OverlapPolicy.ALLOW;
    const schedule = { name: "f", timing: hourly, target: jobOf({ queue: "narrow" }), overlap };
    await clients.schedules.createSchedule({ schedule }, tenant);
    const trigger = clients.schedules.triggerSchedule({ name: "f" }, tenant);
    expect(await failureOf(trigger)).toMatchObject({
      code: Code[Code.ResourceExhausted],
      reason: "QUEUE_FULL",
    });
    await rewind("full", "f", 3_600_000);
    const outcomes = async () => (await firingsOf("full", "f")).map(({ outcome }) => outcome);
    await expect.poll(outcomes, SOON).toEqual([FiringOutcome.QUEUED]);
    const [waiting] = await firingsOf("full", "f");
    await clients.jobs.cancelJobs({ jobIds: results.map(({ jobId }) => jobId) }, tenant);
    await expect.poll(outcomes, SOON).toEqual([FiringOutcome.CREATED]);
    const [made] = await firingsOf("full", "f");
    expect(made?.nominalTime).toEqual(waiting?.nominalTime);
    expect(made?.jobId).not.toBe("");
  });
});

describe("windows", () => {
  it("are declared by each firing: the newest that is due", async () => {
    const tenant = as("windows");
    const target = jobOf({ source: "osv.dev" });
    const schedule = { name: "w", timing: hourly, target, window: { scope: "npm" } };
    await clients.schedules.createSchedule({ schedule }, tenant);
    const trigger = () => clients.schedules.triggerSchedule({ name: "w" }, tenant);
    expect(await failureOf(trigger())).toMatchObject({
      code: Code[Code.FailedPrecondition],
      reason: "WINDOW_SERIES_NOT_FOUND",
    });
    await rewind("windows", "w", 3_600_000);
    await expect
      .poll(() => firingsOf("windows", "w"), SOON)
      .toMatchObject([
        {
          outcome: FiringOutcome.FAILED,
          error: "WINDOW_SERIES_NOT_FOUND: source=osv.dev; scope=npm",
        },
      ]);
    await owner.query(
      `insert into window_series (tenant, source, scope, width_ms, lateness_ms, origin, watermark)
       values ('windows', 'osv.dev', 'npm', 3600000, 600000, 'epoch', 'epoch')`,
    );
    const { firing } = await trigger();
    const { job } = await clients.jobs.getJob({ jobId: firing?.jobId ?? "" }, tenant);
    const dueS = Number(firing?.nominalTime?.seconds) - 600;
    const endS = BigInt(dueS - (dueS % 3_600));
    expect(job?.spec?.window).toMatchObject({
      scope: "npm",
      startTime: { seconds: endS - HOUR_S },
      endTime: { seconds: endS },
    });
    const of = { case: "name", value: "w" } as const;
    const fromTime = { seconds: 1_800_000_000n };
    const { firings } = await clients.schedules.previewSchedule({ of, fromTime, count: 2 }, tenant);
    expect(firings).toMatchObject([
      {
        nominalTime: { seconds: 1_800_000_000n },
        localTime: "2027-01-15T08:00:00+00:00",
        window: { startTime: { seconds: 1_800_000_000n - 2n * HOUR_S } },
      },
      { nominalTime: { seconds: 1_800_000_000n + HOUR_S } },
    ]);
  });
});

describe("a preview", () => {
  it("follows the clock of the zone, jitter included, and ends with the schedule", async () => {
    const value = { expression: "30 2 * * *", timeZone: "Europe/Berlin" };
    const schedule = {
      name: "p",
      timing: { case: "cron", value } as const,
      target: jobOf(),
      jitter: { seconds: 600n },
      endTime: { seconds: BigInt(Date.UTC(2027, 2, 30) / 1_000) },
    };
    const fromTime = { seconds: BigInt(Date.UTC(2027, 2, 27) / 1_000) };
    const of = { case: "schedule", value: schedule } as const;
    const preview = async () =>
      (await clients.schedules.previewSchedule({ of, fromTime }, as("preview"))).firings;
    const firings = await preview();
    expect(firings.map(({ localTime }) => localTime)).toEqual([
      "2027-03-27T02:30:00+01:00",
      "2027-03-28T03:00:00+02:00",
      "2027-03-29T02:30:00+02:00",
    ]);
    const jitters = firings.map(
      ({ nominalTime, fireTime }) => Number(fireTime?.seconds) - Number(nominalTime?.seconds),
    );
    for (const jitter of jitters) {
      expect(jitter).toBeGreaterThanOrEqual(0);
      expect(jitter).toBeLessThanOrEqual(600);
    }
    expect(new Set(jitters).size).toBeGreaterThan(1);
    expect(await preview()).toEqual(firings);
    const wrong = { ...schedule, timing: { case: "cron", value: { expression: "no" } } as const };
    const call = clients.schedules.previewSchedule(
      { of: { case: "schedule", value: wrong } },
      as("preview"),
    );
    expect(await failureOf(call)).toMatchObject({
      reason: "SCHEDULE_INVALID",
      violations: ["schedule.cron.expression"],
    });
  });
});

it("an outage is caught up when a server starts again", async () => {
  const other = await createTestDatabase();
  const outage = other.owner();
  try {
    const before = await startServerHere(other.url);
    const catchUp = CatchUpPolicy.LATEST;
    // Nothing of it comes due while the test runs but what the outage leaves.
    const anchorTime = { seconds: BigInt(Math.floor(Date.now() / 1_000) - 300) };
    const timing = { case: "interval", value: { every: { seconds: HOUR_S }, anchorTime } } as const;
    const schedule = { name: "s", timing, target: jobOf(), catchUp };
    await connect(before.url).schedules.createSchedule({ schedule }, as("outage"));
    await before.stop();
    await outage.query(
      `update schedule set settled_upto = settled_upto - interval '10 h',
         created_at = created_at - interval '10 h', next_at = next_at - interval '10 h'`,
    );
    const after = await startServerHere(other.url);
    const { schedules } = connect(after.url);
    await expect.poll(async () => (await firingsOf("outage", "s", schedules)).length, SOON).toBe(2);
    expect(await firingsOf("outage", "s", schedules)).toMatchObject([
      { outcome: FiringOutcome.CREATED, nominalTime: anchorTime },
      { outcome: FiringOutcome.MISSED, missedCount: 9n },
    ]);
    await after.stop();
  } finally {
    await other.drop();
  }
});
