import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { BreakerView, FlowStateView, LimiterView } from "../app/flow/list-states.ts";
import {
  BreakerPhase,
  BreakerStateSchema,
  type FlowState,
  FlowStateSchema,
  LimiterStateSchema,
} from "../gen/stellaops/orchestrator/v1/flow_control_pb.ts";
import { scopeMessage } from "./flow-scope.ts";

/** What was found out about a scope, as the contract writes it. */
export const flowStateMessage = (state: FlowStateView): FlowState =>
  create(FlowStateSchema, {
    scope: scopeMessage(state.scope),
    limiter: state.limiter && limiterMessage(state.limiter),
    breaker: state.breaker && breakerMessage(state.breaker),
    dynamicLimit: state.dynamicLimit,
  });

const timestampIfSet = (date: Date | undefined) => date && timestampFromDate(date);

const limiterMessage = (limiter: LimiterView) =>
  create(LimiterStateSchema, {
    ratePerSecond: limiter.ratePerSecond,
    ceilingPerSecond: limiter.ceilingPerSecond,
    lastCutTime: timestampIfSet(limiter.lastCutAt),
    cutReason: limiter.cutReason,
    blockedUntil: timestampIfSet(limiter.blockedUntil),
  });

const breakerMessage = (breaker: BreakerView) =>
  create(BreakerStateSchema, {
    phase: PHASES[breaker.phase],
    openUntil: timestampIfSet(breaker.openUntil),
    timesOpened: breaker.timesOpened,
    reason: breaker.reason,
  });

const PHASES = {
  closed: BreakerPhase.CLOSED,
  open: BreakerPhase.OPEN,
  half_open: BreakerPhase.HALF_OPEN,
} as const;
