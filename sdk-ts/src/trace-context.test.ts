import { expect, test } from "vitest";
import { correlationOf, lineage, traceOf } from "./trace-context.ts";

const traceparent = (digit: string) => `00-${digit.repeat(32)}-${digit.repeat(16)}-01`;

test("what the caller says wins over the hook, and the hook over the handler's job", () => {
  const store = { traceparent: traceparent("a"), tracestate: "a=1", correlationId: "c-1" };
  lineage.run(store, () => {
    expect(traceOf({}, undefined)).toEqual({ traceparent: traceparent("a"), tracestate: "a=1" });
    const hook = () => ({ traceparent: traceparent("b") });
    expect(traceOf({}, hook)).toEqual({ traceparent: traceparent("b"), tracestate: "" });
    expect(traceOf({ traceparent: traceparent("c") }, hook).traceparent).toBe(traceparent("c"));
    expect(correlationOf(undefined)).toBe("c-1");
    expect(correlationOf("mine")).toBe("mine");
  });
  expect(traceOf({}, undefined)).toEqual({ traceparent: "", tracestate: "" });
  expect(correlationOf(undefined)).toBe("");
});

test("a hook without a usable trace does not stop work", () => {
  expect(traceOf({}, () => ({ traceparent: "rubbish" })).traceparent).toBe("");
  expect(traceOf({}, () => undefined).traceparent).toBe("");
});
