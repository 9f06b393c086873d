import type { Bar, Contestant } from "./workload.ts";

/** What ratio is asked against each kind of contestant; undefined: printed, not judged. */
export interface Asked {
  readonly bound?: number | undefined;
  readonly peer?: number | undefined;
  readonly reference?: number | undefined;
}

/**
 * Bars of our figure against everybody else's. For latencies, where less is better, the ratio asked
 * is a most.
 */
export function barsAgainst(
  contestants: readonly Contestant[],
  metric: string,
  asked: Asked,
  better: "more" | "less" = "more",
): Bar[] {
  return contestants.flatMap(({ name, role }): Bar[] => {
    if (role === "ours" || role === "variant") return [];
    // The one-table bound is another design: it says how far a simple one gets.
    const limit = name.includes("one table") ? undefined : asked[role];
    const judged = limit === undefined ? {} : { [better === "more" ? "least" : "most"]: limit };
    return [{ of: "ours", metric, against: name, ...judged }];
  });
}
