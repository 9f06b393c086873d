import { create, toBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import {
  CompletionSchema,
  type LeaseRef,
  LeaseRefSchema,
  ProgressReportSchema,
  type WorkerFrame,
  WorkerFrameSchema,
  WriteKind,
  type WriteResult,
  WriteResultSchema,
  WriteVerdict,
} from "../gen/stellaops/orchestrator/v1/task_runner_pb.ts";
import { Outbox } from "./outbox.ts";

const maxBytes = 4 * 2 ** 20;
const leaseOf = (jobId: string): LeaseRef =>
  create(LeaseRefSchema, { jobId, leaseEpoch: 1n, leaseToken: "t" });
const newOutbox = () =>
  new Outbox(
    () => maxBytes,
    () => {},
  );

function addCompletion(outbox: Outbox, jobId: string, bytes = 0): WriteResult[] {
  const answers: WriteResult[] = [];
  const result = new Uint8Array(bytes);
  const value = create(CompletionSchema, { lease: leaseOf(jobId), completionId: jobId, result });
  outbox.add({ kind: "complete", value }, (answer) => answers.push(answer));
  return answers;
}

function drainFrames(outbox: Outbox): WorkerFrame[] {
  const frames: WorkerFrame[] = [];
  for (let frame = outbox.take(); frame !== undefined; frame = outbox.take()) frames.push(frame);
  return frames;
}

const answerTo = (jobId: string, completionId = jobId) =>
  create(WriteResultSchema, {
    kind: WriteKind.COMPLETE,
    jobId,
    leaseEpoch: 1n,
    completionId,
    verdict: WriteVerdict.APPLIED,
  });

test("a frame takes a thousand items at most", () => {
  const outbox = newOutbox();
  for (let index = 0; index < 2_300; index++) addCompletion(outbox, `job-${index}`);
  const sizes = drainFrames(outbox).map(({ frame }) =>
    frame.case === "complete" ? frame.value.completions.length : 0,
  );
  expect(sizes).toEqual([1_000, 1_000, 300]);
});

test("a frame never exceeds the largest message that the server reads", () => {
  const outbox = newOutbox();
  for (let index = 0; index < 40; index++) addCompletion(outbox, `job-${index}`, 256 * 1024);
  const sizes = drainFrames(outbox).map((frame) => toBinary(WorkerFrameSchema, frame).length);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(maxBytes);
  expect(sizes.length).toBe(3);
});

test("a write stays until its own answer, and goes again when it is staged again", () => {
  const outbox = newOutbox();
  const answers = addCompletion(outbox, "job");
  expect(drainFrames(outbox)).toHaveLength(1);
  expect(drainFrames(outbox)).toHaveLength(0);
  outbox.answer(answerTo("job", "another-completion"));
  outbox.answer(answerTo("other-job"));
  expect(outbox.unanswered).toBe(1);
  outbox.resend(0);
  expect(drainFrames(outbox)).toHaveLength(1);
  outbox.resend(60_000);
  expect(drainFrames(outbox)).toHaveLength(0);
  outbox.answer(answerTo("job"));
  outbox.answer(answerTo("job"));
  expect(answers).toHaveLength(1);
  expect(outbox.unanswered).toBe(0);
});

test("a checkpoint goes before the outcome, and the newest progress replaces the older", () => {
  const outbox = newOutbox();
  addCompletion(outbox, "job");
  for (const fraction of [0.1, 0.2]) {
    const value = create(ProgressReportSchema, { lease: leaseOf("job"), progress: { fraction } });
    outbox.add({ kind: "progress", value }, () => {});
  }
  const [first, second] = drainFrames(outbox);
  expect(first?.frame).toMatchObject({
    case: "progress",
    value: { reports: [{ progress: { fraction: 0.2 } }] },
  });
  expect(second?.frame.case).toBe("complete");
});

test("of many words about one upstream the newest goes, once", () => {
  const outbox = newOutbox();
  outbox.throttle("osv.dev", 1_000);
  outbox.throttle("osv.dev", 2_000, 0);
  outbox.throttle("nvd.nist.gov", undefined);
  const frames = drainFrames(outbox).map(({ frame }) => frame.value);
  expect(frames).toMatchObject([
    { resourceKey: "osv.dev", retryAfter: { seconds: 2n }, remaining: 0n },
    { resourceKey: "nvd.nist.gov" },
  ]);
  outbox.resend(0);
  expect(drainFrames(outbox)).toHaveLength(0);
});
