import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { OperationResultView, OperationView } from "../app/operations/operation-view.ts";
import type { OperationOutcome } from "../domain/operation.ts";
import { JobState } from "../gen/stellaops/orchestrator/v1/job_pb.ts";
import {
  type Operation,
  OperationKind,
  OperationOutcome as OperationOutcomeEnum,
  type OperationResult,
  OperationResultSchema,
  OperationSchema,
  OperationState,
} from "../gen/stellaops/orchestrator/v1/operation_pb.ts";
import { stateMessage } from "./job-view.ts";

const KINDS = {
  retry: OperationKind.RETRY,
  cancel: OperationKind.CANCEL,
  discard: OperationKind.DISCARD,
  reprioritise: OperationKind.REPRIORITISE,
  move: OperationKind.MOVE,
  extend_deadline: OperationKind.EXTEND_DEADLINE,
  cancel_run: OperationKind.CANCEL_RUN,
  replay_run: OperationKind.REPLAY_RUN,
} as const;

const STATES = {
  running: OperationState.RUNNING,
  done: OperationState.DONE,
  stopped: OperationState.STOPPED,
} as const;

const OUTCOMES = {
  applied: OperationOutcomeEnum.APPLIED,
  unchanged: OperationOutcomeEnum.UNCHANGED,
  refused: OperationOutcomeEnum.REFUSED,
} as const;

const OUTCOME_NAMES = new Map(
  Object.entries(OUTCOMES).map(([name, value]) => [value, name as OperationOutcome]),
);

/** An outcome of the contract; undefined for one that is not said. */
export const outcomeOf = (outcome: OperationOutcomeEnum): OperationOutcome | undefined =>
  OUTCOME_NAMES.get(outcome as 1 | 2 | 3);

/** An operation as the contract writes it. */
export const operationMessage = (view: OperationView): Operation =>
  create(OperationSchema, {
    operationId: view.id,
    tenant: view.tenant,
    kind: KINDS[view.kind],
    state: STATES[view.state],
    actor: view.actor,
    reason: view.reason,
    ticket: view.ticket,
    matching: BigInt(view.matching),
    applied: BigInt(view.applied),
    unchanged: BigInt(view.unchanged),
    refused: BigInt(view.refused),
    createTime: timestampFromDate(view.createdAt),
    finishTime: view.finishedAt && timestampFromDate(view.finishedAt),
    runId: view.runId ?? "",
  });

/** What became of a job, as the contract writes it. */
export const resultMessage = (view: OperationResultView): OperationResult =>
  create(OperationResultSchema, {
    jobId: view.jobId,
    outcome: OUTCOMES[view.outcome],
    reason: view.reason,
    state: view.state === undefined ? JobState.UNSPECIFIED : stateMessage(view.state),
  });
