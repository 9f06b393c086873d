import { expect, test } from "vitest";
import { limits, truncate } from "./limits.ts";

test("the limits come out of the contract's field rules", () => {
  expect(limits).toMatchObject({
    enqueueItems: 1_000,
    frameItems: 1_000,
    heldLeases: 10_000,
    failureMessageBytes: 8_192,
  });
});

test("a long message is cut on a character's edge and stays within its bytes", () => {
  expect(truncate("short", 10)).toBe("short");
  expect(truncate("exactly", 7)).toBe("exactly");
  for (let bytes = 4; bytes < 20; bytes++) {
    const cut = truncate("añ€😀".repeat(5), bytes);
    expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(bytes);
    expect(cut).not.toContain("�");
    expect(cut.endsWith("…")).toBe(true);
  }
});

test("what the server does not take in a text is replaced", () => {
  expect(truncate("lone \ud800 surrogate", 100)).toBe("lone \ufffd surrogate");
  expect(truncate("a\0b", 100)).toBe("a\ufffdb");
});
