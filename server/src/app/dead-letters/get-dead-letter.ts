import type { DeadLetterView } from "../../domain/dead-letter.ts";
import type { AttemptView, JobView } from "../../domain/job-view.ts";

/** A dead letter with all that is known about it. */
export interface FoundLetter {
  readonly letter: DeadLetterView;
  /** Its payload only if there was somebody to read it. */
  readonly job: JobView;
  /** Its newest 100, oldest first. */
  readonly attempts: readonly AttemptView[];
}
