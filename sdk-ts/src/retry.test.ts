import { expect, test } from "vitest";
import { OrchestratorError } from "./errors.ts";
import { backoffMs, contractBackoff, withRetries } from "./retry.ts";

const bounds = { minMs: 250, maxMs: 30_000 };

test("full jitter: evenly between the smallest delay and a bound that doubles", () => {
  expect(backoffMs(0, bounds, 0.5)).toBe(250);
  expect(backoffMs(1, bounds, 0)).toBe(250);
  expect(backoffMs(1, bounds, 1)).toBe(500);
  expect(backoffMs(3, bounds, 0.5)).toBe(250 + (2000 - 250) / 2);
  expect(backoffMs(1_000, bounds, 1)).toBe(30_000);
});

test("a retry-after is a floor: jitter comes on top, never off", () => {
  expect(backoffMs(0, bounds, 0, 5_000)).toBe(5_000);
  expect(backoffMs(9, bounds, 1, 5_000)).toBe(5_250);
});

test("the bounds are the contract's", () => {
  expect(contractBackoff).toEqual({ minMs: 250, maxMs: 30_000 });
});

test("what cannot succeed later is not repeated", async () => {
  let calls = 0;
  const call = async () => {
    calls++;
    throw new OrchestratorError("disk full", { code: "resource_exhausted", reason: "DISK_FULL" });
  };
  await expect(withRetries(call, { timeoutMs: 1_000 })).rejects.toMatchObject({
    reason: "DISK_FULL",
  });
  expect(calls).toBe(1);
});

test("a call that hangs ends with its deadline", async () => {
  const hang = (signal: AbortSignal) =>
    new Promise<never>((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
    });
  await expect(withRetries(hang, { timeoutMs: 20 })).rejects.toMatchObject({
    code: "deadline_exceeded",
    reason: "CALL_TIMEOUT",
  });
});
