import type { AttemptRow, EventRow, FaultRecord, History, JobRow } from "../history.ts";
import { byJob, type Invariant, type Violation } from "./invariant.ts";

/** The ticker's rest: an outage is over when the first tick after it says so. */
const TICK_MS = 1_000;
/** A sweep rests for its interval ± 20 %. */
const JITTER = 1.2;
/** What a busy machine with two cores may be late. */
const SLACK_MS = 4_000;
/** After a fault: processes start again and connect. */
const SETTLE_MS = 1_500;
/** From ready to offered, when no fault keeps workers away. */
const HAND_OUT_MS = 8_000;

/**
 * 7: what a dead worker held is taken back within TTL + sweep, and handed out again, of time in
 * which the control plane was there. Its clock starts again with every fault that touches it. Jobs
 * that may have to wait for others (by priority, limit or rate) need not be handed out at once.
 */
export const lostLeasesReturn: Invariant = {
  number: "7",
  title: "a lost lease is handed out again in time",
  check(history) {
    const { terms, faults } = history;
    const limitMs = terms.leaseTtlMs + terms.sweepMs * JITTER + TICK_MS + SLACK_MS;
    const events = byJob(history.events);
    const lost = history.attempts.filter(({ outcome }) => outcome === "interrupted");
    const control = faults.filter(({ stopsControlPlane }) => stopsControlPlane);
    const unhindered = new Set(history.jobs.filter(isUnhindered).map(({ id }) => id));
    const violations: Violation[] = [];
    for (const attempt of lost) {
      const { jobId } = attempt;
      const diedMs = deathOf(attempt, history);
      if (diedMs !== undefined) {
        const ms = longestCalm(control, diedMs, attempt.endedMs);
        if (ms > limitMs)
          violations.push({ jobId, text: `${late(attempt)} taken back: ${say(ms)}` });
      }
      const next = nextOffer(attempt, events.get(jobId) ?? []);
      if (next === undefined || !unhindered.has(jobId)) continue;
      const ms = longestCalm(faults, attempt.endedMs, next.atMs);
      if (ms > HAND_OUT_MS)
        violations.push({ jobId, text: `${late(attempt)} offered: ${say(ms)}` });
    }
    return { checked: lost.length, violations };
  },
};

/** Whether nothing but faults can keep a job at the head of its lane from being handed out. */
const isUnhindered = ({ priority, source, concurrencyKey }: JobRow): boolean =>
  priority >= 0 && source === "" && concurrencyKey === "";

const late = ({ attempt, workerId }: AttemptRow): string =>
  `attempt ${attempt} of ${workerId}, lost, was late`;
const say = (ms: number): string => `${(ms / 1_000).toFixed(1)} s without any fault`;

/** When the worker of an attempt ended during it. */
const deathOf = (attempt: AttemptRow, { deaths }: History): number | undefined =>
  deaths.find(
    ({ workerId, atMs }) =>
      workerId === attempt.workerId && atMs >= attempt.startedMs && atMs <= attempt.endedMs,
  )?.atMs;

/** The offer that follows an interruption; none if the job died or was cancelled then. */
function nextOffer(attempt: AttemptRow, steps: readonly EventRow[]): EventRow | undefined {
  const index = steps.findIndex(
    ({ kind, leaseEpoch }) => kind === "interrupted" && leaseEpoch === attempt.leaseEpoch,
  );
  const next = index < 0 ? undefined : steps[index + 1];
  return next?.kind === "offered" || next?.kind === "started" ? next : undefined;
}

/** The longest stretch between two times that no fault, with its aftermath, reaches into. */
export function longestCalm(faults: readonly FaultRecord[], fromMs: number, toMs: number): number {
  const inside = faults
    .map((fault) => ({ fromMs: fault.fromMs, toMs: fault.toMs + SETTLE_MS }))
    .filter((fault) => fault.toMs > fromMs && fault.fromMs < toMs)
    .sort((a, b) => a.fromMs - b.fromMs);
  let longest = 0;
  let calmFrom = fromMs;
  for (const fault of inside) {
    longest = Math.max(longest, fault.fromMs - calmFrom);
    calmFrom = Math.max(calmFrom, fault.toMs);
  }
  return Math.max(longest, toMs - calmFrom);
}
