import type { DescService } from "@bufbuild/protobuf";
import type { ConnectRouter, Interceptor, ServiceImpl } from "@connectrpc/connect";
import type { Logger } from "pino";
import { Health } from "../gen/grpc/health/v1/health_pb.ts";
import { ArtifactService } from "../gen/stellaops/orchestrator/v1/artifact_pb.ts";
import { BackfillService } from "../gen/stellaops/orchestrator/v1/backfill_pb.ts";
import { DeadLetterService } from "../gen/stellaops/orchestrator/v1/dead_letter_pb.ts";
import { FleetService } from "../gen/stellaops/orchestrator/v1/fleet_pb.ts";
import { FlowControlService } from "../gen/stellaops/orchestrator/v1/flow_control_pb.ts";
import { HistoryService } from "../gen/stellaops/orchestrator/v1/history_pb.ts";
import { JobService } from "../gen/stellaops/orchestrator/v1/job_pb.ts";
import { OperationService } from "../gen/stellaops/orchestrator/v1/operation_pb.ts";
import { PipelineService } from "../gen/stellaops/orchestrator/v1/pipeline_pb.ts";
import { RunService } from "../gen/stellaops/orchestrator/v1/run_pb.ts";
import { ScheduleService } from "../gen/stellaops/orchestrator/v1/schedule_pb.ts";
import { SourceService } from "../gen/stellaops/orchestrator/v1/source_pb.ts";
import { TaskRunnerService } from "../gen/stellaops/orchestrator/v1/task_runner_pb.ts";
import { WatermarkService } from "../gen/stellaops/orchestrator/v1/watermark_pb.ts";
import { createHealth } from "./health.ts";
import { actorInterceptor } from "./interceptors/actor.ts";
import { errorsInterceptor } from "./interceptors/errors.ts";
import { loggingInterceptor } from "./interceptors/logging.ts";
import { tenantInterceptor } from "./interceptors/tenant.ts";
import { createContractValidator, validationInterceptor } from "./interceptors/validation.ts";
import { reflectionRoutes } from "./reflection.ts";
import { createFastPath, type FastMethod, type FastPath } from "./unary-fast-path.ts";

/** The services of the contract, each over its use cases. */
export interface ContractServices {
  readonly taskRunner: ServiceImpl<typeof TaskRunnerService>;
  readonly job: ServiceImpl<typeof JobService>;
  readonly run: Partial<ServiceImpl<typeof RunService>>;
  readonly artifact: ServiceImpl<typeof ArtifactService>;
  readonly source: ServiceImpl<typeof SourceService>;
  readonly flowControl: ServiceImpl<typeof FlowControlService>;
  readonly pipeline?: ServiceImpl<typeof PipelineService>;
  readonly schedule?: ServiceImpl<typeof ScheduleService>;
  readonly watermark?: ServiceImpl<typeof WatermarkService>;
  readonly backfill?: ServiceImpl<typeof BackfillService>;
  readonly operation?: ServiceImpl<typeof OperationService>;
  readonly deadLetter?: ServiceImpl<typeof DeadLetterService>;
  readonly fleet?: ServiceImpl<typeof FleetService>;
  readonly history?: ServiceImpl<typeof HistoryService>;
}

const SERVICES: readonly DescService[] = [
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
];

/** Everything that a listener serves, and the health that it reports. */
export interface Routes {
  readonly routes: (router: ConnectRouter) => void;
  /** Outermost first. */
  readonly interceptors: Interceptor[];
  /** Undefined where every call is logged, which is the adapter's to do. */
  readonly fastPath: FastPath | undefined;
  /** Reports that every service can be used. */
  readonly serving: () => void;
  /** Reports that none can, and ends the watches of that. */
  readonly shutDown: () => void;
}

/** Puts the contract's services, health and reflection together. */
export function contractRoutes(
  services: ContractServices,
  logger: Logger,
  maxMessageBytes: number,
): Routes {
  const validator = createContractValidator();
  const hot: FastMethod[] = [
    { method: JobService.method.enqueueJobs, invoke: services.job.enqueueJobs },
    { method: TaskRunnerService.method.renewLeases, invoke: services.taskRunner.renewLeases },
    {
      method: TaskRunnerService.method.completeAttempts,
      invoke: services.taskRunner.completeAttempts,
    },
    { method: TaskRunnerService.method.checkLease, invoke: services.taskRunner.checkLease },
  ];
  const names = SERVICES.map((service) => service.typeName);
  const health = createHealth(names);
  const reflection = reflectionRoutes([...SERVICES, Health]);
  return {
    routes: (router) => {
      router.service(TaskRunnerService, services.taskRunner);
      router.service(JobService, services.job);
      router.service(RunService, services.run);
      router.service(ArtifactService, services.artifact);
      router.service(SourceService, services.source);
      router.service(FlowControlService, services.flowControl);
      router.service(PipelineService, services.pipeline ?? {});
      router.service(ScheduleService, services.schedule ?? {});
      router.service(WatermarkService, services.watermark ?? {});
      router.service(BackfillService, services.backfill ?? {});
      router.service(OperationService, services.operation ?? {});
      router.service(DeadLetterService, services.deadLetter ?? {});
      router.service(FleetService, services.fleet ?? {});
      router.service(HistoryService, services.history ?? {});
      health.routes(router);
      reflection(router);
    },
    interceptors: [
      loggingInterceptor(logger),
      errorsInterceptor(logger),
      tenantInterceptor(),
      actorInterceptor(),
      validationInterceptor(validator),
    ],
    fastPath: logger.isLevelEnabled("debug")
      ? undefined
      : createFastPath(hot, validator, maxMessageBytes),
    serving: () => {
      for (const name of ["", ...names]) health.set(name, "serving");
    },
    shutDown: () => health.shutDown(),
  };
}
