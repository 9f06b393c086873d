import { type Client, Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RetryInfoSchema,
} from "../../gen/google/rpc/error_details_pb.ts";
import { ArtifactService } from "../../gen/stellaops/orchestrator/v1/artifact_pb.ts";
import { BackfillService } from "../../gen/stellaops/orchestrator/v1/backfill_pb.ts";
import { DeadLetterService } from "../../gen/stellaops/orchestrator/v1/dead_letter_pb.ts";
import { FleetService } from "../../gen/stellaops/orchestrator/v1/fleet_pb.ts";
import { FlowControlService } from "../../gen/stellaops/orchestrator/v1/flow_control_pb.ts";
import { HistoryService } from "../../gen/stellaops/orchestrator/v1/history_pb.ts";
import { JobService } from "../../gen/stellaops/orchestrator/v1/job_pb.ts";
import {
  type Operation,
  OperationService,
  OperationState,
} from "../../gen/stellaops/orchestrator/v1/operation_pb.ts";
import { PipelineService } from "../../gen/stellaops/orchestrator/v1/pipeline_pb.ts";
import { RunService } from "../../gen/stellaops/orchestrator/v1/run_pb.ts";
import { ScheduleService } from "../../gen/stellaops/orchestrator/v1/schedule_pb.ts";
import { SourceService } from "../../gen/stellaops/orchestrator/v1/source_pb.ts";
import { TaskRunnerService } from "../../gen/stellaops/orchestrator/v1/task_runner_pb.ts";
import { WatermarkService } from "../../gen/stellaops/orchestrator/v1/watermark_pb.ts";

/** The services of the contract. */
export const SERVICES = [
  TaskRunnerService,
  JobService,
  RunService,
  ArtifactService,
  SourceService,
  FlowControlService,
  PipelineService,
  ScheduleService,
  WatermarkService,
  BackfillService,
  OperationService,
  DeadLetterService,
  FleetService,
  HistoryService,
] as const;

/** Clients of one server, speaking gRPC over one connection. */
export interface Clients {
  readonly jobs: Client<typeof JobService>;
  readonly runs: Client<typeof RunService>;
  readonly artifacts: Client<typeof ArtifactService>;
  readonly taskRunner: Client<typeof TaskRunnerService>;
  readonly sources: Client<typeof SourceService>;
  readonly flow: Client<typeof FlowControlService>;
  readonly pipelines: Client<typeof PipelineService>;
  readonly schedules: Client<typeof ScheduleService>;
  readonly watermarks: Client<typeof WatermarkService>;
  readonly backfills: Client<typeof BackfillService>;
  readonly operations: Client<typeof OperationService>;
  readonly deadLetters: Client<typeof DeadLetterService>;
  readonly fleet: Client<typeof FleetService>;
  readonly history: Client<typeof HistoryService>;
  /** Cuts the connection. */
  close(): void;
}

/** Makes clients of the server at the address; the first call connects. */
export function clientsOf(baseUrl: string): Clients {
  const sessionManager = new Http2SessionManager(baseUrl);
  const transport = createGrpcTransport({ baseUrl, sessionManager });
  return {
    jobs: createClient(JobService, transport),
    runs: createClient(RunService, transport),
    artifacts: createClient(ArtifactService, transport),
    taskRunner: createClient(TaskRunnerService, transport),
    sources: createClient(SourceService, transport),
    flow: createClient(FlowControlService, transport),
    pipelines: createClient(PipelineService, transport),
    schedules: createClient(ScheduleService, transport),
    watermarks: createClient(WatermarkService, transport),
    backfills: createClient(BackfillService, transport),
    operations: createClient(OperationService, transport),
    deadLetters: createClient(DeadLetterService, transport),
    fleet: createClient(FleetService, transport),
    history: createClient(HistoryService, transport),
    close: () => sessionManager.abort(),
  };
}

/** Who calls. */
export const as = (tenant: string, actor = "ada") => ({
  headers: { "orch-tenant": tenant, "orch-actor": actor },
});

/** Asks again and again until an operation has ended. */
export async function ended(
  { operations }: Pick<Clients, "operations">,
  tenant: string,
  operationId: string,
): Promise<Operation> {
  for (;;) {
    const { operation } = await operations.getOperation({ operationId }, as(tenant));
    if (operation === undefined) throw new Error("an answer without an operation");
    if (operation.state !== OperationState.RUNNING) return operation;
  }
}

/** A failed call as a client sees it. */
export interface SeenFailure {
  /** The code's name, such as "Unavailable". */
  readonly code: string;
  readonly reason: string | undefined;
  readonly violations: readonly string[];
  /** RetryInfo's delay; undefined if there is none. */
  readonly retryAfterMs: number | undefined;
}

/** What a call failed with; undefined when it did not. */
export async function failureOf(call: Promise<unknown>): Promise<SeenFailure | undefined> {
  try {
    await call;
    return undefined;
  } catch (thrown) {
    const error = ConnectError.from(thrown);
    const delay = error.findDetails(RetryInfoSchema)[0]?.retryDelay;
    return {
      code: Code[error.code],
      reason: error.findDetails(ErrorInfoSchema)[0]?.reason,
      violations: error
        .findDetails(BadRequestSchema)
        .flatMap((detail) => detail.fieldViolations.map(({ field }) => field)),
      retryAfterMs: delay && Number(delay.seconds) * 1_000 + delay.nanos / 1_000_000,
    };
  }
}
