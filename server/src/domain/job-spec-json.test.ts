import fc from "fast-check";
import { expect, it } from "vitest";
import type { JobSpec } from "./job-spec.ts";
import { readJobSpecJson, writeJobSpecJson } from "./job-spec-json.ts";

const text = fc.string({ unit: "binary", maxLength: 10 });
const maybe = <T>(some: fc.Arbitrary<T>) => fc.option(some, { nil: undefined });
const moment = fc.date({ noInvalidDate: true });

const spec = fc.record<JobSpec>({
  jobType: text,
  queue: text,
  project: text,
  source: text,
  priority: fc.integer(),
  concurrencyKey: text,
  payload: fc.uint8Array(),
  payloadMediaType: text,
  payloadArtifact: maybe(text),
  idempotencyKey: maybe(text),
  labels: fc.dictionary(fc.oneof(text, fc.constant("__proto__")), text, { noNullPrototype: true }),
  notBefore: maybe(moment),
  retry: maybe(
    fc.record(
      { maxAttempts: fc.nat(), multiplier: fc.double({ noNaN: true, min: 1, max: 10 }) },
      { requiredKeys: [] },
    ),
  ),
  attemptDeadlineMs: maybe(fc.nat()),
  correlationId: maybe(text),
  traceparent: maybe(text),
  tracestate: maybe(text),
  window: maybe(fc.record({ scope: text, start: moment, end: moment })),
});

it("is the same job spec after JSON, which is the same before and after a round trip", () => {
  fc.assert(
    fc.property(spec, (one) => {
      const written = writeJobSpecJson(one);
      const stored = JSON.parse(JSON.stringify(written));
      expect(readJobSpecJson(stored)).toEqual(one);
      expect(stored).toStrictEqual(written);
    }),
  );
});
