import type { Dependency, GraphFault } from "../../domain/graph.ts";
import type { NewJob } from "../../domain/job-spec.ts";
import type { LeaseRef } from "../../domain/lease.ts";
import type { Admit } from "../flow/admit-jobs.ts";
import type { QueueFull } from "../flow/refusals.ts";
import {
  type BadBatch,
  checkBatch,
  newRunJob,
  type RunConflict,
  type RunJobSpec,
} from "./create-run.ts";

/** A batch of jobs for a run, as its producer describes it. */
export interface AppendSpec {
  readonly runId: string;
  readonly jobs: readonly RunJobSpec[];
  /** The lease under which a handler appends. */
  readonly fanOut: LeaseRef | undefined;
  /** True: the last batch. */
  readonly close: boolean;
}

/** A batch of jobs on its way into the ledger. */
export interface NewBatch extends Omit<AppendSpec, "jobs"> {
  readonly tenant: string;
  readonly jobs: readonly {
    readonly job: NewJob;
    readonly name: string;
    readonly dependsOn: readonly Dependency[];
  }[];
}

/** Why a batch could not be appended. */
export type AppendConflict =
  | RunConflict
  | { readonly kind: "run_not_found" | "run_closed" | "run_cancelled" }
  | { readonly kind: "stale_lease" | "job_not_in_run"; readonly jobId: string }
  | { readonly kind: "job_name_conflict"; readonly path: string; readonly jobId: string }
  | { readonly kind: "too_many_edges"; readonly edges: number; readonly maxEdges: number }
  | { readonly kind: "bad_graph"; readonly faults: readonly GraphFault[] };

/** What the ledger answers for a batch. */
export type AppendedBatch =
  | {
      readonly kind: "appended";
      /** In the order of the batch. */
      readonly jobIds: readonly string[];
      /** How many of them were there already. */
      readonly existing: number;
    }
  | AppendConflict;

/** What became of a request to append jobs. */
export type AppendJobsResult = AppendedBatch | BadBatch | QueueFull;

/** What appending jobs needs. */
export interface AppendJobsPorts {
  /** What jobs inherit from the run; undefined if the tenant has no such run. */
  readonly heritage: (
    tenant: string,
    runId: string,
  ) => Promise<{ readonly project: string; readonly correlationId: string } | undefined>;
  /** Which of the names jobs of the run have. */
  readonly known: (tenant: string, runId: string, names: string[]) => Promise<ReadonlySet<string>>;
  readonly append: (batch: NewBatch) => Promise<AppendedBatch>;
  /** What a batch would be answered of which all is there already; undefined if it is not. */
  readonly findAppended: (batch: NewBatch) => Promise<AppendedBatch | undefined>;
  readonly admit: Admit;
  readonly maxPayloadBytes: number;
}

/** Adds jobs to a live run: all of them or none. */
export const appendJobs =
  (ports: AppendJobsPorts) =>
  async (tenant: string, spec: AppendSpec): Promise<AppendJobsResult> => {
    const { runId, fanOut, close } = spec;
    const heritage = await ports.heritage(tenant, runId);
    if (heritage === undefined) return { kind: "run_not_found" };
    const own = new Set(spec.jobs.map(({ name }) => name));
    const others = spec.jobs.flatMap(({ dependsOn }) =>
      dependsOn.map(({ name }) => name).filter((name) => !own.has(name)),
    );
    const known =
      others.length === 0
        ? new Set<string>()
        : await ports.known(tenant, runId, [...new Set(others)]);
    const bad = checkBatch(spec.jobs, ports.maxPayloadBytes, known);
    if (bad !== undefined) return bad;
    const jobs = spec.jobs.map((job) => ({
      job: newRunJob(tenant, job, heritage),
      name: job.name,
      dependsOn: job.dependsOn,
    }));
    return appendAdmitted(ports, { tenant, runId, fanOut, close, jobs });
  };

/** Appends a batch if the queues have a place for every job that depends on nothing. */
async function appendAdmitted(ports: AppendJobsPorts, batch: NewBatch): Promise<AppendJobsResult> {
  const jobs = batch.jobs.map(({ job, dependsOn }) => ({ job, unmet: dependsOn.length }));
  const admission = await ports.admit(batch.tenant, jobs);
  if (admission === undefined) return ports.append(batch);
  let appended: AppendedBatch | undefined;
  try {
    const [full] = admission.full.values();
    if (full !== undefined) return (await ports.findAppended(batch)) ?? full;
    appended = await ports.append(batch);
    return appended;
  } finally {
    const ids = new Set(appended?.kind === "appended" ? appended.jobIds : []);
    // One that was there already has an id of its own.
    admission.settle((position) => ids.has(batch.jobs[position]?.job.jobId ?? ""));
  }
}
