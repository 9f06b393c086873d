import type { Failure, FailureClass } from "./lease.ts";

/** Narrows dead letters; what is undefined or empty does not count, the rest must all match. */
export interface DeadLetterFilter {
  readonly jobTypes: readonly string[];
  readonly queue: string | undefined;
  readonly source: string | undefined;
  readonly failureClasses: readonly FailureClass[];
  readonly signature: string | undefined;
  readonly runId: string | undefined;
  /** Inclusive. */
  readonly diedFrom: Date | undefined;
  /** Exclusive. */
  readonly diedBefore: Date | undefined;
}

/** A dead job that waits for somebody to decide. */
export interface DeadLetterView {
  readonly jobId: string;
  readonly jobType: string;
  readonly queue: string;
  /** Empty: none. */
  readonly source: string;
  readonly runId: string | undefined;
  /** Why the last attempt did not succeed. */
  readonly failure: Failure;
  readonly signature: string;
  readonly pattern: string;
  /** How many attempts it had. */
  readonly attempts: number;
  readonly diedAt: Date;
  /** The same in microseconds since 1970, which is what orders letters. */
  readonly diedUs: number;
}

/** Dead letters of one signature. */
export interface DeadLetterGroup {
  readonly signature: string;
  readonly failureClass: FailureClass;
  readonly pattern: string;
  readonly count: number;
  /** Up to 10. */
  readonly jobTypes: readonly string[];
  readonly firstAt: Date;
  readonly lastAt: Date;
  /** The newest of them. */
  readonly sampleJobId: string;
}
