import { BackfillState as BackfillEnum } from "../gen/stellaops/orchestrator/v1/backfill_pb.ts";
import { FailureClass } from "../gen/stellaops/orchestrator/v1/failure_pb.ts";
import {
  BreakerPhase as BreakerPhaseEnum,
  FlowScopeKind as FlowScopeKindEnum,
} from "../gen/stellaops/orchestrator/v1/flow_control_pb.ts";
import {
  AttemptOutcome,
  CancelOutcome,
  JobState as JobStateEnum,
  RetryOutcome,
} from "../gen/stellaops/orchestrator/v1/job_pb.ts";
import {
  OperationKind as OperationKindEnum,
  OperationState as OperationStateEnum,
} from "../gen/stellaops/orchestrator/v1/operation_pb.ts";
import { ParameterKind as ParameterEnum } from "../gen/stellaops/orchestrator/v1/pipeline_pb.ts";
import {
  EdgeCondition as EdgeConditionEnum,
  OnFailure as OnFailureEnum,
  ReplayCause as ReplayCauseEnum,
  RunState as RunStateEnum,
} from "../gen/stellaops/orchestrator/v1/run_pb.ts";

/** The lower-case names of an enum's values, without the one for "not said". */
type Names<E> = Lowercase<Exclude<Extract<keyof E, string>, "UNSPECIFIED">>;

/** Translates between an enum of the contract and lower-case names. */
export interface EnumNames<Name extends string, Value extends number> {
  /** The name of a value; undefined for "not said" and for values newer than this SDK. */
  nameOf(value: number): Name | undefined;
  /** The value of a name. Throws a TypeError for a name that does not exist. */
  valueOf(name: Name): Value;
}

function names<E extends Record<string, number>>(values: E): EnumNames<Names<E>, E[keyof E]> {
  const byName = new Map<string, E[keyof E]>();
  const byValue = new Map<number, Names<E>>();
  for (const [key, value] of Object.entries(values)) {
    if (key === "UNSPECIFIED") continue;
    byName.set(key.toLowerCase(), value as E[keyof E]);
    byValue.set(value, key.toLowerCase() as Names<E>);
  }
  return {
    nameOf: (value) => byValue.get(value),
    valueOf(name) {
      const value = byName.get(name);
      if (value === undefined) {
        throw new TypeError(`"${name}" is not one of ${[...byName.keys()].join(", ")}`);
      }
      return value;
    },
  };
}

/** Where a job stands. */
export type JobState = Names<typeof JobStateEnum>;
/** The sum of a run's jobs. */
export type RunState = Names<typeof RunStateEnum>;
/** What happens to a job when one that it depends on does not succeed. */
export type OnFailure = Names<typeof OnFailureEnum>;
/** Which end of a job lets one go that depends on it. */
export type EdgeCondition = Names<typeof EdgeConditionEnum>;
/** Why a job is part of a replay. */
export type ReplayCause = Names<typeof ReplayCauseEnum>;
/** What values a pipeline's parameter takes. */
export type ParameterKind = Names<typeof ParameterEnum>;
/** What an operation does. */
export type OperationKind = Names<typeof OperationKindEnum>;
/** Where an operation stands. */
export type OperationState = Names<typeof OperationStateEnum>;
/** Where a backfill stands. */
export type BackfillState = Names<typeof BackfillEnum>;
/** What a limit can be set on. */
export type FlowScopeKind = Names<typeof FlowScopeKindEnum>;
/** Where a circuit breaker stands. */
export type BreakerPhase = Names<typeof BreakerPhaseEnum>;

/** The names of what limits can be set on. */
export const flowScopeKinds = names(FlowScopeKindEnum);
/** The names of where circuit breakers stand. */
export const breakerPhases = names(BreakerPhaseEnum);
/** The names of job states. */
export const jobStates = names(JobStateEnum);
/** The names of run states. */
export const runStates = names(RunStateEnum);
/** The names of attempts' outcomes. */
export const attemptOutcomes = names(AttemptOutcome);
/** The names of failure classes. */
export const failureClasses = names(FailureClass);
/** The names of what became of requests to cancel. */
export const cancelOutcomes = names(CancelOutcome);
/** The names of what became of requests to retry. */
export const retryOutcomes = names(RetryOutcome);
/** The names of what a failed dependency does. */
export const onFailures = names(OnFailureEnum);
/** The names of ends of jobs that let others go. */
export const edgeConditions = names(EdgeConditionEnum);
/** The names of why jobs are part of replays. */
export const replayCauses = names(ReplayCauseEnum);
/** The names of what values parameters take. */
export const parameterKinds = names(ParameterEnum);
/** The names of what operations do. */
export const operationKinds = names(OperationKindEnum);
/** The names of where operations stand. */
export const operationStates = names(OperationStateEnum);
/** The names of where backfills stand. */
export const backfillStates = names(BackfillEnum);
