import type { Invariant, Violation } from "./invariant.ts";

/** 1: an enqueue that was answered is in the ledger, in its tenant and with its content. */
export const acknowledgedIsStored: Invariant = {
  number: "1",
  title: "an acknowledged enqueue is in the ledger",
  check({ acks, intents, jobs }) {
    const stored = new Map(jobs.map((job) => [job.id, job]));
    const wished = new Map(intents.map((intent) => [intent.nonce, intent]));
    const violations: Violation[] = [];
    const answered = acks.filter((ack) => ack.outcome !== "conflict");
    for (const { jobId, tenant, nonce, outcome } of answered) {
      const job = stored.get(jobId);
      const wish = wished.get(nonce);
      if (job === undefined) {
        violations.push({ jobId, text: `acknowledged (${nonce}) and not in the ledger` });
      } else if (job.tenant !== tenant) {
        violations.push({ jobId, text: `acknowledged to ${tenant}, stored for ${job.tenant}` });
      } else if (outcome === "created" && job.nonce !== nonce) {
        violations.push({ jobId, text: `acknowledged as ${nonce}, stored as ${job.nonce}` });
      } else if (wish !== undefined && job.jobType !== wish.jobType) {
        violations.push({ jobId, text: `asked for ${wish.jobType}, stored as ${job.jobType}` });
      }
    }
    return { checked: answered.length, violations };
  },
  leastChecked: () => 1,
};
