import type { Invariant } from "./invariant.ts";

/** 16: when the faults stop, everything that can finish does so unaided, in time. */
export const drainsUnaided: Invariant = {
  number: "16",
  title: "after the faults everything drains unaided",
  check({ drain, terms, jobs }) {
    const tookMs = (drain.doneMs ?? Number.POSITIVE_INFINITY) - drain.fromMs;
    if (tookMs <= terms.drainMs) return { checked: jobs.length, violations: [] };
    const within = `within ${terms.drainMs / 1_000} s`;
    const violations =
      drain.unfinished.length > 0
        ? drain.unfinished.map(({ jobId, what }) => ({
            ...(jobId === undefined ? {} : { jobId }),
            text: `${what} has not finished ${within}`,
          }))
        : [{ text: `did not drain ${within}` }];
    return { checked: jobs.length, violations };
  },
  leastChecked: () => 1,
};
