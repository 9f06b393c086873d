import { listPipelines } from "../app/pipelines/list-pipelines.ts";
import { putPipeline } from "../app/pipelines/put-pipeline.ts";
import { runPipeline } from "../app/pipelines/run-pipeline.ts";
import { createRun } from "../app/runs/create-run.ts";
import { criticalPath } from "../app/runs/critical-path.ts";
import { graphPage } from "../app/runs/graph-page.ts";
import { listRuns } from "../app/runs/list-runs.ts";
import { timelinePage } from "../app/runs/timeline-page.ts";
import { countCapableElsewhere } from "../ledger/capabilities.ts";
import {
  findPipelineIn,
  listNewestPipelinesIn,
  listPipelineVersionsIn,
  pipelineVersionOfRunIn,
  storePipelineIn,
} from "../ledger/pipelines.ts";
import { listRunsIn } from "../ledger/run-list.ts";
import { describeStepsIn, loadPathIn } from "../ledger/run-path.ts";
import { readRunHead } from "../ledger/run-read.ts";
import { readGraphPage, readTimelinePage } from "../ledger/run-view.ts";
import { pipelineService } from "../rpc/pipeline-service.ts";
import { runViews } from "../rpc/run-views.ts";
import type { Feature, FeatureOptions } from "./features.ts";
import { createPorts } from "./runs.ts";

/** Builds PipelineService and the views of runs. */
export const wirePipelines = (options: FeatureOptions): Feature => ({
  pipeline: pipelines(options),
  run: views(options),
  loops: [],
});

function pipelines(options: FeatureOptions) {
  const { pool, policies } = options;
  const { maxPayloadBytes } = policies.base;
  const find = findPipelineIn(pool);
  return pipelineService({
    put: putPipeline({ store: storePipelineIn(pool), maxPayloadBytes }),
    find,
    list: listPipelines({
      newest: listNewestPipelinesIn(pool),
      versions: listPipelineVersionsIn(pool),
    }),
    run: runPipeline({
      find,
      versionOf: pipelineVersionOfRunIn(pool),
      create: createRun(createPorts(options)),
      maxPayloadBytes,
    }),
    readRunHead: readRunHead(pool),
  });
}

function views({ pool, flow, bridge, serverId }: FeatureOptions) {
  const capableElsewhere = countCapableElsewhere(pool, serverId);
  return runViews({
    list: listRuns({ list: listRunsIn(pool) }),
    graph: graphPage({
      read: readGraphPage(pool),
      heldBack: (tenant, lanes) => flow.gates.explainAll(tenant, lanes),
      capableWorkers: async (...of) =>
        bridge.dispatcher.capable(...of) + (await capableElsewhere(...of)),
    }),
    timeline: timelinePage({ read: readTimelinePage(pool) }),
    criticalPath: criticalPath({ load: loadPathIn(pool), describe: describeStepsIn(pool) }),
  });
}
