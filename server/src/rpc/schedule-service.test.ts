import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { type Client, Code, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import type pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/support/database.ts";
import { type ServerHere, startServerHere } from "../../../test/support/server.ts";
import { JobService } from "../gen/stellaops/orchestrator/v1/job_pb.ts";
import {
  CatchUpPolicy,
  FiringOutcome,
  OverlapPolicy,
  ScheduleService,
} from "../gen/stellaops/orchestrator/v1/schedule_pb.ts";
import { newId } from "../lib/ids.ts";
import { failureOf } from "./testing/clients.ts";

let database: TestDatabase;
let server: ServerHere;
let owner: pg.Pool;
let schedules: Client<typeof ScheduleService>;
let jobs: Client<typeof JobService>;

beforeAll(async () => {
  database = await createTestDatabase();
  owner = database.owner();
  server = await startServerHere(database.url);
  const transport = createGrpcTransport({ baseUrl: server.url });
  schedules = createClient(ScheduleService, transport);
  jobs = createClient(JobService, transport);
});
afterAll(async () => {
  await server.stop();
  await database.drop();
});

const SOON = { timeout: 10_000, interval: 25 };
const HOUR_S = 3_600n;

const as = (tenant: string) => ({ headers: { "orch-tenant": tenant, "orch-actor": "ada" } });

const job = { case: "job", value: { jobType: "test.echo", labels: { team: "feeds" } } } as const;
const hourly = { case: "interval", value: { every: { seconds: HOUR_S } } } as const;
const secondly = { case: "interval", value: { every: { seconds: 1n } } } as const;
const nightly = {
  case: "cron",
  value: { expression: "30 2 * * *", timeZone: "Europe/Berlin" },
} as const;

/** Makes it look as if the schedule had been made so long ago, and nobody had settled it since. */
const rewind = (tenant: string, name: string, ms: number) =>
  owner.query(
    `update schedule set next_at = now(), created_at = now() - $3::bigint * interval '1 ms',
       settled_upto = date_trunc('milliseconds', now() - $3::bigint * interval '1 ms')
     where tenant = $1 and name = $2`,
    [tenant, name, ms],
  );

const firingsOf = async (tenant: string, name: string) =>
  (await schedules.listFirings({ name, pageSize: 1_000 }, as(tenant))).firings;

const actionsOf = async (tenant: string) =>
  (
    await owner.query(
      "select kind, actor, reason, ticket from operator_action where tenant = $1 order by id",
      [tenant],
    )
  ).rows;

describe("a schedule", () => {
  it("is made, found and listed as it was described, and made once", async () => {
    const tenant = as("make");
    const described = {
      name: "nightly",
      description: "every night",
      timing: nightly,
      endTime: { seconds: 4_000_000_000n },
      jitter: { seconds: 30n },
      overlap: OverlapPolicy.QUEUE,
      catchUp: CatchUpPolicy.ALL,
      maxCatchUp: 7,
      target: job,
    };
    const request = { schedule: described, reason: "feeds", ticket: "OPS-1" };
    const { schedule } = await schedules.createSchedule(request, tenant);
    expect(schedule).toMatchObject({ ...described, target: { value: { queue: "default" } } });
    expect(schedule?.nextFireTime).toBeDefined();
    expect(schedule?.lastNominalTime).toBeUndefined();
    expect((await schedules.createSchedule(request, tenant)).schedule).toEqual(schedule);
    expect((await schedules.getSchedule({ name: "nightly" }, tenant)).schedule).toEqual(schedule);
    expect((await schedules.listSchedules({}, tenant)).schedules).toEqual([schedule]);
    const other = { schedule: { ...described, maxCatchUp: 8 } };
    expect(await failureOf(schedules.createSchedule(other, tenant))).toMatchObject({
      code: Code[Code.AlreadyExists],
      reason: "SCHEDULE_EXISTS",
    });
    expect(await actionsOf("make")).toEqual([
      { kind: "schedule_created", actor: "ada", reason: "feeds", ticket: "OPS-1" },
    ]);
    expect((await schedules.listSchedules({}, as("foreign"))).schedules).toEqual([]);
  });

  it("is refused with everything that is wrong with it, and nothing is written", async () => {
    const tenant = as("wrong");
    const make = (over: object) =>
      failureOf(
        schedules.createSchedule(
          { schedule: { name: "x", timing: hourly, target: job, ...over } },
          tenant,
        ),
      );
    const timing = { case: "cron", value: { expression: "61 * * * *", timeZone: "Mars/Base" } };
    const value = { jobType: "a.b", idempotencyKey: "k", notBefore: { seconds: 1n } };
    expect(await make({ timing, target: { case: "job", value }, window: {} })).toMatchObject({
      code: Code[Code.InvalidArgument],
      reason: "SCHEDULE_INVALID",
      violations: [
        "schedule.cron.expression",
        "schedule.cron.time_zone",
        "schedule.job.idempotency_key",
        "schedule.job.not_before",
        "schedule.job.source",
      ],
    });
    expect(await make({ timing: undefined, target: undefined })).toMatchObject({
      reason: "REQUEST_INVALID",
      violations: ["schedule.timing", "schedule.target"],
    });
    const half = { seconds: 1n, nanos: 500_000 };
    expect(
      await make({ timing: { case: "interval", value: { every: half } }, jitter: half }),
    ).toMatchObject({ violations: ["schedule.interval.every", "schedule.jitter"] });
    const jitter = { seconds: 3_601n };
    expect(await make({ jitter })).toMatchObject({ violations: ["schedule.jitter"] });
    const none = { case: "pipeline", value: { name: "none" } };
    expect(await make({ target: none })).toMatchObject({
      code: Code[Code.NotFound],
      reason: "PIPELINE_NOT_FOUND",
    });
    expect((await schedules.listSchedules({}, tenant)).schedules).toEqual([]);
  });

  it("that would never fire is refused, by an update too; one that ended stays", async () => {
    const tenant = as("never");
    const leapDay = { case: "cron", value: { expression: "0 0 29 2 *" } } as const;
    const inAnHour = timestampFromDate(new Date(Date.now() + 3_600_000 - 1));
    const past = { seconds: 1_000n };
    const refused = { reason: "SCHEDULE_INVALID", violations: ["schedule.end_time"] };
    const cases = [
      { timing: hourly, endTime: past },
      { timing: leapDay, endTime: inAnHour },
    ];
    const base = { name: "n", target: job };
    await schedules.createSchedule({ schedule: { ...base, timing: hourly } }, tenant);
    for (const schedule of cases) {
      const make = schedules.createSchedule(
        { schedule: { ...schedule, ...base, name: "x" } },
        tenant,
      );
      expect(await failureOf(make)).toMatchObject(refused);
      const change = schedules.updateSchedule({ schedule: { ...schedule, ...base } }, tenant);
      expect(await failureOf(change)).toMatchObject(refused);
    }
    const startTime = { seconds: 200_000_001_600n };
    const far = { ...base, name: "far", timing: hourly, startTime };
    expect((await schedules.createSchedule({ schedule: far }, tenant)).schedule).toMatchObject({
      nextFireTime: startTime,
    });
    // As if its end had come meanwhile.
    await owner.query(
      `update schedule set content = jsonb_set(content, '{end}', '"1970-01-02T00:00:00.000Z"')
       where tenant = 'never' and name = 'n'`,
    );
    const described = { name: "n", description: "over" };
    const updateMask = { paths: ["description"] };
    const over = await schedules.updateSchedule({ schedule: described, updateMask }, tenant);
    expect(over.schedule).toMatchObject(described);
  });

  it("fires next when the ledger says so: nobody who asks makes the server search", async () => {
    const rare = { case: "cron", value: { expression: "59 59 23 29 2 +MON" } } as const;
    const schedule = { name: "rare", timing: rare, target: job };
    await schedules.createSchedule({ schedule }, as("rare"));
    const noted = new Date(Date.now() + 3_600_000);
    await owner.query("update schedule set next_at = $1 where tenant = 'rare'", [noted]);
    const [found] = (await schedules.listSchedules({}, as("rare"))).schedules;
    expect(found?.nextFireTime).toEqual(timestampFromDate(noted));
  });

  it("that nobody made is not found", async () => {
    const name = "none";
    const schedule = { name, timing: hourly, target: job };
    const tenant = as("none");
    const calls = [
      () => schedules.getSchedule({ name }, tenant),
      () => schedules.updateSchedule({ schedule }, tenant),
      () => schedules.pauseSchedule({ name, reason: "r" }, tenant),
      () => schedules.resumeSchedule({ name }, tenant),
      () => schedules.triggerSchedule({ name }, tenant),
      () => schedules.previewSchedule({ of: { case: "name", value: name } }, tenant),
      () => schedules.listFirings({ name }, tenant),
    ];
    for (const call of calls) {
      expect(await failureOf(call())).toMatchObject({ reason: "SCHEDULE_NOT_FOUND" });
    }
    expect(await schedules.deleteSchedule({ name }, tenant)).toMatchObject({ existed: false });
  });

  it("goes with its list, and another of its name begins anew", async () => {
    const tenant = as("delete");
    const schedule = { name: "gone", timing: hourly, target: job };
    await schedules.createSchedule({ schedule }, tenant);
    await schedules.triggerSchedule({ name: "gone" }, tenant);
    expect(await schedules.deleteSchedule({ name: "gone" }, tenant)).toMatchObject({
      existed: true,
    });
    expect((await schedules.listSchedules({}, tenant)).schedules).toEqual([]);
    expect((await jobs.listJobs({}, tenant)).jobs).toHaveLength(1);
    await schedules.createSchedule({ schedule }, tenant);
    expect(await firingsOf("delete", "gone")).toEqual([]);
  });
});

describe("an update", () => {
  it("changes what the mask names, refuses an old etag, and counts from now on", async () => {
    const tenant = as("update");
    const made = await schedules.createSchedule(
      { schedule: { name: "s", timing: nightly, target: job, description: "a" } },
      tenant,
    );
    const etag = made.schedule?.etag ?? "";
    const update = (schedule: object, paths: string[]) =>
      schedules.updateSchedule(
        { schedule: { name: "s", ...schedule }, updateMask: { paths } },
        tenant,
      );
    const { schedule } = await update({ description: "b", etag }, ["description"]);
    expect(schedule).toMatchObject({ description: "b", timing: nightly });
    expect(schedule?.nextFireTime).toEqual(made.schedule?.nextFireTime);
    expect(await failureOf(update({ description: "c", etag }, ["description"]))).toMatchObject({
      code: Code[Code.Aborted],
      reason: "ETAG_MISMATCH",
    });
    await rewind("update", "s", 90 * 86_400_000);
    const hours = await update({ timing: hourly }, ["timing"]);
    expect(hours.schedule).toMatchObject({ timing: hourly, target: { case: "job" } });
    const nextS = Number(hours.schedule?.nextFireTime?.seconds);
    expect(nextS * 1_000 - Date.now()).toBeLessThanOrEqual(3_600_000);
    const fired = await firingsOf("update", "s");
    expect(fired.map(({ outcome }) => outcome)).toEqual([
      FiringOutcome.CREATED,
      FiringOutcome.MISSED,
    ]);
    expect(fired[1]?.missedCount).toBeGreaterThan(85n);
    expect(await failureOf(update({}, ["target"]))).toMatchObject({
      violations: ["schedule.target"],
    });
    expect(await failureOf(update({}, ["etag"]))).toMatchObject({ violations: ["update_mask"] });
  });
});

describe("the clock", () => {
  it("makes jobs that say when they were due, and goes on", async () => {
    const tenant = as("clock");
    const overlap = OverlapPolicy.ALLOW;
    const schedule = { name: "tick", timing: secondly, target: job, overlap };
    await schedules.createSchedule({ schedule }, tenant);
    await expect
      .poll(async () => (await firingsOf("clock", "tick")).length, SOON)
      .toBeGreaterThanOrEqual(2);
    const [newest, before] = (await firingsOf("clock", "tick")).slice(-2);
    expect(newest).toMatchObject({ outcome: FiringOutcome.CREATED, manual: false });
    expect(Number(newest?.nominalTime?.seconds) - Number(before?.nominalTime?.seconds)).toBe(1);
    const found = await jobs.getJob({ jobId: newest?.jobId ?? "" }, tenant);
    const nominal = new Date(Number(newest?.nominalTime?.seconds) * 1_000).toISOString();
    expect(found.job?.spec?.labels).toEqual({
      team: "feeds",
      "orchestrator/schedule": "tick",
      "orchestrator/nominal-time": nominal.replace(".000Z", "Z"),
    });
    const lateMs =
      Number(newest?.fireTime?.seconds) * 1_000 +
      (newest?.fireTime?.nanos ?? 0) / 1e6 -
      Number(newest?.nominalTime?.seconds) * 1_000;
    expect(lateMs).toBeGreaterThanOrEqual(0);
  });

  it.each([
    { catchUp: CatchUpPolicy.NONE, created: 0, missed: 5n },
    { catchUp: CatchUpPolicy.LATEST, created: 1, missed: 4n },
    { catchUp: CatchUpPolicy.ALL, created: 3, missed: 2n },
  ])("catches up as the policy says: %o", async ({ catchUp, created, missed }) => {
    const name = `catch-up-${catchUp}`;
    const late = new Date(Date.now() - 300_000);
    // Its firings are all five minutes late or more, whatever the time is.
    const anchorTime = { seconds: BigInt(Math.floor(late.getTime() / 1_000)) };
    const timing = { case: "interval", value: { every: { seconds: HOUR_S }, anchorTime } } as const;
    const overlap = OverlapPolicy.ALLOW;
    const schedule = { name, timing, target: job, overlap, catchUp, maxCatchUp: 3 };
    await schedules.createSchedule({ schedule }, as("late"));
    await rewind("late", name, 5 * 3_600_000);
    await expect.poll(async () => (await firingsOf("late", name)).length, SOON).toBe(created + 1);
    const firings = await firingsOf("late", name);
    expect(firings.at(-1)).toMatchObject({
      outcome: FiringOutcome.MISSED,
      missedCount: missed,
    });
    expect(firings.slice(0, -1).map(({ outcome }) => outcome)).toEqual(
      Array.from({ length: created }, () => FiringOutcome.CREATED),
    );
    const { schedule: now } = await schedules.getSchedule({ name }, as("late"));
    expect(now?.lastNominalTime).toMatchObject(anchorTime);
  });
});

describe("a pause", () => {
  it("holds the clock, and what falls into it is not caught up", async () => {
    const tenant = as("pause");
    const schedule = { name: "p", timing: secondly, target: job, catchUp: CatchUpPolicy.ALL };
    await schedules.createSchedule({ schedule }, tenant);
    const first = await schedules.pauseSchedule({ name: "p", reason: "one" }, tenant);
    const again = await schedules.pauseSchedule({ name: "p", reason: "two" }, tenant);
    expect(again.schedule?.pause).toMatchObject({ reason: "two", actor: "ada" });
    expect(again.schedule?.pause?.since).toEqual(first.schedule?.pause?.since);
    expect(again.schedule?.nextFireTime).toBeUndefined();
    const fired = (await firingsOf("pause", "p")).length;
    // As if the pause had begun an hour ago.
    await owner.query(
      `update schedule set settled_upto = settled_upto - interval '1 h', pause = jsonb_set(pause,
         '{since}', to_jsonb(date_trunc('milliseconds', settled_upto - interval '1 h')))
       where tenant = 'pause'`,
    );
    const { schedule: now } = await schedules.resumeSchedule({ name: "p" }, tenant);
    expect(now?.pause).toBeUndefined();
    expect(await firingsOf("pause", "p")).toHaveLength(fired);
    await expect
      .poll(async () => (await firingsOf("pause", "p")).length, SOON)
      .toBeGreaterThan(fired);
    const firings = await firingsOf("pause", "p");
    expect(firings.filter(({ outcome }) => outcome === FiringOutcome.MISSED)).toEqual([]);
    const kinds = (await actionsOf("pause")).map(({ kind }) => kind);
    expect(kinds.slice(1)).toEqual(["schedule_paused", "schedule_paused", "schedule_resumed"]);
  });
});

describe("a trigger", () => {
  it("fires once however often it is repeated, also during a pause", async () => {
    const tenant = as("trigger");
    await schedules.createSchedule(
      { schedule: { name: "t", timing: hourly, target: job } },
      tenant,
    );
    await schedules.pauseSchedule({ name: "t", reason: "test" }, tenant);
    const requestId = newId();
    const request = { name: "t", requestId, reason: "by hand" };
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => schedules.triggerSchedule(request, tenant)),
    );
    for (const { firing } of answers) expect(firing).toEqual(answers[0]?.firing);
    expect(answers[0]?.firing).toMatchObject({ outcome: FiringOutcome.CREATED, manual: true });
    expect((await jobs.listJobs({}, tenant)).jobs).toHaveLength(1);
    expect(await firingsOf("trigger", "t")).toEqual([answers[0]?.firing]);
    const kinds = (await actionsOf("trigger")).map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === "schedule_triggered")).toHaveLength(1);
  });

  it("is refused as what it makes is, and nothing is written", async () => {
    const tenant = as("refused");
    const value = { jobType: "a.b", payloadArtifact: `sha256:${"0".repeat(64)}` };
    const target = { case: "job", value } as const;
    await schedules.createSchedule({ schedule: { name: "t", timing: hourly, target } }, tenant);
    expect(await failureOf(schedules.triggerSchedule({ name: "t" }, tenant))).toMatchObject({
      code: Code[Code.FailedPrecondition],
      reason: "PAYLOAD_ARTIFACT_NOT_FOUND",
    });
    expect(await firingsOf("refused", "t")).toEqual([]);
    // The clock notes it, and goes on.
    await rewind("refused", "t", 3_600_000);
    await expect
      .poll(() => firingsOf("refused", "t"), SOON)
      .toMatchObject([
        {
          outcome: FiringOutcome.FAILED,
          error: `PAYLOAD_ARTIFACT_NOT_FOUND: digest=sha256:${"0".repeat(64)}`,
        },
      ]);
  });
});
