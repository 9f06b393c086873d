import type { HandlerContext } from "@connectrpc/connect";
import type { OperationRequest } from "../app/operations/start-operation.ts";
import type { JobAction, OperationTarget } from "../domain/operation.ts";
import type { StartOperationRequest } from "../gen/stellaops/orchestrator/v1/operation_pb.ts";
import { auditOf } from "./audit.ts";
import { letterFilterOf } from "./dead-letter-message.ts";
import { msIfSet, msOf } from "./durations.ts";
import { filterOf, orUndefined } from "./job-read.ts";

/** An operation off the wire. */
export const readOperationRequest = (
  request: StartOperationRequest,
  context: HandlerContext,
): OperationRequest => ({
  requestId: orUndefined(request.requestId)?.toLowerCase(),
  target: targetOf(request.target),
  action: actionOf(request.action),
  maxPerSecond: request.maxJobsPerSecond,
  ...auditOf(request, context),
});

function targetOf(target: StartOperationRequest["target"]): OperationTarget {
  switch (target.case) {
    case "jobs":
      return { kind: "jobs", jobIds: target.value.jobIds.map((id) => id.toLowerCase()) };
    case "matching":
      return { kind: "matching", filter: filterOf(target.value, "matching") };
    case "deadLetters":
      return { kind: "dead_letters", filter: letterFilterOf(target.value, "dead_letters") };
    case undefined:
      throw new Error("validation let a request without a target through");
  }
}

function actionOf(action: StartOperationRequest["action"]): JobAction {
  switch (action.case) {
    case "retry":
    case "discard":
      return { kind: action.case };
    case "cancel":
      return { kind: "cancel", graceMs: msIfSet(action.value.grace) };
    case "reprioritise":
      return { kind: "reprioritise", priority: action.value.priority };
    case "move":
      return { kind: "move", queue: action.value.queue };
    case "extendDeadline": {
      const { deadline } = action.value;
      if (deadline === undefined) throw new Error("validation let no deadline through");
      // What is less than a millisecond counts as one: the ledger keeps no shorter deadline.
      return { kind: "extend_deadline", deadlineMs: Math.max(1, msOf(deadline)) };
    }
    case undefined:
      throw new Error("validation let a request without an action through");
  }
}
