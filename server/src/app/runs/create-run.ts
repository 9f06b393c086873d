import { contentHash } from "../../domain/digest.ts";
import { type Dependency, findGraphFaults, type GraphFault } from "../../domain/graph.ts";
import { contentDigest, type JobSpec, type NewJob } from "../../domain/job-spec.ts";
import { newId } from "../../lib/ids.ts";
import type { Admit } from "../flow/admit-jobs.ts";
import type { QueueFull, QuotaExceeded } from "../flow/refusals.ts";

/** What made a run, if it was not its producer. */
export interface RunOrigin {
  readonly pipeline?: { readonly name: string; readonly version: number } | undefined;
  readonly schedule?: string | undefined;
}

/** A run as its producer describes it, with every default filled in. */
export interface RunSpec extends RunOrigin {
  readonly runId: string | undefined;
  readonly displayName: string;
  readonly project: string;
  readonly correlationId: string | undefined;
  /** True: more is to come. */
  readonly keepOpen?: boolean | undefined;
  readonly jobs: readonly RunJobSpec[];
}

/** A job of a run as its producer describes it. */
export interface RunJobSpec {
  readonly jobId: string | undefined;
  readonly name: string;
  readonly spec: JobSpec;
  readonly dependsOn: readonly Dependency[];
}

/** An edge on its way into the ledger, between jobs by their ids. */
export interface NewEdge extends Omit<Dependency, "name"> {
  readonly from: string;
  readonly to: string;
}

/** A run on its way into the ledger. */
export interface NewRun extends RunOrigin {
  readonly tenant: string;
  readonly runId: string;
  readonly displayName: string;
  readonly project: string;
  readonly correlationId: string;
  readonly contentDigest: Uint8Array;
  /** Whether more can be appended. */
  readonly open?: boolean | undefined;
  readonly jobs: readonly { readonly job: NewJob; readonly name: string; readonly unmet: number }[];
  readonly edges: readonly NewEdge[];
}

/** Why a run could not be stored. */
export type RunConflict =
  | { readonly kind: "run_id_conflict"; readonly runId: string }
  | { readonly kind: "job_id_conflict"; readonly path: string; readonly jobId: string }
  | { readonly kind: "idempotency_conflict"; readonly path: string; readonly jobId: string }
  | { readonly kind: "payload_artifact_not_found"; readonly path: string; readonly digest: string }
  | {
      readonly kind: "window_series_not_found";
      readonly path: string;
      readonly source: string;
      readonly scope: string;
    }
  /** It is no window of its series; `fault` says why. */
  | { readonly kind: "window_invalid"; readonly path: string; readonly fault: string }
  | QuotaExceeded;

/** What the ledger answers for a run. */
export type StoredRun =
  | { readonly kind: "created"; readonly runId: string; readonly jobIds: readonly string[] }
  | { readonly kind: "existing"; readonly runId: string; readonly jobIds: readonly string[] }
  | RunConflict;

/** What became of a request to make a run. */
export type CreateRunResult = StoredRun | QueueFull | BadBatch;

/** What can be wrong with jobs of a run whatever the ledger has. */
export type BadBatch =
  | { readonly kind: "bad_graph"; readonly faults: readonly GraphFault[] }
  | { readonly kind: "too_many_edges"; readonly edges: number; readonly maxEdges: number }
  | { readonly kind: "job_id_conflict"; readonly path: string; readonly jobId: string }
  | {
      readonly kind: "payload_too_large";
      readonly path: string;
      readonly bytes: number;
      readonly maxBytes: number;
    };

/** More would not fit into one GetRun answer of 4 MiB, which is what clients read by default. */
const MAX_EDGES = 20_000;

/** What making a run needs. */
export interface CreateRunPorts {
  readonly store: (run: NewRun) => Promise<StoredRun>;
  /** Looks whether the queues have a place for the jobs; undefined if they have no limit. */
  readonly admit: Admit;
  /** What a run that is there already would be answered; undefined if it is not. */
  readonly findStored: (run: NewRun) => Promise<StoredRun | undefined>;
  readonly maxPayloadBytes: number;
}

/** Makes a run of jobs with edges between them: all of it or nothing. */
export const createRun =
  (ports: CreateRunPorts) =>
  async (tenant: string, run: RunSpec): Promise<CreateRunResult> => {
    const bad = checkBatch(run.jobs, ports.maxPayloadBytes);
    if (bad !== undefined) return bad;
    return storeAdmitted(ports, newRun(tenant, run));
  };

/** Looks for everything that is wrong with jobs; `known` are names that the run has already. */
export function checkBatch(
  jobs: readonly RunJobSpec[],
  maxBytes: number,
  known?: ReadonlySet<string>,
): BadBatch | undefined {
  const edges = jobs.reduce((sum, job) => sum + job.dependsOn.length, 0);
  if (edges > MAX_EDGES) return { kind: "too_many_edges", edges, maxEdges: MAX_EDGES };
  const faults = findGraphFaults(jobs, known);
  if (faults.length > 0) return { kind: "bad_graph", faults };
  const large = jobs.findIndex((job) => job.spec.payload.length > maxBytes);
  if (large >= 0) {
    const bytes = jobs[large]?.spec.payload.length ?? 0;
    return { kind: "payload_too_large", path: `jobs[${large}].spec.payload`, bytes, maxBytes };
  }
  const jobIds = jobs.map((job) => job.jobId);
  const twice = jobIds.findIndex((id, index) => id !== undefined && jobIds.indexOf(id) < index);
  if (twice < 0) return undefined;
  const path = `jobs[${twice}].spec.job_id`;
  return { kind: "job_id_conflict", path, jobId: jobIds[twice] as string };
}

/** Stores a run if the queues have a place for every job that is ready at once. */
async function storeAdmitted(ports: CreateRunPorts, run: NewRun): Promise<CreateRunResult> {
  const admission = await ports.admit(run.tenant, run.jobs);
  if (admission === undefined) return ports.store(run);
  let stored: StoredRun | undefined;
  try {
    const [full] = admission.full.values();
    if (full !== undefined) return (await ports.findStored(run)) ?? full;
    stored = await ports.store(run);
    return stored;
  } finally {
    admission.settle(() => stored?.kind === "created");
  }
}

/** A run with its ids and digests, ready to be stored. */
export function newRun(tenant: string, run: RunSpec): NewRun {
  const runId = run.runId ?? newId();
  const { project } = run;
  const correlationId = run.correlationId ?? runId;
  const ids = new Map(run.jobs.map((job) => [job.name, job.jobId ?? newId()]));
  const idOf = (name: string) => ids.get(name) as string;
  const jobs = run.jobs.map((job) => ({
    job: newRunJob(tenant, { ...job, jobId: idOf(job.name) }, { project, correlationId }),
    name: job.name,
    unmet: job.dependsOn.length,
  }));
  const edges = run.jobs.flatMap((job) =>
    job.dependsOn.map(({ name, ...rest }) => ({ ...rest, from: idOf(name), to: idOf(job.name) })),
  );
  const { displayName, pipeline, schedule, keepOpen: open } = run;
  const said = { displayName, project, correlationId, pipeline, schedule, open };
  return { tenant, runId, ...said, contentDigest: runDigest(run, jobs), jobs, edges };
}

/** A job with what it inherits from its run. */
export function newRunJob(
  tenant: string,
  { jobId, spec: own }: RunJobSpec,
  run: { readonly project: string; readonly correlationId: string },
): NewJob {
  const spec = {
    ...own,
    project: own.project || run.project,
    correlationId: own.correlationId ?? run.correlationId,
  };
  return { tenant, jobId: jobId ?? newId(), spec, contentDigest: contentDigest(spec) };
}

/** What "the same content" means for a repeated run id; see contentDigest for jobs. */
const runDigest = (run: RunSpec, jobs: NewRun["jobs"]): Uint8Array =>
  contentHash({
    displayName: run.displayName,
    project: run.project,
    ...(run.pipeline !== undefined && { pipeline: run.pipeline }),
    ...(run.keepOpen === true && { keepOpen: true }),
    jobs: run.jobs.map((job, index) => ({
      name: job.name,
      content: Buffer.from(jobs[index]?.job.contentDigest ?? []).toString("hex"),
      dependsOn: job.dependsOn.map(({ name, onFailure, condition, includeFanOut }) => ({
        name,
        onFailure,
        // Left out where they say nothing, so that digests from before the fields still match.
        ...(condition === "success" ? {} : { condition }),
        ...(includeFanOut ? { includeFanOut } : {}),
      })),
    })),
  });
