import { contentHash } from "../../domain/digest.ts";
import type { JobState } from "../../domain/job-machine.ts";
import { planReplay, type ReplayCause, type ReplayGraph } from "../../domain/replay.ts";
import type { RunHead } from "../../domain/run-view.ts";
import { newId } from "../../lib/ids.ts";
import type { Audit } from "../audit.ts";

/** What is to run again, as an operator says it. */
export interface ReplaySpec extends Audit {
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
  /** Another one as soon as a job of a finished run was retried. */
  readonly mark: string;
}

/**
 * What runs again and what is reused, as the operation keeps it. Each of its steps reads all of it,
 * so it is short: a letter for each position of the run, from 0 on, "." for those left out.
 */
export interface ReplaySelection {
  readonly source: string;
  readonly causes: string;
}

/** A replay on its way into the ledger. */
export interface NewReplay extends Audit {
  readonly tenant: string;
  /** The new run's and the operation's. */
  readonly id: string;
  readonly requestDigest: Uint8Array;
  readonly selection: ReplaySelection;
  /** Of the run when it was read. */
  readonly mark: string;
}

/** A replay that is in the ledger, or an id that something else has. */
export type StoredReplay =
  | {
      readonly kind: "created" | "existing";
      readonly run: RunHead;
      readonly selection: ReplaySelection;
    }
  | { readonly kind: "request_id_conflict" | "run_not_found" | "run_active" };

/** A job of the first run and what a replay does with it. */
export interface ReplayedJob {
  readonly name: string;
  readonly jobId: string;
  readonly cause: ReplayCause;
  readonly state: JobState;
}

/** What the run that is replayed reuses itself, and its replay too: the first 1,000, of so many. */
export interface ReusedJobs {
  readonly count: number;
  readonly jobs: readonly Omit<ReplayedJob, "cause">[];
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
  /** Writes the new run, to be filled by the operation, if the mark of the first is the same. */
  readonly store: (replay: NewReplay) => Promise<StoredReplay>;
  /** Names, ids and states of a run's jobs, by position. */
  readonly describe: (
    tenant: string,
    runId: string,
    positions: readonly number[],
  ) => Promise<ReadonlyMap<number, Omit<ReplayedJob, "cause">>>;
  /** What a run, a replay itself, reuses of other runs. */
  readonly reusedBy: (tenant: string, runId: string) => Promise<ReusedJobs>;
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

/** The letter of a job that has no part in a replay. */
const LEFT_OUT = ".";

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
    if (positionsOf(selection).running.length === 0) return { kind: "nothing_to_replay" };
    if (spec.dryRun) return tell(ports, tenant, selection, undefined, false);
    const { actor, reason, ticket } = spec;
    const said = { actor, reason, ticket };
    const { mark } = loaded;
    const stored = await ports.store({ tenant, id, requestDigest, selection, mark, ...said });
    return answer(ports, tenant, stored);
  };

function select(
  source: string,
  positions: readonly number[],
  causes: readonly (ReplayCause | undefined)[],
): ReplaySelection {
  const letters = new Array<string>((positions.at(-1) ?? 0) + 1).fill(LEFT_OUT);
  causes.forEach((cause, index) => {
    if (cause !== undefined) letters[positions[index] as number] = LETTERS[cause];
  });
  return { source, causes: letters.join("") };
}

/** The positions of what runs again and of what is reused, each ascending. */
export function positionsOf({ causes }: ReplaySelection): {
  readonly running: readonly number[];
  readonly reused: readonly number[];
} {
  const running: number[] = [];
  const reused: number[] = [];
  for (let position = 0; position < causes.length; position++) {
    const letter = causes[position];
    if (letter === LETTERS.reused) reused.push(position);
    else if (letter !== LEFT_OUT) running.push(position);
  }
  return { running, reused };
}

const answer = (ports: ReplayRunPorts, tenant: string, stored: StoredReplay) =>
  "run" in stored
    ? tell(ports, tenant, stored.selection, stored.run, stored.kind === "existing")
    : stored;

async function tell(
  ports: ReplayRunPorts,
  tenant: string,
  selection: ReplaySelection,
  run: RunHead | undefined,
  alreadyExisted: boolean,
): Promise<ReplayRunResult> {
  const { source, causes } = selection;
  const { running, reused } = positionsOf(selection);
  const both = [...running.slice(0, MAX_TOLD), ...reused.slice(0, MAX_TOLD)];
  const first = both.sort((a, b) => a - b).slice(0, MAX_TOLD);
  const described = await ports.describe(tenant, source, first);
  const inherited = await ports.reusedBy(tenant, source);
  const own = first.flatMap((position): ReplayedJob[] => {
    const job = described.get(position);
    const cause = CAUSES.get(causes[position] ?? "") as ReplayCause;
    return job === undefined ? [] : [{ ...job, cause }];
  });
  const before = inherited.jobs.map((job): ReplayedJob => ({ ...job, cause: "reused" }));
  const jobs = [...before, ...own].slice(0, MAX_TOLD);
  const reusedCount = reused.length + inherited.count;
  return { kind: "replay", run, jobs, runningCount: running.length, reusedCount, alreadyExisted };
}

/** What "the same request" means: all that was said, except by whom. */
function digestOf(spec: ReplaySpec): Uint8Array {
  const { runId, jobNames, includeDownstream, rerunUpstream, reason, ticket } = spec;
  return contentHash({ runId, jobNames, includeDownstream, rerunUpstream, reason, ticket });
}
