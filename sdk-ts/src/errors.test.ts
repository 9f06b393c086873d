import { Code, ConnectError } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { fromStatus, OrchestratorError, toOrchestratorError } from "./errors.ts";

const nodeError = (code: string): Error => Object.assign(new Error(code), { code });

test("a connection that broke is unavailable, whatever the runtime calls it", () => {
  for (const code of ["ECONNREFUSED", "ECONNRESET", "EPIPE", "ERR_HTTP2_SESSION_ERROR"]) {
    const cause = new ConnectError(code, Code.Internal, undefined, undefined, nodeError(code));
    expect(toOrchestratorError(cause)).toMatchObject({
      code: "unavailable",
      reason: "CONNECTION_FAILED",
      isRetryable: true,
    });
  }
  const reset = new ConnectError("http/2 stream closed with error code CANCEL", Code.Canceled);
  expect(toOrchestratorError(reset)).toMatchObject({ code: "unavailable" });
});

test("a server's own internal error is not taken for a broken connection", () => {
  const error = toOrchestratorError(new ConnectError("incident 7", Code.Internal));
  expect(error).toMatchObject({ code: "internal", reason: "", isRetryable: false });
});

test("exhausted resources can be tried again only when the server says when", () => {
  const code = "resource_exhausted";
  expect(new OrchestratorError("", { code }).isRetryable).toBe(false);
  expect(new OrchestratorError("", { code, retryAfterMs: 10 }).isRetryable).toBe(true);
});

test("an error stays what it is, and a missing status is still an error", () => {
  const error = new OrchestratorError("once", { code: "not_found" });
  expect(toOrchestratorError(error)).toBe(error);
  expect(fromStatus(undefined)).toMatchObject({ code: "unknown", isRetryable: false });
});
