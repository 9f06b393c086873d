import type { EventRow, WorkLine } from "../history.ts";
import { byJob, type Invariant, type Violation } from "./invariant.ts";

/** 10: nothing starts before what it depends on has succeeded, by the ledger and by the clocks. */
export const dependenciesFirst: Invariant = {
  number: "10",
  title: "no job starts before its dependencies succeeded",
  check({ edges, events, work }) {
    const steps = byJob(events);
    const lines = byJob(work);
    const violations: Violation[] = [];
    let checked = 0;
    for (const { fromJob, toJob } of edges) {
      const offered = (steps.get(toJob) ?? []).find(isHandedOut);
      if (offered === undefined) continue;
      checked++;
      const text =
        tooEarly(offered, steps.get(fromJob) ?? []) ??
        ranTooEarly(lines.get(toJob) ?? [], lines.get(fromJob) ?? []);
      if (text !== undefined) violations.push({ jobId: toJob, text: `${text} ${fromJob}` });
    }
    return { checked, violations };
  },
};

const isHandedOut = ({ kind }: EventRow): boolean => kind === "offered" || kind === "started";

function tooEarly(offered: EventRow, parent: readonly EventRow[]): string | undefined {
  const succeeded = parent.find(({ kind }) => kind === "succeeded");
  if (succeeded === undefined) return "was handed out without the success of";
  return offered.id > succeeded.id ? undefined : "was handed out before the success of";
}

/** By the machine's monotonic clock, which all workers on it share. */
function ranTooEarly(child: readonly WorkLine[], parent: readonly WorkLine[]): string | undefined {
  const first = earliest(child.filter(({ event }) => event === "started"));
  const ended = earliest(parent.filter(({ event }) => event === "finished"));
  // A worker that is killed in mid-sentence may not have said that it finished.
  if (first === undefined || ended === undefined || first >= ended) return undefined;
  return "ran before the handler had finished of";
}

function earliest(lines: readonly WorkLine[]): bigint | undefined {
  return lines
    .map(({ monoNs }) => monoNs)
    .reduce<bigint | undefined>(
      (least, ns) => (least === undefined || ns < least ? ns : least),
      undefined,
    );
}
