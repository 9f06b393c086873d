import type pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/support/database.ts";
import { ledgerOf, newJob } from "../../../test/support/ledger.ts";
import { errorSignature } from "../domain/plan/error-signature.ts";
import { groupDeadLettersIn, listDeadLettersIn, readDeadLetterIn } from "./dead-letters.ts";
import { letterFilter } from "./testing/operator.ts";

let database: TestDatabase;
let owner: pg.Pool;
let pool: pg.Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  owner = database.owner();
  pool = database.pool();
});
afterAll(() => database.drop());

const list = (tenant: string, limit = 100) =>
  listDeadLettersIn(pool)(tenant, letterFilter(), undefined, limit);

describe("a job that dies", () => {
  it("is a dead letter with the signature of why", async () => {
    const ledger = ledgerOf(pool, "dies");
    const jobId = await ledger.enqueue();
    await ledger.fail(await ledger.claimOne(), "http_5xx", true);
    expect(await list("dies")).toMatchObject([
      {
        jobId,
        jobType: "test.echo",
        queue: "default",
        source: "",
        runId: undefined,
        failure: { failureClass: "http_5xx", message: "no", terminal: true },
        attempts: 1,
        ...errorSignature("http_5xx", "no"),
      },
    ]);
  });

  it("is one when it was interrupted too often, or used up its attempts", async () => {
    const ledger = ledgerOf(pool, "quarantine");
    await ledger.enqueue();
    for (let lost = 0; lost < 4; lost++) await ledger.interrupt(await ledger.claimOne());
    await ledger.enqueue();
    await ledger.fail(await ledger.claimOne());
    await owner.query("update scheduled set run_at = now()");
    await ledger.promote();
    await ledger.fail(await ledger.claimOne());
    const letters = await list("quarantine");
    expect(letters.map(({ failure, attempts }) => [failure.failureClass, attempts])).toEqual([
      ["user", 2],
      ["lease_expired", 4],
    ]);
  });

  it("is none again once it was retried, and is one anew when it dies anew", async () => {
    const ledger = ledgerOf(pool, "again");
    const jobId = await ledger.enqueue();
    await ledger.fail(await ledger.claimOne(), "user", true);
    await ledger.retry([jobId]);
    expect(await list("again")).toEqual([]);
    await ledger.fail(await ledger.claimOne(), "parse_error", true);
    expect(await list("again")).toMatchObject([
      { jobId, attempts: 2, failure: { failureClass: "parse_error" } },
    ]);
  });

  it("is none of another tenant's", async () => {
    expect(await list("nobody")).toEqual([]);
    const [letter] = await list("dies");
    const read = readDeadLetterIn(pool, () => 1);
    expect(await read("nobody", letter?.jobId ?? "", "eve")).toBeUndefined();
  });
});

/** Letters by hand: the signature of each, all of one moment. */
async function letters(tenant: string, signatures: readonly string[]): Promise<string[]> {
  const jobs = signatures.map((_, at) => newJob(tenant, { jobType: `type.${at % 12}` }));
  await ledgerOf(pool, tenant).store(jobs);
  const ids = jobs.map((job) => job.jobId);
  await owner.query("delete from ready where tenant = $1", [tenant]);
  await owner.query(
    `with d as (insert into dead_letter (tenant, job_id, signature, pattern, failure_class,
        job_type, queue, source)
      select $1, i.id, i.signature, 'p', 'user', j.job_type, '', ''
      from unnest($2::uuid[], $3::text[]) as i (id, signature) join job j on j.id = i.id)
    update job set base_state = 'dead', ended_at = now() where id = any ($2)`,
    [tenant, ids, signatures],
  );
  return ids;
}

describe("a list of dead letters", () => {
  it("goes on behind a letter of the same moment", async () => {
    const ids = await letters("moment", Array(25).fill("s"));
    const seen: string[] = [];
    let before: { diedUs: number; jobId: string } | undefined;
    for (;;) {
      const page = await listDeadLettersIn(pool)("moment", letterFilter(), before, 10);
      if (page.length === 0) break;
      seen.push(...page.map(({ jobId }) => jobId));
      before = page.at(-1);
    }
    expect(seen).toEqual(ids.toReversed());
  });
});

describe("groups of dead letters", () => {
  it("are the largest first, with what they have in common", async () => {
    const ids = await letters("groups", [...Array(24).fill("many"), "one", "one", "single"]);
    const { groups, truncated } = await groupDeadLettersIn(pool)("groups", letterFilter());
    expect(truncated).toBe(false);
    expect(groups.map(({ signature, count }) => [signature, count])).toEqual([
      ["many", 24],
      ["one", 2],
      ["single", 1],
    ]);
    expect(groups[0]).toMatchObject({ failureClass: "user", sampleJobId: ids[23] });
    expect(groups[0]?.jobTypes).toHaveLength(10);
    expect(groups[0]?.firstAt).toEqual(groups[0]?.lastAt);
    const narrow = await groupDeadLettersIn(pool)(
      "groups",
      letterFilter({ jobTypes: ["type.0"], signature: "many" }),
    );
    expect(narrow.groups).toMatchObject([
      { signature: "many", count: 2, jobTypes: ["type.0"], sampleJobId: ids[12] },
    ]);
  });

  it("are a thousand at most, and say so", async () => {
    const signatures = Array.from({ length: 1_001 }, (_, at) => `s${at}`);
    await letters("thousand", signatures.slice(0, 1_000));
    const group = () => groupDeadLettersIn(pool)("thousand", letterFilter());
    expect(await group()).toMatchObject({ truncated: false });
    await letters("thousand", signatures.slice(1_000));
    const { groups, truncated } = await group();
    expect([groups.length, truncated]).toEqual([1_000, true]);
  });
});

describe("reading a dead letter", () => {
  it("has the payload only for somebody, whom the history names", async () => {
    const ledger = ledgerOf(pool, "read");
    const jobId = await ledger.enqueue({ payload: Buffer.from("secret") });
    await ledger.fail(await ledger.claimOne(), "user", true);
    const read = readDeadLetterIn(pool, () => 1_000);
    const brief = await read("read", jobId, undefined);
    expect(brief?.job.spec.payload).toHaveLength(0);
    expect(brief?.attempts).toMatchObject([{ attempt: 1, outcome: "failed" }]);
    const actions = () =>
      owner.query("select kind, target_name, actor from operator_action where tenant = 'read'");
    expect((await actions()).rows).toEqual([]);
    const whole = await read("read", jobId, "ada");
    expect(Buffer.from(whole?.job.spec.payload ?? []).toString()).toBe("secret");
    expect((await actions()).rows).toEqual([
      { kind: "payload_read", target_name: jobId, actor: "ada" },
    ]);
  });
});
