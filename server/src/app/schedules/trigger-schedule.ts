import type { Firing, TargetRefusal } from "./stored-schedule.ts";

/** What became of a request to fire a schedule. */
export type TriggerResult =
  | { readonly kind: "fired"; readonly firing: Firing }
  | { readonly kind: "not_found" }
  /** What it should make was refused; nothing was written. */
  | { readonly kind: "refused"; readonly refusal: TargetRefusal };
