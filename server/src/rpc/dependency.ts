import { create } from "@bufbuild/protobuf";
import type { Dependency, EdgeCondition, OnFailure } from "../domain/graph.ts";
import {
  type Dependency as DependencyMessage,
  DependencySchema,
  EdgeCondition as EdgeConditionEnum,
  OnFailure as OnFailureEnum,
} from "../gen/stellaops/orchestrator/v1/run_pb.ts";

const CONDITIONS: Readonly<Record<EdgeCondition, EdgeConditionEnum>> = {
  success: EdgeConditionEnum.SUCCESS,
  completion: EdgeConditionEnum.COMPLETION,
  failure: EdgeConditionEnum.FAILURE,
};

const ON_FAILURE: Readonly<Record<OnFailure, OnFailureEnum>> = {
  cancel: OnFailureEnum.CANCEL,
  hold: OnFailureEnum.HOLD,
  continue: OnFailureEnum.CONTINUE,
};

const nameOf = <Name extends string>(names: Readonly<Record<Name, number>>, value: number) =>
  (Object.keys(names) as Name[]).find((name) => names[name] === value);

/** A dependency off the wire, its defaults filled in. */
export const readDependency = (message: DependencyMessage): Dependency => ({
  name: message.name,
  condition: nameOf(CONDITIONS, message.condition) ?? "success",
  onFailure: nameOf(ON_FAILURE, message.onFailure) ?? "cancel",
  includeFanOut: message.includeFanOut,
});

/** What an edge says, as the contract writes it. */
export const edgePolicy = (
  edge: Pick<Dependency, "condition" | "onFailure" | "includeFanOut">,
) => ({
  condition: CONDITIONS[edge.condition],
  // It goes with success only, and the contract refuses it beside the others.
  onFailure: edge.condition === "success" ? ON_FAILURE[edge.onFailure] : OnFailureEnum.UNSPECIFIED,
  includeFanOut: edge.includeFanOut,
});

/** A dependency as the contract writes it. */
export const dependencyMessage = (dependency: Dependency): DependencyMessage =>
  create(DependencySchema, { name: dependency.name, ...edgePolicy(dependency) });
