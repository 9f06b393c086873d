import type { ServiceImpl } from "@connectrpc/connect";
import type { CreateRunResult, RunSpec } from "../app/runs/create-run.ts";
import type { RunHead, RunView } from "../domain/run-view.ts";
import type { RunService } from "../gen/stellaops/orchestrator/v1/run_pb.ts";
import { notFound } from "./errors.ts";
import { tenantOf } from "./interceptors/tenant.ts";
import { jobMessage } from "./job-view.ts";
import { readRunSpec, runError } from "./run-spec.ts";
import { edgeMessage, runMessage } from "./run-view.ts";

/** The use cases behind the service. */
export interface RunServicePorts {
  readonly create: (tenant: string, run: RunSpec) => Promise<CreateRunResult>;
  readonly read: (tenant: string, runId: string) => Promise<RunView | undefined>;
  readonly readHead: (tenant: string, runId: string) => Promise<RunHead | undefined>;
}

/** RunService: translates, and leaves the work to the use cases. */
export const runService = (ports: RunServicePorts): Partial<ServiceImpl<typeof RunService>> => ({
  async createRun(request, context) {
    const tenant = tenantOf(context);
    const result = await ports.create(tenant, readRunSpec(request));
    if (result.kind !== "created" && result.kind !== "existing") throw runError(result);
    const { runId } = result;
    const run = await ports.readHead(tenant, runId);
    if (run === undefined) throw notFound("RUN_NOT_FOUND", { runId });
    return {
      run: runMessage(run),
      jobIds: [...result.jobIds],
      alreadyExisted: result.kind === "existing",
    };
  },

  async getRun({ runId }, context) {
    const run = await ports.read(tenantOf(context), runId);
    if (run === undefined) throw notFound("RUN_NOT_FOUND", { runId });
    return {
      run: runMessage(run),
      jobs: run.jobs.map(jobMessage),
      edges: run.edges.map(edgeMessage),
      truncated: run.truncated,
    };
  },
});
