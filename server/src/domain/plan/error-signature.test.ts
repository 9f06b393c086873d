import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { errorSignature, MAX_PATTERN_LENGTH } from "./error-signature.ts";

const pattern = (message: string) => errorSignature("timeout", message).pattern;

describe("errorSignature", () => {
  it.each([
    ["request took 5012 ms", "request took <n> ms"],
    ["request took 30.5s", "request took <n>s"],
    ["1,024 of 2:48:10 at 1e-7", "<n> of <n> at <n>"],
    ["job 01928f3c-7a10-7b3c-9d2e-5f6a7b8c9d0e is gone", "job <uuid> is gone"],
    ["no such commit 9fceb02d0ae598e95dc970b74767f19372d61af8", "no such commit <n>"],
    ["no such commit 12345678", "no such commit <n>"],
    ["segfault at 0xdeadbeef", "segfault at <n>"],
    [
      "the page was defaced, the facade decades old",
      "the page was defaced, the facade decades old",
    ],
    ["expired at 2026-03-29T01:00:00.123Z", "expired at <time>"],
    ["expired at 2026-03-29 01:00:00 +02:00!", "expired at <time>!"],
    ["nothing on 2026-03-29", "nothing on <time>"],
    ["field \"a.b\" of 'c' and `d`", "field <text> of <text> and <text>"],
    ["couldn't parse the feed's 'id'", "couldn't parse the feed's <text>"],
    ["GET https://osv.dev/v1/vulns/GHSA-1?x=2 failed", "GET https://osv.dev/<path> failed"],
    ["GET http://10.0.0.1:8080/a and b", "GET http://<n>/<path> and b"],
    ["connect ECONNREFUSED 10.0.0.1:5432", "connect ECONNREFUSED <n>"],
    ["one\n\ttwo \u0000 three ", "one two three"],
    ["", ""],
  ])("makes of %j the pattern %j", (message, expected) => {
    expect(pattern(message)).toBe(expected);
  });

  it("is short hex that never changes", () => {
    // SHA-256 of "timeout\nrequest took <n> ms", as sha256sum has it.
    expect(errorSignature("timeout", "request took 5012 ms").signature).toBe("94dffdc65b9d5bad");
  });

  it("tells classes and causes apart", () => {
    const signatures = [
      errorSignature("timeout", "connect failed"),
      errorSignature("http_5xx", "connect failed"),
      errorSignature("timeout", "read failed"),
      errorSignature("timeout", "GET https://a.example/x failed"),
      errorSignature("timeout", "GET https://b.example/x failed"),
    ].map(({ signature }) => signature);
    expect(new Set(signatures).size).toBe(signatures.length);
  });

  it("is short whatever the message, and counts what is within its length only", () => {
    const long = errorSignature("user", `${"word ".repeat(100)}one`);
    expect(long.pattern).toHaveLength(MAX_PATTERN_LENGTH);
    expect(errorSignature("user", `${"word ".repeat(100)}two`)).toEqual(long);
    // A character of two halves is not cut in two.
    expect(pattern("😀".repeat(3_000)).isWellFormed()).toBe(true);
    expect(pattern(`a${"😀".repeat(3_000)}`).isWellFormed()).toBe(true);
  });

  it("takes no longer for messages made to be slow", () => {
    const nasty = ['"', "'", "`", "a'", "1.", "0x", "deadbee", "a://", "a-", "2026-03-29", " \n"];
    const startedMs = performance.now();
    for (const part of nasty) expect(pattern(part.repeat(100_000)).length).toBeLessThan(201);
    expect(performance.now() - startedMs).toBeLessThan(1_000);
  });

  it("is the same for one cause, whatever the ids, numbers, moments and quotes", () => {
    const moment = fc.date({
      min: new Date("1970-01-01T00:00Z"),
      max: new Date("2999-01-01T00:00Z"),
      noInvalidDate: true,
    });
    const quoted = fc.string({ maxLength: 20 }).map((text) => text.replace(/["\p{Cc}]/gu, ""));
    const details = fc.tuple(fc.uuid(), fc.nat(), moment, quoted, fc.webPath());
    const message = ([id, n, when, text, path]: [string, number, Date, string, string]) =>
      `job ${id} after ${n} ms at ${when.toISOString()}: "${text}" at https://a.example/${path}`;
    fc.assert(
      fc.property(details, details, (one, other) => {
        fc.pre(!/['"]/.test(one[4] + other[4]));
        const signature = errorSignature("user", message(one));
        expect(errorSignature("user", message(other))).toEqual(signature);
      }),
      { numRuns: 500, seed: 5 },
    );
  });
});
