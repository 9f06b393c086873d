import type { Invariant } from "./invariant.ts";

/** Beyond the list: no process ends by itself, whatever is done to what it works with. */
export const serversStay: Invariant = {
  number: "–",
  title: "no server or worker ends by itself",
  check: ({ crashes, faults }) => ({
    checked: faults.length,
    violations: crashes.map((text) => ({ text })),
  }),
};
