import type { History, Intent, JobRow } from "../history.ts";
import type { Invariant, Violation } from "./invariant.ts";

/**
 * 2: every job in the ledger was wished for, and no wish became two jobs. What may make several of
 * one wish has made each for a reason of its own: a firing, a window of a backfill, a run that
 * replays the one that has the first, or a replay in which what appends it ran first.
 */
export const noPhantoms: Invariant = {
  number: "2",
  title: "no phantom job",
  check(history) {
    const wished = new Map(history.intents.map((intent) => [intent.nonce, intent]));
    const origins = originsOf(history);
    const firstOf = new Map<string, string>();
    const violations: Violation[] = [];
    for (const job of history.jobs) {
      const { id, nonce, tenant } = job;
      const wish = nonce === undefined ? undefined : wished.get(nonce);
      if (wish === undefined) {
        violations.push({ jobId: id, text: `nobody asked for it (nonce ${nonce ?? "missing"})` });
        continue;
      }
      if (wish.tenant !== tenant) {
        violations.push({ jobId: id, text: `asked for by ${wish.tenant}, stored for ${tenant}` });
      }
      const reason = reasonFor(job, wish, origins);
      if (reason === undefined) {
        violations.push({ jobId: id, text: `${wish.madeBy ?? "a replay"} has no reason for it` });
        continue;
      }
      const first = firstOf.get(reason);
      if (first === undefined) firstOf.set(reason, id);
      else violations.push({ jobId: id, text: `the same wish (${reason}) is also job ${first}` });
    }
    return { checked: history.jobs.length, violations };
  },
  leastChecked: () => 1,
};

interface Origins {
  readonly firingOf: ReadonlyMap<string, string>;
  readonly windowOf: ReadonlyMap<string, string>;
  readonly replayOf: ReadonlyMap<string, string | undefined>;
  /** Runs that have a job of a wish. */
  readonly runsOf: ReadonlyMap<string | undefined, readonly string[]>;
}

function originsOf({ jobs, runs, firings, backfillWindows }: History): Origins {
  const named = firings.flatMap(({ schedule, nominalMs, isManual, jobId, runId }) => {
    const name = `${schedule} at ${nominalMs}${isManual ? " by hand" : ""}`;
    return [jobId, runId].filter((id) => id !== undefined).map((id) => [id, name] as const);
  });
  return {
    firingOf: new Map(named),
    windowOf: new Map(
      backfillWindows.flatMap(({ backfillId, startMs, jobId }) =>
        jobId === undefined ? [] : [[jobId, `${backfillId} from ${startMs}`] as const],
      ),
    ),
    replayOf: new Map(runs.map(({ id, replayOf }) => [id, replayOf])),
    runsOf: new Map(
      [...Map.groupBy(jobs, ({ nonce }) => nonce)].map(([nonce, same]) => [
        nonce,
        same.flatMap(({ runId }) => (runId === undefined ? [] : [runId])),
      ]),
    ),
  };
}

/** Names the one reason for which there is a job; no two jobs may have the same. */
function reasonFor(job: JobRow, wish: Intent, origins: Origins): string | undefined {
  const { nonce, madeBy, fannedBy } = wish;
  const { id, runId = "", name = "" } = job;
  const first = origins.replayOf.get(runId);
  if (first !== undefined) {
    const isReplay = chainOf(first, origins).some((run) =>
      origins.runsOf.get(nonce)?.includes(run),
    );
    // The first try of what appends it may have come to nothing.
    const isFanned = fannedBy !== undefined && origins.runsOf.get(fannedBy)?.includes(runId);
    return isReplay || isFanned ? `${nonce} as ${name} in the replay ${runId}` : undefined;
  }
  if (madeBy === "schedule") {
    const firing = origins.firingOf.get(job.runId ?? id);
    return firing && `${nonce}, ${firing} ${name}`;
  }
  if (madeBy === "backfill") {
    const window = origins.windowOf.get(id);
    return window && `${nonce}, ${window}`;
  }
  return nonce;
}

/** A run, the one that it replays, and so on. */
function chainOf(run: string | undefined, { replayOf }: Origins): string[] {
  return run === undefined ? [] : [run, ...chainOf(replayOf.get(run), { replayOf } as Origins)];
}
