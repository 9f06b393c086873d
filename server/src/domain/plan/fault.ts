/** Something in a request that cannot be. All of them are found at once, and nothing is thrown. */
export interface PlanFault {
  /** Where it stands, as the contract names it: `parameters[1].default_value`. */
  readonly path: string;
  /** What is wrong, for people; begins in lower case and has no full stop. */
  readonly description: string;
}
