import { randomUUID } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import type pg from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/support/database.ts";
import { type ServerHere, startServerHere } from "../../../test/support/server.ts";
import { FailureClass, FailureSchema } from "../gen/stellaops/orchestrator/v1/failure_pb.ts";
import { JobState } from "../gen/stellaops/orchestrator/v1/job_pb.ts";
import {
  CancelReason,
  GoawayReason,
  LeaseVerdict,
  ReleaseReason,
  WriteVerdict,
} from "../gen/stellaops/orchestrator/v1/task_runner_pb.ts";
import { reasonOf } from "./errors.ts";
import { type Clients, clientsOf, leaseOf, WorkerStream } from "./testing/worker-stream.ts";

let database: TestDatabase;
let owner: pg.Pool;
let server: ServerHere;
let clients: Clients;
const streams: WorkerStream[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  owner = database.owner();
  server = await startServerHere(database.url, { offerAcceptDeadline: "60s" });
  clients = clientsOf(server.url);
});

afterAll(async () => {
  await server.stop();
  await database.drop();
});

afterEach(async () => {
  for (const stream of streams.splice(0)) {
    stream.cut();
    await stream.ended;
  }
  await owner.query("truncate ready, lease, scheduled");
});

const connect = (): WorkerStream => {
  const stream = new WorkerStream(clients.runner);
  streams.push(stream);
  return stream;
};

const enqueue = async (count = 1, over: object = {}): Promise<string[]> => {
  const jobs = Array.from({ length: count }, () => ({ jobType: "test.echo", ...over }));
  const { results } = await clients.jobs.enqueueJobs({ jobs });
  return results.map((result) => result.jobId);
};

const stateOf = async (jobId: string) => (await clients.jobs.getJob({ jobId })).job?.state;

/** Watches a job until it stands there. */
async function untilState(jobId: string, state: JobState): Promise<void> {
  const watched = clients.jobs.watchJobs({ target: { case: "jobs", value: { jobIds: [jobId] } } });
  for await (const { jobs } of watched) {
    if (jobs.some((job) => job.state === state)) return;
  }
}

describe("a session", () => {
  it("begins with Hello, and nothing else", async () => {
    const stream = connect();
    stream.send({ case: "heartbeat", value: {} });
    const error = await stream.ended;
    expect(error?.code).toBe(Code.FailedPrecondition);
    expect(error && reasonOf(error)).toBe("HELLO_REQUIRED");
  });

  it("does not keep a server from stopping when it says nothing at all", async () => {
    const other = await startServerHere(database.url);
    const silent = new WorkerStream(clientsOf(other.url).runner);
    // The stream is there once the server answers a call on the same connection.
    await clientsOf(other.url).jobs.listJobs({});
    await other.stop();
    const error = await silent.ended;
    expect(error && reasonOf(error)).toBe("SERVER_STOPPING");
  });

  it("answers with the policy in force", async () => {
    const stream = connect();
    stream.hello(1);
    const welcome = await stream.next("welcome");
    expect(welcome.leasePolicy?.offerAcceptDeadline?.seconds).toBe(60n);
    expect(welcome.leasePolicy?.leaseTtl?.seconds).toBe(60n);
  });

  it("never holds more offered and running jobs than its slots", async () => {
    await enqueue(10);
    const stream = connect();
    stream.hello(3);
    const first = await stream.offered(3);
    stream.send({ case: "ping", value: { nonce: 1n } });
    await stream.next("pong");
    expect(stream.offers).toHaveLength(3);
    await stream.accept(first.map(leaseOf));
    expect(stream.offers).toHaveLength(3);
    stream.send({ case: "credit", value: { pools: [{ pool: "main", slots: 5 }] } });
    expect(await stream.offered(5)).toHaveLength(5);
  });

  it("hands out by priority, then by age", async () => {
    const low = await enqueue(2, { priority: -1 });
    const high = await enqueue(2, { priority: 7 });
    const normal = await enqueue(2);
    const stream = connect();
    stream.hello(8);
    const offers = await stream.offered(6);
    expect(offers.map((offer) => offer.lease?.jobId)).toEqual([...high, ...normal, ...low]);
  });

  it("gives what it holds back to the head of the line when it ends before an accept", async () => {
    const [older = ""] = await enqueue();
    const stream = connect();
    stream.hello(1);
    await stream.offered(1);
    await enqueue();
    stream.cut();
    await untilState(older, JobState.READY);
    const next = connect();
    next.hello(1, { workerId: "worker-2" });
    const [offer] = await next.offered(1);
    expect(offer?.lease).toMatchObject({ jobId: older, attempt: 1, leaseEpoch: 2n });
  });

  it("answers each accept, completion and release, and repeats answers", async () => {
    const [done, back] = await enqueue(2);
    const stream = connect();
    stream.hello(2);
    const offers = await stream.offered(2);
    const leases = offers.map(leaseOf);
    await stream.accept(leases);
    const completion = { lease: leases[0], completionId: randomUUID(), result: Buffer.from("r") };
    for (const verdict of [WriteVerdict.APPLIED, WriteVerdict.ALREADY_APPLIED]) {
      stream.send({ case: "complete", value: { completions: [completion] } });
      const answer = await stream.next("results", ({ results }) =>
        results.some((one) => one.completionId !== "" && one.verdict === verdict),
      );
      expect(answer.results[0]).toMatchObject({ jobId: done, state: JobState.SUCCEEDED });
    }
    const releases = [{ lease: leases[1], reason: ReleaseReason.UNSTARTED }];
    stream.send({ case: "release", value: { releases } });
    // Its slot is free again, so it comes back under the next epoch and the same attempt.
    const again = await stream.offered(3);
    expect(again[2]?.lease).toMatchObject({ jobId: back, attempt: 1, leaseEpoch: 2n });
  });

  it("refuses an artifact that was not uploaded, and leaves the lease as it is", async () => {
    const [jobId = ""] = await enqueue();
    const stream = connect();
    stream.hello(1);
    const lease = leaseOf((await stream.offered(1))[0]);
    await stream.accept([lease]);
    const artifacts = [{ name: "a", digest: `sha256:${"0".repeat(64)}` }];
    const completions = [{ lease, completionId: randomUUID(), artifacts }];
    stream.send({ case: "complete", value: { completions } });
    const { results } = await stream.next("results", (value) =>
      value.results.some((one) => one.verdict === WriteVerdict.REJECTED),
    );
    expect(results[0]?.error?.message).toContain("artifact not found");
    expect(await stateOf(jobId)).toBe(JobState.RUNNING);
  });

  it("drains behind a barrier: what was offered before is there, nothing comes after", async () => {
    await enqueue(4);
    const stream = connect();
    stream.hello(2);
    await stream.offered(2);
    stream.send({ case: "drain", value: { reason: "test" } });
    await stream.next("drainAck");
    stream.send({ case: "credit", value: { pools: [{ pool: "main", slots: 50 }] } });
    stream.send({ case: "ping", value: { nonce: 1n } });
    await stream.next("pong");
    expect(stream.offers).toHaveLength(2);
  });

  it("ends on a pool that Hello did not name", async () => {
    const stream = connect();
    stream.hello(1);
    stream.send({ case: "credit", value: { pools: [{ pool: "other", slots: 1 }] } });
    const error = await stream.ended;
    expect(error && reasonOf(error)).toBe("POOL_UNKNOWN");
  });
});

describe("a worker that comes back", () => {
  it("keeps the leases that it names and learns about the others", async () => {
    await enqueue(2);
    const stream = connect();
    const instanceId = randomUUID();
    stream.hello(2, { instanceId });
    const leases = (await stream.offered(2)).map(leaseOf);
    await stream.accept(leases);
    stream.cut();
    await stream.ended;
    const next = connect();
    const stale = { ...leases[1], leaseEpoch: 7n, $typeName: undefined };
    const unknown = { ...leases[1], jobId: randomUUID(), $typeName: undefined };
    const heldLeases = [...leases.slice(0, 1), stale, unknown] as typeof leases;
    next.hello(2, { instanceId, heldLeases });
    const { verdicts } = await next.next("verdicts");
    expect(verdicts.map((one) => one.verdict)).toEqual([
      LeaseVerdict.RENEWED,
      LeaseVerdict.SUPERSEDED,
      LeaseVerdict.UNKNOWN,
    ]);
    // A wrong epoch names nothing that is held: that job is taken back, and comes again.
    const [again] = await next.offered(1);
    expect(again?.lease).toMatchObject({ jobId: leases[1]?.jobId, attempt: 2 });
  });

  it("loses at once what it does not name, at one interruption", async () => {
    const [jobId = ""] = await enqueue();
    const stream = connect();
    stream.hello(1);
    await stream.accept([leaseOf((await stream.offered(1))[0])]);
    const next = connect();
    next.hello(1);
    const [offer] = await next.offered(1);
    expect(offer?.lease).toMatchObject({ jobId, attempt: 2, leaseEpoch: 2n });
    expect((await clients.jobs.getJob({ jobId })).job?.interruptions).toBe(1);
    const goaway = await stream.next("goaway");
    expect(goaway.reason).toBe(GoawayReason.SUPERSEDED);
    const error = await stream.ended;
    expect(error && reasonOf(error)).toBe("SESSION_SUPERSEDED");
  });
});

describe("cancelling", () => {
  it("asks the worker, whose answer ends the job", async () => {
    const [jobId = ""] = await enqueue();
    const stream = connect();
    stream.hello(1);
    const lease = leaseOf((await stream.offered(1))[0]);
    await stream.accept([lease]);
    await clients.jobs.cancelJobs({ jobIds: [jobId.toUpperCase()], reason: "not needed" });
    const { cancels } = await stream.next("cancels");
    expect(cancels).toMatchObject([{ jobId, leaseEpoch: 1n, reason: CancelReason.USER }]);
    stream.send({ case: "heartbeat", value: { leases: [lease] } });
    const { verdicts } = await stream.next("verdicts");
    expect(verdicts[0]?.verdict).toBe(LeaseVerdict.CANCELLED);
    const failure = create(FailureSchema, { failureClass: FailureClass.CANCELLED });
    stream.send({
      case: "fail",
      value: { failures: [{ lease, completionId: randomUUID(), failure }] },
    });
    await stream.next("results", ({ results }) => results.some((one) => one.completionId !== ""));
    expect(await stateOf(jobId)).toBe(JobState.CANCELLED);
  });
});
