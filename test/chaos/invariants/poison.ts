import { isCostly } from "./attempts.ts";
import { byJob, type Invariant, type Violation } from "./invariant.ts";

/** The job type whose handler takes its process down. */
export const POISON_TYPE = "chaos.poison";

/**
 * 8: a job that kills its workers reaches the dead letters within its budget. That its neighbours
 * stay quick is a matter of measuring and not looked at here: a run full of faults cannot say.
 */
export const poisonDies: Invariant = {
  number: "8",
  title: "a poison job dies within its budget",
  check({ jobs, attempts, terms }) {
    const poison = jobs.filter(({ jobType }) => jobType === POISON_TYPE);
    const ends = byJob(attempts);
    const violations: Violation[] = [];
    for (const { id, baseState } of poison) {
      const rows = ends.get(id) ?? [];
      const interruptions = rows.filter(isCostly).length;
      if (baseState !== "dead") {
        violations.push({ jobId: id, text: `is ${baseState} after ${rows.length} attempts` });
      } else if (interruptions > terms.maxInterruptions + 1) {
        violations.push({ jobId: id, text: `died after ${interruptions} interruptions` });
      }
    }
    return { checked: poison.length, violations };
  },
};
