import type { RunOperation } from "./plan-runs.ts";
import type { PlannedStep } from "./planned-jobs.ts";
import type { Producing } from "./producing.ts";

/** Makes runs, fills, cancels and replays them. */
export class RunProducer {
  readonly #producing: Producing;
  /** Ids of the runs that were answered, by the names that the plan has for them. */
  readonly #runs = new Map<string, string>();

  constructor(producing: Producing) {
    this.#producing = producing;
  }

  async perform(tenant: string, operation: RunOperation): Promise<void> {
    if (operation.kind === "live run") return await this.#fill(tenant, operation);
    const runId = this.#runs.get(operation.run);
    // Its own making may have failed, or still be under way.
    if (runId === undefined) return;
    const producing = this.#producing;
    const { runs } = producing.clientOf(tenant);
    if (operation.kind === "cancel run") {
      const { operationId } = await runs.cancel(runId, { reason: "chaos", graceMs: 1_000 });
      producing.grant(tenant, "cancelled run", runId);
      return producing.grant(tenant, "operation", operationId);
    }
    const { jobNames, includeDownstream, rerunUpstream } = operation;
    const what = { jobNames, includeDownstream, rerunUpstream, reason: "chaos" };
    const replay = await runs.replay(runId, what);
    if (replay.runId !== undefined) producing.grant(tenant, "run", replay.runId);
  }

  /** Makes a run of the steps; the id, once it is there. */
  async create(
    tenant: string,
    run: string,
    steps: readonly PlannedStep[],
    keepOpen: boolean,
  ): Promise<string> {
    const producing = this.#producing;
    const jobs = producing.stepsOf(tenant, steps);
    const request = { displayName: tenant, jobs, keepOpen };
    const { runId, jobIds } = await producing.clientOf(tenant).createRun(request);
    this.#runs.set(run, runId);
    producing.grant(tenant, "run", runId);
    this.#acknowledge(tenant, steps, jobIds);
    return runId;
  }

  async #fill(
    tenant: string,
    { run, steps, batches, pauseMs }: Extract<RunOperation, { kind: "live run" }>,
  ): Promise<void> {
    const producing = this.#producing;
    const { runs } = producing.clientOf(tenant);
    const runId = await this.create(tenant, run, steps, batches.length > 0);
    try {
      for (const [index, batch] of batches.entries()) {
        await producing.rest(pauseMs);
        const jobs = producing.stepsOf(tenant, batch);
        const close = index === batches.length - 1;
        const { jobIds } = await runs.append(runId, jobs, { close });
        this.#acknowledge(tenant, batch, jobIds);
      }
    } catch (error) {
      // What failed may have been the batch that closes it.
      await runs.close(runId);
      throw error;
    }
  }

  #acknowledge(
    tenant: string,
    steps: readonly PlannedStep[],
    jobIds: Readonly<Record<string, string>>,
  ): void {
    for (const { name, nonce } of steps) {
      this.#producing.acknowledge(tenant, nonce, "created", jobIds[name]);
    }
  }
}
