import type { Invariant, Violation } from "./invariant.ts";

/** 2: every job in the ledger was wished for, and no wish became two jobs. */
export const noPhantoms: Invariant = {
  number: "2",
  title: "no phantom job",
  check({ intents, jobs }) {
    const wished = new Map(intents.map((intent) => [intent.nonce, intent]));
    const firstOf = new Map<string, string>();
    const violations: Violation[] = [];
    for (const { id, nonce, tenant } of jobs) {
      const wish = nonce === undefined ? undefined : wished.get(nonce);
      if (nonce === undefined || wish === undefined) {
        violations.push({ jobId: id, text: `nobody asked for it (nonce ${nonce ?? "missing"})` });
        continue;
      }
      if (wish.tenant !== tenant) {
        violations.push({ jobId: id, text: `asked for by ${wish.tenant}, stored for ${tenant}` });
      }
      const first = firstOf.get(nonce);
      if (first === undefined) firstOf.set(nonce, id);
      else violations.push({ jobId: id, text: `the same wish (${nonce}) is also job ${first}` });
    }
    return { checked: jobs.length, violations };
  },
  leastChecked: () => 1,
};
