import type { Feature, FeatureOptions } from "./features.ts";

/** Builds PipelineService and the views of runs. */
export const wirePipelines = (_options: FeatureOptions): Feature => ({ loops: [] });
