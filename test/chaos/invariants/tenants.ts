import type { Invariant, Violation } from "./invariant.ts";

/** 14: nothing of one tenant stands in what another one's workers and producers are given. */
export const tenantsApart: Invariant = {
  number: "14",
  title: "no byte of one tenant reaches another",
  check({ work, reads, jobs }) {
    const violations: Violation[] = [];
    const owners = new Map(jobs.map(({ id, tenant }) => [id, tenant]));
    const started = work.filter(({ event }) => event === "started");
    for (const { tenant, jobId, marks = [], process } of started) {
      const others = marks.filter((mark) => mark !== tenant);
      if (others.length > 0) {
        violations.push({ jobId, text: `${process} of ${tenant} saw ${others.join(", ")}` });
      }
      const owner = owners.get(jobId);
      if (owner !== undefined && owner !== tenant) {
        violations.push({ jobId, text: `${process} of ${tenant} got a job of ${owner}` });
      }
    }
    for (const { tenant, what, marks } of reads) {
      const others = marks.filter((mark) => mark !== tenant);
      if (others.length === 0) continue;
      violations.push({ text: `${what} showed ${others.join(", ")} to ${tenant}` });
    }
    return { checked: started.length + reads.length, violations };
  },
  leastChecked: () => 1,
};
