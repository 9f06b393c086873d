import { expect, it } from "vitest";
import { readLeasePolicies } from "./lease-policy.ts";

const read = (policy: object) => readLeasePolicies(JSON.stringify({ default: policy }));

it.each([
  [{ offerAcceptDeadline: "0s" }, "offerAcceptDeadlineMs must be more than 0"],
  [{ attemptDeadline: "0s" }, "attemptDeadlineMs must be more than 0"],
  [{ leaseTtl: "3000000s" }, "leaseTtlMs must be at most 24 days"],
  [{ maxPayloadBytes: 1_048_576 }, "maxPayloadBytes must be at most 262144"],
  [{ maxMessageBytes: 0 }, "maxMessageBytes must be more than 0"],
  [{ retry: { maxAttempts: 0 } }, "retry.maxAttempts must be more than 0"],
  [{ retry: { multiplier: "NaN" } }, "multiplier must not be negative"],
  [{ maxInterruptions: -1 }, "maxInterruptions must not be negative"],
  [{ drainGrace: "-1s" }, "drainGraceMs must not be negative"],
  [{ leaseTtl: "20s" }, "must outlive a missed renewal"],
])("refuses at the start what would break later: %j", (policy, message) => {
  expect(() => read(policy)).toThrow(message);
});

it("takes a policy that overrides single fields", () => {
  const { base } = read({ retry: { maxAttempts: 2 }, drainGrace: "0s" });
  expect(base).toMatchObject({ drainGraceMs: 0, retry: { maxAttempts: 2, multiplier: 2 } });
});
