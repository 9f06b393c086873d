import { expect, it } from "vitest";
import { ledgerProbe } from "./ledger-probe.ts";

const probe = (ping: () => Promise<unknown>) => ledgerProbe(ping, () => performance.now(), 20)();

it("says whether the ledger answers, and takes none for an answer that does not come", async () => {
  expect(await probe(async () => {})).toBe(true);
  expect(await probe(() => Promise.reject(new Error("away")))).toBe(false);
  expect(await probe(() => new Promise(() => {}))).toBe(false);
});

it("asks once for everybody who asks in the same second", async () => {
  let pings = 0;
  const ask = ledgerProbe(
    async () => void pings++,
    () => 0,
  );
  expect(await Promise.all([ask(), ask(), ask()])).toEqual([true, true, true]);
  expect(await ask()).toBe(true);
  expect(pings).toBe(1);
});
