import type {
  Backfill,
  BackfillSpec,
  DependsOn,
  EdgeCondition,
  JobTemplate,
  OnFailure,
  Orchestrator,
  ParameterKind,
  Pipeline,
  RunJobRequest,
} from "@stellaops/orchestrator";
import type {
  BackfillSpec as BackfillSpecMessage,
  Command,
  Dependency,
  PipelineJob,
  Pipeline as PipelineMessage,
  PipelineParameter,
  RunJob,
  SteerBackfill,
} from "../../gen/driver_pb.ts";
import { collect } from "./collect.ts";
import type { ResultValue } from "./emit.ts";
import { toJobRequest } from "./job-request.ts";
import {
  toBackfill,
  toGap,
  toOperation,
  toPipeline,
  toPreview,
  toRun,
  toWatermark,
} from "./plans-to-wire.ts";

function toDependsOn({ name, onFailure, when, includeFanOut }: Dependency): DependsOn {
  if (onFailure === "" && when === "" && !includeFanOut) return name;
  return {
    name,
    ...(onFailure !== "" && { onFailure: onFailure as OnFailure }),
    ...(when !== "" && { when: when as EdgeCondition }),
    ...(includeFanOut && { includeFanOut }),
  };
}

/** A job of a run in the SDK's words. */
export function toRunJob({ name, job, dependsOn }: RunJob): RunJobRequest {
  if (job === undefined) throw new TypeError(`RunJob ${name} without a job`);
  return { ...toJobRequest(job), name, dependsOn: dependsOn.map(toDependsOn) };
}

const toParameter = ({ name, kind, description, defaultJson }: PipelineParameter) => ({
  name,
  ...(kind !== "" && { kind: kind as ParameterKind }),
  ...(description !== "" && { description }),
  ...(defaultJson !== "" && { defaultValue: JSON.parse(defaultJson) }),
});

function toPipelineJob({ name, job, payloadTemplateJson, dependsOn }: PipelineJob) {
  if (job === undefined) throw new TypeError(`PipelineJob ${name} without a job`);
  return {
    ...(toJobRequest(job) as JobTemplate),
    name,
    ...(payloadTemplateJson !== "" && { payloadTemplate: JSON.parse(payloadTemplateJson) }),
    dependsOn: dependsOn.map(toDependsOn),
  };
}

const fromPipeline = (pipeline: PipelineMessage | undefined): Pipeline => ({
  name: pipeline?.name ?? "",
  ...(pipeline?.description && { description: pipeline.description }),
  parameters: (pipeline?.parameters ?? []).map(toParameter),
  jobs: (pipeline?.jobs ?? []).map(toPipelineJob),
  ...(pipeline?.etag && { etag: pipeline.etag }),
});

function toSpec(spec: BackfillSpecMessage | undefined): BackfillSpec {
  if (spec?.job === undefined) throw new TypeError("a backfill without a job");
  return {
    source: spec.source,
    ...(spec.scope !== "" && { scope: spec.scope }),
    start: new Date(Number(spec.startMs)),
    end: new Date(Number(spec.endMs)),
    job: toJobRequest(spec.job) as JobTemplate,
    ...(spec.maxParallel > 0 && { maxParallel: spec.maxParallel }),
    ...(spec.repeatCovered && { repeatCovered: true }),
  };
}

async function steer(orchestrator: Orchestrator, command: SteerBackfill): Promise<Backfill> {
  const { backfillId, how, reason, ticket } = command;
  const { backfills } = orchestrator;
  switch (how) {
    case "pause":
      return await backfills.pause(backfillId, { reason, ticket });
    case "resume":
      return await backfills.resume(backfillId, { reason, ticket });
    case "cancel":
      return await backfills.cancel(backfillId, { reason, ticket });
    default:
      throw new TypeError(`unknown way to steer a backfill: ${how}`);
  }
}

/** Commands about live and finished runs. */
export async function runRuns(
  { runs }: Orchestrator,
  { case: kind, value }: Command["command"],
): Promise<ResultValue | "unknown"> {
  switch (kind) {
    case "appendJobs": {
      const options = value.close ? { close: true } : {};
      const appended = await runs.append(value.runId, value.jobs.map(toRunJob), options);
      return { case: "appended", value: { ...appended, jobIds: { ...appended.jobIds } } };
    }
    case "listRuns": {
      const { project, pipeline, replayOf } = value;
      const filter = {
        ...(project !== "" && { project }),
        ...(pipeline !== "" && { pipeline }),
        ...(replayOf !== "" && { replayOf }),
      };
      return { case: "runs", value: { runs: (await collect(runs.list(filter))).map(toRun) } };
    }
    case "closeRun":
      return { case: "run", value: toRun(await runs.close(value.runId)) };
    case "cancelRun": {
      const { runId, reason, ticket, graceMs } = value;
      const options = { reason, ticket, ...(graceMs > 0n && { graceMs: Number(graceMs) }) };
      return { case: "operation", value: toOperation(await runs.cancel(runId, options)) };
    }
    case "replayRun": {
      const { runId, jobNames, includeDownstream, rerunUpstream, dryRun, reason, ticket } = value;
      const options = { includeDownstream, rerunUpstream, dryRun, reason, ticket };
      const replay = await runs.replay(
        runId,
        jobNames.length > 0 ? { ...options, jobNames } : options,
      );
      const jobs = replay.jobs.map(({ cause = "", ...job }) => ({ ...job, cause }));
      return { case: "replay", value: { ...replay, runId: replay.runId ?? "", jobs } };
    }
    default:
      return "unknown";
  }
}

/** Commands about pipelines. */
export async function runPipelines(
  { pipelines }: Orchestrator,
  { case: kind, value }: Command["command"],
): Promise<ResultValue | "unknown"> {
  switch (kind) {
    case "putPipeline": {
      const { reason, ticket } = value;
      const stored = await pipelines.put(fromPipeline(value.pipeline), { reason, ticket });
      return { case: "pipeline", value: toPipeline(stored) };
    }
    case "getPipeline": {
      const { name, version } = value;
      const stored = await pipelines.get(name, version > 0 ? { version } : {});
      return { case: "pipeline", value: toPipeline(stored) };
    }
    case "listPipelines": {
      const { versionsOf } = value;
      const list = versionsOf === "" ? pipelines.list() : pipelines.versions(versionsOf);
      return { case: "pipelines", value: { pipelines: (await collect(list)).map(toPipeline) } };
    }
    case "runPipeline": {
      const { name, version, parametersJson, displayName, project, correlationId } = value;
      const created = await pipelines.run(name, {
        ...(version > 0 && { version }),
        ...(parametersJson !== "" && { parameters: JSON.parse(parametersJson) }),
        ...(displayName !== "" && { displayName }),
        ...(project !== "" && { project }),
        ...(correlationId !== "" && { correlationId }),
      });
      return { case: "createdRun", value: { ...created, jobIds: { ...created.jobIds } } };
    }
    default:
      return "unknown";
  }
}

/** Commands about event time: watermarks and backfills. */
export async function runEventTime(
  orchestrator: Orchestrator,
  { case: kind, value }: Command["command"],
): Promise<ResultValue | "unknown"> {
  const { watermarks, backfills } = orchestrator;
  switch (kind) {
    case "putWindowSeries": {
      const { source, scope, widthMs, allowedLatenessMs, originMs, reason, ticket } = value;
      const series = {
        source,
        ...(scope !== "" && { scope }),
        widthMs: Number(widthMs),
        ...(allowedLatenessMs > 0n && { allowedLatenessMs: Number(allowedLatenessMs) }),
        origin: new Date(Number(originMs)),
      };
      const watermark = await watermarks.putSeries(series, { reason, ticket });
      return { case: "watermark", value: toWatermark(watermark) };
    }
    case "getWatermark":
      return {
        case: "watermark",
        value: toWatermark(await watermarks.get(value.source, value.scope)),
      };
    case "listGaps": {
      const gaps = await collect(watermarks.gaps(value.source, value.scope));
      return { case: "gaps", value: { gaps: gaps.map(toGap) } };
    }
    case "previewBackfill":
      return {
        case: "backfillPreview",
        value: toPreview(await backfills.preview(toSpec(value.spec))),
      };
    case "createBackfill": {
      const { reason, ticket } = value;
      const backfill = await backfills.create(toSpec(value.spec), { reason, ticket });
      return { case: "backfill", value: toBackfill(backfill) };
    }
    case "getBackfill":
      return { case: "backfill", value: toBackfill(await backfills.get(value.backfillId)) };
    case "listBackfills": {
      const { source } = value;
      const list = await collect(backfills.list(source === "" ? {} : { source }));
      return { case: "backfills", value: { backfills: list.map(toBackfill) } };
    }
    case "steerBackfill":
      return { case: "backfill", value: toBackfill(await steer(orchestrator, value)) };
    default:
      return "unknown";
  }
}
