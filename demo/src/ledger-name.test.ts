import { expect, test } from "vitest";
import { ledgerName } from "./ledger-name.ts";

test("a path too long for a job's name is cut to fit and stays unique", () => {
  const long = (first: string) => `${first}/${"é".repeat(200)}/go.mod`;
  const names = [ledgerName(long("a")), ledgerName(long("b"))];
  expect(new Set(names).size).toBe(2);
  for (const name of names) {
    expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255);
    expect(name).toMatch(/go\.mod$/);
  }
  expect(ledgerName("a/go.mod")).toBe("a/go.mod");
});
