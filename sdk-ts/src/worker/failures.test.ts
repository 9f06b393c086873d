import { expect, test } from "vitest";
import { FailureClass } from "../gen/stellaops/orchestrator/v1/failure_pb.ts";
import { RetryableError, TerminalError } from "../job-errors.ts";
import { failure, stopOutcome, toFailure } from "./failures.ts";

test("errors of every kind become failures that the contract takes", () => {
  expect(
    toFailure(new RetryableError("503", { failureClass: "http_5xx", retryAfterMs: 2_500 })),
  ).toMatchObject({
    failureClass: FailureClass.HTTP_5XX,
    terminal: false,
    retryAfter: { seconds: 2n, nanos: 500_000_000 },
  });
  expect(toFailure(new TerminalError("no"))).toMatchObject({ terminal: true, message: "no" });
  expect(toFailure(undefined).failureClass).toBe(FailureClass.PANIC);
  expect(toFailure(new Error("x".repeat(20_000))).message.length).toBeLessThanOrEqual(8_192);
});

test("a retry-after that the contract would refuse is brought into its range", () => {
  const seconds = (retryAfterMs: number) =>
    failure("user", "", { retryAfterMs }).retryAfter?.seconds;
  expect(seconds(-5)).toBe(0n);
  expect(seconds(1e12)).toBe(604_800n);
  expect(seconds(Number.NaN)).toBeUndefined();
});

test("why an attempt was stopped decides how it ends", () => {
  expect(stopOutcome("cancelled")).toMatchObject({
    failure: { failureClass: FailureClass.CANCELLED },
  });
  expect(stopOutcome("deadline")).toMatchObject({
    failure: { failureClass: FailureClass.TIMEOUT, terminal: false },
  });
  expect(stopOutcome("drain").kind).toBe("release");
  expect(stopOutcome("preempted").kind).toBe("release");
  expect(stopOutcome("lease_lost").kind).toBe("drop");
});
