import { type Client, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import type pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/support/database.ts";
import { type ServerHere, startServerHere } from "../../../test/support/server.ts";
import { JobService } from "../gen/stellaops/orchestrator/v1/job_pb.ts";
import {
  FiringOutcome,
  OverlapPolicy,
  ScheduleService,
} from "../gen/stellaops/orchestrator/v1/schedule_pb.ts";
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
const as = (tenant: string) => ({ headers: { "orch-tenant": tenant } });
const job = { case: "job", value: { jobType: "test.echo" } } as const;
const hourly = { case: "interval", value: { every: { seconds: 3_600n } } } as const;

const firingsOf = async (tenant: string, name: string) =>
  (await schedules.listFirings({ name, pageSize: 1_000 }, as(tenant))).firings;

describe("an overlap", () => {
  const begin = async (tenant: string, overlap: OverlapPolicy) => {
    const schedule = { name: "o", timing: hourly, target: job, overlap };
    await schedules.createSchedule({ schedule }, as(tenant));
    const fire = async () =>
      (await schedules.triggerSchedule({ name: "o" }, as(tenant))).firing ?? { jobId: "" };
    const first = await fire();
    return { first, second: await fire(), fire };
  };
  const cancel = (tenant: string, jobId: string) =>
    jobs.cancelJobs({ jobIds: [jobId], reason: "test" }, as(tenant));

  it("is skipped until the one before is finished", async () => {
    const { first, second, fire } = await begin("skip", OverlapPolicy.SKIP);
    expect(second).toMatchObject({ outcome: FiringOutcome.SKIPPED, jobId: "" });
    await cancel("skip", first.jobId);
    expect(await fire()).toMatchObject({ outcome: FiringOutcome.CREATED });
  });

  it("waits for its turn, in order, and a hundred at most do", async () => {
    const { first, second, fire } = await begin("queue", OverlapPolicy.QUEUE);
    expect(second).toMatchObject({ outcome: FiringOutcome.QUEUED, jobId: "" });
    for (let count = 1; count < 100; count++) await fire();
    expect(await fire()).toMatchObject({ outcome: FiringOutcome.SKIPPED });
    // The clock's next firing, not the next look whether the one before is finished.
    const { schedule } = await schedules.getSchedule({ name: "o" }, as("queue"));
    expect(Number(schedule?.nextFireTime?.seconds) % 3_600).toBe(0);
    const begun = performance.now();
    await cancel("queue", first.jobId);
    const created = async () =>
      (await firingsOf("queue", "o")).filter(({ outcome }) => outcome === FiringOutcome.CREATED);
    await expect.poll(async () => (await created()).length, SOON).toBe(2);
    // By the notice, not by the look that comes every five seconds.
    expect(performance.now() - begun).toBeLessThan(4_000);
    const [next] = await created();
    expect(next?.nominalTime).toEqual((second as { nominalTime?: object }).nominalTime);
  });

  it("cancels the one before", async () => {
    const { first, second } = await begin("cancel", OverlapPolicy.CANCEL_RUNNING);
    expect(second).toMatchObject({ outcome: FiringOutcome.CREATED });
    const { rows } = await owner.query(
      "select id from job where tenant = 'cancel' and base_state = 'cancelled'",
    );
    expect(rows).toEqual([{ id: first.jobId }]);
  });

  it("goes on one after the other if what waits is to cancel from now on", async () => {
    const { first, fire } = await begin("turns", OverlapPolicy.QUEUE);
    await fire();
    const schedule = { name: "o", overlap: OverlapPolicy.CANCEL_RUNNING };
    await schedules.updateSchedule({ schedule, updateMask: { paths: ["overlap"] } }, as("turns"));
    await cancel("turns", first.jobId);
    const outcomes = async () => (await firingsOf("turns", "o")).map(({ outcome }) => outcome);
    const { CREATED, QUEUED, SKIPPED } = FiringOutcome;
    await expect.poll(outcomes, SOON).toEqual([QUEUED, CREATED, CREATED]);
    await fire();
    expect(await outcomes()).toEqual([CREATED, SKIPPED, CREATED, CREATED]);
    const unfinished = "select id from job where tenant = 'turns' and base_state = 'ready'";
    expect((await owner.query(unfinished)).rows).toHaveLength(1);
  });

  it("waits through a pause only if the clock made it", async () => {
    const { first } = await begin("waits", OverlapPolicy.QUEUE);
    // The second, triggered one waits; so does one that the clock made before.
    await owner.query(
      `with f as (insert into firing (tenant, schedule, nominal_at, outcome)
         values ('waits', 'o', date_trunc('second', now()) - interval '1 min', 'queued'))
       update schedule set queued = queued + 1, created_at = now() - interval '2 min'
       where tenant = 'waits'`,
    );
    await schedules.pauseSchedule({ name: "o", reason: "test" }, as("waits"));
    await cancel("waits", first.jobId);
    const outcomes = async () => (await firingsOf("waits", "o")).map(({ outcome }) => outcome);
    const { CREATED, QUEUED } = FiringOutcome;
    await expect.poll(outcomes, SOON).toEqual([CREATED, CREATED, QUEUED]);
    const [second] = await firingsOf("waits", "o");
    await schedules.resumeSchedule({ name: "o" }, as("waits"));
    await cancel("waits", second?.jobId ?? "");
    await expect.poll(outcomes, SOON).toEqual([CREATED, CREATED, CREATED]);
  });

  it("goes on beside the one before", async () => {
    const { first, second } = await begin("allow", OverlapPolicy.ALLOW);
    expect(second).toMatchObject({ outcome: FiringOutcome.CREATED });
    expect(second.jobId).not.toBe(first.jobId);
  });
});

describe("lists", () => {
  it("go page by page, and take no token of another", async () => {
    const tenant = as("pages");
    const overlap = OverlapPolicy.ALLOW;
    for (const name of ["b", "a", "c"]) {
      await schedules.createSchedule(
        { schedule: { name, timing: hourly, target: job, overlap } },
        tenant,
      );
    }
    for (let count = 0; count < 5; count++) await schedules.triggerSchedule({ name: "a" }, tenant);
    const first = await schedules.listSchedules({ pageSize: 2 }, tenant);
    const pageToken = first.nextPageToken;
    const rest = await schedules.listSchedules({ pageSize: 2, pageToken }, tenant);
    const names = [...first.schedules, ...rest.schedules].map(({ name }) => name);
    expect(names).toEqual(["a", "b", "c"]);
    const seen: string[] = [];
    let token = "";
    do {
      const page = await schedules.listFirings(
        { name: "a", pageSize: 2, pageToken: token },
        tenant,
      );
      seen.push(...page.firings.map(({ jobId }) => jobId));
      token = page.nextPageToken;
    } while (token !== "");
    const all = (await firingsOf("pages", "a")).map(({ jobId }) => jobId);
    expect(seen).toEqual(all);
    expect(seen).toHaveLength(5);
    const { nextPageToken: ofA } = await schedules.listFirings({ name: "a", pageSize: 2 }, tenant);
    for (const call of [
      schedules.listFirings({ name: "b", pageToken: ofA }, tenant),
      schedules.listSchedules({ pageToken: ofA }, tenant),
    ]) {
      expect(await failureOf(call)).toMatchObject({ reason: "PAGE_TOKEN_INVALID" });
    }
  });
});
