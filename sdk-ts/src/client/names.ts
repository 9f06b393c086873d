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
import { OnFailure, RunState as RunStateEnum } from "../gen/stellaops/orchestrator/v1/run_pb.ts";

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
export const onFailures = names(OnFailure);
