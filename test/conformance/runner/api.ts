/** The orchestrator's contract, as generated for the server: the suite owes nothing to an SDK. */
export * from "../../../server/src/gen/google/rpc/error_details_pb.ts";
export * from "../../../server/src/gen/google/rpc/status_pb.ts";
export * from "../../../server/src/gen/stellaops/orchestrator/v1/artifact_pb.ts";
export * from "../../../server/src/gen/stellaops/orchestrator/v1/backfill_pb.ts";
export * from "../../../server/src/gen/stellaops/orchestrator/v1/job_pb.ts";
export * from "../../../server/src/gen/stellaops/orchestrator/v1/lease_policy_pb.ts";
export * from "../../../server/src/gen/stellaops/orchestrator/v1/pipeline_pb.ts";
export * from "../../../server/src/gen/stellaops/orchestrator/v1/run_pb.ts";
export * from "../../../server/src/gen/stellaops/orchestrator/v1/task_runner_pb.ts";
export * from "../../../server/src/gen/stellaops/orchestrator/v1/watermark_pb.ts";
