import type { DeadLetterGroup } from "../../domain/dead-letter.ts";

/** Letters by their signatures, the largest groups first. */
export interface LetterGroups {
  readonly groups: readonly DeadLetterGroup[];
  /** There are more letters or groups than were looked at. */
  readonly truncated: boolean;
}
