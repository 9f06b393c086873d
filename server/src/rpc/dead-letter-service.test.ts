import { randomUUID } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampDate, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/support/database.ts";
import { type ServerHere, startServerHere } from "../../../test/support/server.ts";
import type { DeadLetterFilterSchema } from "../gen/stellaops/orchestrator/v1/dead_letter_pb.ts";
import { FailureClass } from "../gen/stellaops/orchestrator/v1/failure_pb.ts";
import { JobState, RetryOutcome } from "../gen/stellaops/orchestrator/v1/job_pb.ts";
import { as, type Clients, clientsOf, ended, failureOf } from "./testing/clients.ts";

let database: TestDatabase;
let server: ServerHere;
let clients: Clients;

beforeAll(async () => {
  database = await createTestDatabase();
  server = await startServerHere(database.url);
  clients = clientsOf(server.url);
});
afterAll(async () => {
  clients.close();
  await server.stop();
  await database.drop();
});

/** Lets a job die of each message; answers their ids. */
async function deaths(tenant: string, messages: readonly string[]): Promise<string[]> {
  const jobs = messages.map(() => ({
    jobType: "test.echo",
    source: "osv",
    payload: Buffer.from("secret"),
  }));
  const { results } = await clients.jobs.enqueueJobs({ jobs }, as(tenant));
  const ids = results.map(({ jobId }) => jobId);
  for (const message of messages) {
    const request = { claimRequestId: randomUUID(), workerId: "w", jobTypes: ["test.echo"] };
    const claimed = await clients.taskRunner.claimJobs(request, as(tenant));
    const lease = claimed.jobs[0]?.lease;
    if (lease === undefined) throw new Error("nothing is ready");
    const failure = { failureClass: FailureClass.PARSE_ERROR, message, terminal: true };
    const failures = [{ lease, completionId: randomUUID(), failure }];
    await clients.taskRunner.failAttempts({ failures }, as(tenant));
  }
  return ids;
}

const LINES = ["bad line 17", "bad line 4711", "no such column"];
const DAY_MS = 86_400_000;

describe("dead letters", () => {
  it("are listed, newest first, by what narrows them", async () => {
    const ids = await deaths("list", LINES);
    const list = (over: object = {}) => clients.deadLetters.listDeadLetters(over, as("list"));
    const { deadLetters } = await list();
    expect(deadLetters.map(({ jobId }) => jobId)).toEqual(ids.toReversed());
    const [newest] = deadLetters;
    expect(newest).toMatchObject({
      jobType: "test.echo",
      queue: "default",
      source: "osv",
      runId: "",
      failure: { failureClass: FailureClass.PARSE_ERROR, message: "no such column" },
      attempts: 1,
    });
    if (newest?.dieTime === undefined || newest.expireTime === undefined) throw new Error("times");
    const keptMs =
      timestampDate(newest.expireTime).getTime() - timestampDate(newest.dieTime).getTime();
    expect(keptMs).toBe(90 * DAY_MS);
    const first = await list({ pageSize: 2 });
    const second = await list({ pageSize: 2, pageToken: first.nextPageToken });
    expect([...first.deadLetters, ...second.deadLetters]).toEqual(deadLetters);
    expect(second.nextPageToken).toBe("");
    const matches = async (filter: object) =>
      (await list({ filter })).deadLetters.map(({ jobId }) => ids.indexOf(jobId)).sort();
    const signature = deadLetters[2]?.signature ?? "";
    expect(await matches({ signature })).toEqual([0, 1]);
    expect(await matches({ failureClasses: [FailureClass.USER] })).toEqual([]);
    expect(await matches({ failureClasses: [FailureClass.PARSE_ERROR] })).toEqual([0, 1, 2]);
    expect(await matches({ source: "x" })).toEqual([]);
    expect(await matches({ diedBefore: newest.dieTime })).toEqual([0, 1]);
    expect(await matches({ diedFrom: timestampFromMs(Date.now() + DAY_MS) })).toEqual([]);
  });

  it("refuses pages of another list and filters that nothing can match", async () => {
    await deaths("pages", LINES);
    const list = (over: object) => clients.deadLetters.listDeadLetters(over, as("pages"));
    const { nextPageToken: pageToken } = await list({ pageSize: 1 });
    expect(await failureOf(list({ pageToken, filter: { queue: "x" } }))).toMatchObject({
      code: "InvalidArgument",
      reason: "PAGE_TOKEN_INVALID",
    });
    const { USER, PARSE_ERROR } = FailureClass;
    const narrow = (types: string[], failureClasses: FailureClass[]) => ({
      filter: { jobTypes: [...types, "test.echo"], failureClasses },
    });
    const one = await list({ pageSize: 1, ...narrow(["x", "y"], [USER, PARSE_ERROR]) });
    const same = { ...narrow(["y", "x", "y"], [PARSE_ERROR, USER]), pageToken: one.nextPageToken };
    expect((await list(same)).deadLetters).toHaveLength(LINES.length - 1);
    const filters: MessageInitShape<typeof DeadLetterFilterSchema>[] = [
      { queue: "a\0" },
      { runId: "x" },
      { failureClasses: [0] },
      { diedFrom: timestampFromMs(1e18) },
    ];
    for (const filter of filters) {
      expect(await failureOf(list({ filter }))).toMatchObject({ code: "InvalidArgument" });
      const group = clients.deadLetters.groupDeadLetters({ filter }, as("pages"));
      expect(await failureOf(group)).toMatchObject({ code: "InvalidArgument" });
    }
  });

  it("are grouped by what they died of", async () => {
    const ids = await deaths("group", LINES);
    const { groups, truncated } = await clients.deadLetters.groupDeadLetters({}, as("group"));
    expect(truncated).toBe(false);
    expect(groups).toMatchObject([
      {
        pattern: "bad line <n>",
        count: 2n,
        failureClass: FailureClass.PARSE_ERROR,
        jobTypes: ["test.echo"],
        sampleJobId: ids[1],
      },
      { pattern: "no such column", count: 1n, sampleJobId: ids[2] },
    ]);
  });

  it("are shown with their attempts, and with the payload to who is named", async () => {
    const [jobId = ""] = await deaths("get", ["no"]);
    const get = (over: object, tenant = "get") =>
      clients.deadLetters.getDeadLetter({ jobId, ...over }, as(tenant, "eve"));
    const brief = await get({});
    expect(brief.job?.spec?.payload).toHaveLength(0);
    expect(brief).toMatchObject({
      deadLetter: { jobId },
      job: { state: JobState.DEAD },
      attempts: [{ attempt: 1, failure: { message: "no" } }],
    });
    const whole = await get({ includePayload: true });
    expect(Buffer.from(whole.job?.spec?.payload ?? []).toString()).toBe("secret");
    const { actions } = await clients.history.listActions(
      { targetKind: "dead_letter", targetName: jobId },
      as("get"),
    );
    expect(actions).toMatchObject([{ kind: "payload_read", actor: "eve", detailJson: "{}" }]);
    expect(await failureOf(get({}, "other"))).toMatchObject({
      code: "NotFound",
      reason: "DEAD_LETTER_NOT_FOUND",
    });
  });

  it("are given up or retried as a selection", async () => {
    const ids = await deaths("select", LINES);
    const { groups } = await clients.deadLetters.groupDeadLetters({}, as("select"));
    const signature = groups[0]?.signature ?? "";
    const { operation } = await clients.operations.startOperation(
      {
        target: { case: "deadLetters", value: { signature } },
        action: { case: "discard", value: {} },
        reason: "upstream will not fix it",
      },
      as("select"),
    );
    expect(await ended(clients, "select", operation?.operationId ?? "")).toMatchObject({
      matching: 2n,
      applied: 2n,
    });
    const { deadLetters } = await clients.deadLetters.listDeadLetters({}, as("select"));
    expect(deadLetters.map(({ jobId }) => jobId)).toEqual([ids[2]]);
    const { results } = await clients.jobs.retryJobs({ jobIds: ids }, as("select"));
    expect(results.map(({ outcome, state }) => [outcome, state])).toEqual([
      [RetryOutcome.NOT_RETRYABLE, JobState.DEAD],
      [RetryOutcome.NOT_RETRYABLE, JobState.DEAD],
      [RetryOutcome.READY, JobState.READY],
    ]);
    const events = await clients.jobs.listJobEvents({ jobId: ids[0] ?? "" }, as("select"));
    expect(events.events.at(-1)).toMatchObject({
      kind: "discarded",
      reason: "upstream will not fix it",
    });
  });
});

describe("the history of operators", () => {
  it("is listed newest first, by what it is about", async () => {
    const [one = "", two = ""] = await deaths("history", ["a", "b"]);
    for (const jobId of [one, two, one]) {
      await clients.deadLetters.getDeadLetter({ jobId, includePayload: true }, as("history"));
    }
    const list = (over: object = {}) => clients.history.listActions(over, as("history"));
    const named = async (over: object) =>
      (await list(over)).actions.map(({ targetName }) => targetName);
    expect(await named({})).toEqual([one, two, one]);
    expect(await named({ targetKind: "dead_letter" })).toEqual([one, two, one]);
    expect(await named({ targetKind: "dead_letter", targetName: two })).toEqual([two]);
    expect(await named({ targetKind: "run" })).toEqual([]);
    const first = await list({ pageSize: 2 });
    const second = await list({ pageSize: 2, pageToken: first.nextPageToken });
    expect([...first.actions, ...second.actions]).toEqual((await list()).actions);
    expect(second.nextPageToken).toBe("");
    expect(
      await failureOf(list({ pageToken: first.nextPageToken, targetKind: "run" })),
    ).toMatchObject({ code: "InvalidArgument", reason: "PAGE_TOKEN_INVALID" });
    expect(await failureOf(list({ targetName: one }))).toMatchObject({
      code: "InvalidArgument",
      violations: ["target_kind"],
    });
    expect((await clients.history.listActions({}, as("nobody"))).actions).toEqual([]);
  });
});
