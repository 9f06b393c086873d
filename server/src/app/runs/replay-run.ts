import { createHash } from "node:crypto";
import canonicalize from "canonicalize";
import type { JobState } from "../../domain/job-machine.ts";
import { planReplay, type ReplayCause, type ReplayGraph } from "../../domain/replay.ts";
import type { RunHead } from "../../domain/run-view.ts";
import { newId } from "../../lib/ids.ts";
import type { FlowAudit } from "../flow/change.ts";

/** What is to run again, as an operator says it. */
export interface ReplaySpec extends FlowAudit {
  readonly runId: string;
  readonly requestId: string | undefined;
  readonly jobNames: readonly string[];
  readonly includeDownstream: boolean;
  readonly rerunUpstream: boolean;
  readonly dryRun: boolean;
}

/** A run with its whole graph. */
export interface LoadedRun extends ReplayGraph {
  /** Whether all its jobs are finished and no more can come. */
  readonly isFinished: boolean;
  /** The position in the run of the job at each index. */
  readonly positions: readonly number[];
}

/** What runs again and what is reused, as the operation keeps it; ascending positions. */
export interface ReplaySelection {
  readonly source: string;
  readonly positions: readonly number[];
  /** The cause of each of them, a letter each. */
  readonly causes: string;
  readonly reused: readonly number[];
}

/** A replay on its way into the ledger. */
export interface NewReplay extends FlowAudit {
  readonly tenant: string;
  /** The new run's and the operation's. */
  readonly id: string;
  readonly requestDigest: Uint8Array;
  readonly selection: ReplaySelection;
}

/** A replay that is in the ledger, or an id that something else has. */
export type StoredReplay =
  | {
      readonly kind: "created" | "existing";
      readonly run: RunHead;
      readonly selection: ReplaySelection;
    }
  | { readonly kind: "request_id_conflict" }
  | { readonly kind: "run_not_found" };

/** A job of the first run and what a replay does with it. */
export interface ReplayedJob {
  readonly name: string;
  readonly jobId: string;
  readonly cause: ReplayCause;
  readonly state: JobState;
}

/** What became of a request to replay a run. */
export type ReplayRunResult =
  | {
      readonly kind: "replay";
      /** Undefined: a dry run. */
      readonly run: RunHead | undefined;
      readonly jobs: readonly ReplayedJob[];
      readonly runningCount: number;
      readonly reusedCount: number;
      readonly alreadyExisted: boolean;
    }
  | { readonly kind: "run_not_found" | "run_active" | "nothing_to_replay" | "request_id_conflict" }
  | { readonly kind: "job_not_found"; readonly name: string };

/** What replaying a run needs. */
export interface ReplayRunPorts {
  /** Reads all jobs and edges of a run; undefined if the tenant has no such run. */
  readonly load: (tenant: string, runId: string) => Promise<LoadedRun | undefined>;
  /** A replay that is there already, by its id. */
  readonly find: (
    tenant: string,
    id: string,
    requestDigest: Uint8Array,
  ) => Promise<StoredReplay | undefined>;
  /** Writes the new run, to be filled by the operation. */
  readonly store: (replay: NewReplay) => Promise<StoredReplay>;
  /** Names, ids and states of a run's jobs, by position. */
  readonly describe: (
    tenant: string,
    runId: string,
    positions: readonly number[],
  ) => Promise<ReadonlyMap<number, Omit<ReplayedJob, "cause">>>;
}

/** Jobs that an answer tells about. */
const MAX_TOLD = 1_000;

const LETTERS: Readonly<Record<ReplayCause, string>> = {
  selected: "s",
  not_succeeded: "n",
  downstream: "d",
  upstream: "u",
  reused: "r",
};

const CAUSES = new Map(Object.entries(LETTERS).map(([cause, letter]) => [letter, cause]));

/** Runs a part of a finished run again as a new run, or says what that would be. */
export const replayRun =
  (ports: ReplayRunPorts) =>
  async (tenant: string, spec: ReplaySpec): Promise<ReplayRunResult> => {
    const id = spec.requestId ?? newId();
    const requestDigest = digestOf(spec);
    const known =
      spec.requestId === undefined || spec.dryRun
        ? undefined
        : await ports.find(tenant, id, requestDigest);
    if (known !== undefined) return answer(ports, tenant, known);
    const loaded = await ports.load(tenant, spec.runId);
    if (loaded === undefined) return { kind: "run_not_found" };
    if (!loaded.isFinished) return { kind: "run_active" };
    const plan = planReplay(loaded, spec);
    if (plan.kind !== "plan") return plan;
    const selection = select(spec.runId, loaded.positions, plan.causes);
    if (selection.positions.length === 0) return { kind: "nothing_to_replay" };
    if (spec.dryRun) return tell(ports, tenant, selection, undefined, false);
    const { actor, reason, ticket } = spec;
    const said = { actor, reason, ticket };
    const stored = await ports.store({ tenant, id, requestDigest, selection, ...said });
    return answer(ports, tenant, stored);
  };

function select(
  source: string,
  positions: readonly number[],
  causes: readonly (ReplayCause | undefined)[],
): ReplaySelection {
  const running: number[] = [];
  const reused: number[] = [];
  const letters: string[] = [];
  causes.forEach((cause, index) => {
    if (cause === undefined) return;
    const position = positions[index] as number;
    if (cause === "reused") reused.push(position);
    else {
      running.push(position);
      letters.push(LETTERS[cause]);
    }
  });
  return { source, positions: running, causes: letters.join(""), reused };
}

const answer = (ports: ReplayRunPorts, tenant: string, stored: StoredReplay) =>
  stored.kind === "request_id_conflict" || stored.kind === "run_not_found"
    ? stored
    : tell(ports, tenant, stored.selection, stored.run, stored.kind === "existing");

async function tell(
  ports: ReplayRunPorts,
  tenant: string,
  selection: ReplaySelection,
  run: RunHead | undefined,
  alreadyExisted: boolean,
): Promise<ReplayRunResult> {
  const { source, positions, causes, reused } = selection;
  const causeOf = new Map<number, ReplayCause>(reused.map((position) => [position, "reused"]));
  positions.forEach((position, at) => {
    causeOf.set(position, CAUSES.get(causes[at] ?? "") as ReplayCause);
  });
  const first = [...causeOf.keys()].sort((a, b) => a - b).slice(0, MAX_TOLD);
  const described = await ports.describe(tenant, source, first);
  const jobs = first.flatMap((position): ReplayedJob[] => {
    const job = described.get(position);
    return job === undefined ? [] : [{ ...job, cause: causeOf.get(position) as ReplayCause }];
  });
  const counts = { runningCount: positions.length, reusedCount: reused.length };
  return { kind: "replay", run, jobs, ...counts, alreadyExisted };
}

/** What "the same request" means for a repeated id; why it was made does not matter. */
function digestOf({ runId, jobNames, includeDownstream, rerunUpstream }: ReplaySpec): Uint8Array {
  const said = canonicalize({ runId, jobNames, includeDownstream, rerunUpstream });
  return createHash("sha256")
    .update(said ?? "")
    .digest();
}
