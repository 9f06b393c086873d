import type { History } from "../history.ts";
import type { Invariant, Violation } from "./invariant.ts";

/**
 * 1: an enqueue that was answered is in the ledger, in its tenant and with its content; and so is
 * what was answered of runs, backfills, operations and schedules.
 */
export const acknowledgedIsStored: Invariant = {
  number: "1",
  title: "an acknowledged enqueue is in the ledger",
  check(history) {
    const { acks, intents, jobs, grants } = history;
    const stored = new Map(jobs.map((job) => [job.id, job]));
    const wished = new Map(intents.map((intent) => [intent.nonce, intent]));
    const violations: Violation[] = [...forgotten(history)];
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
    return { checked: answered.length + grants.length, violations };
  },
  leastChecked: () => 1,
};

/** What was granted and is not there. */
function forgotten({ grants, runs, backfills, operations, actions }: History): Violation[] {
  const idsOf = (rows: readonly { readonly tenant: string; readonly id: string }[]) =>
    new Set(rows.map(({ tenant, id }) => `${tenant} ${id}`));
  const there = {
    run: idsOf(runs),
    "cancelled run": idsOf(runs.filter(({ isCancelled }) => isCancelled)),
    backfill: idsOf(backfills),
    operation: idsOf(operations),
    // They are deleted at the end of a run; the history says that they were made.
    schedule: new Set(
      actions
        .filter(({ kind }) => kind === "schedule_created")
        .map(({ tenant, target }) => `${tenant} ${target}`),
    ),
  };
  return grants
    .filter(({ what, tenant, id }) => !there[what].has(`${tenant} ${id}`))
    .map(({ what, tenant, id }) => ({
      text: `${tenant} was told of the ${what} ${id}, which is not in the ledger`,
    }));
}
