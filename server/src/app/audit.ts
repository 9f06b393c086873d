/** Who changes something, and why: what the history keeps beside the change itself. */
export interface Audit {
  /** Who says so; nobody has verified it. */
  readonly actor: string;
  readonly reason: string;
  readonly ticket: string;
}
