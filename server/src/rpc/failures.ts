import { FAILURE_CLASSES, type Failure, type FailureClass } from "../domain/lease.ts";
import {
  FailureClass as FailureClassMessage,
  type Failure as FailureMessage,
} from "../gen/stellaops/orchestrator/v1/failure_pb.ts";
import { msIfSet } from "./durations.ts";

/** The contract has the same names in capitals. */
const NAMES = new Map<FailureClassMessage, FailureClass>(
  FAILURE_CLASSES.map((name) => [
    FailureClassMessage[name.toUpperCase() as keyof typeof FailureClassMessage],
    name,
  ]),
);

/** A failure class off the wire; undefined for one that is not said. */
export const failureClassOf = (message: FailureClassMessage): FailureClass | undefined =>
  NAMES.get(message);

/** A failure off the wire. No class counts as the handler's own error; oversize is terminal. */
export function readFailure(message: FailureMessage | undefined): Failure {
  const failureClass = NAMES.get(message?.failureClass ?? FailureClassMessage.USER) ?? "user";
  return {
    failureClass,
    message: storable(message?.message ?? ""),
    terminal: (message?.terminal ?? false) || failureClass === "oversize",
    retryAfterMs: msIfSet(message?.retryAfter),
  };
}

/**
 * A worker's text as the ledger can hold it: U+0000 becomes U+FFFD. Refusing it would make the
 * worker send the same report for ever.
 */
export const storable = (text: string): string => text.replaceAll("\0", "\uFFFD");
