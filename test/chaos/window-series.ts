import { Orchestrator } from "@stellaops/orchestrator";
import { originOf, SERIES, SOURCE } from "./planned-jobs.ts";

/** Declares the windows of a run, by the server's own API. */
export async function putSeries(
  url: string,
  tenants: readonly string[],
  startedAtMs: number,
): Promise<void> {
  for (const tenant of tenants) {
    const client = new Orchestrator({ url, tenant });
    for (const series of SERIES) {
      const { scope, widthMs, latenessMs } = series;
      const origin = new Date(originOf(series, startedAtMs));
      const declared = { source: SOURCE, scope, widthMs, allowedLatenessMs: latenessMs, origin };
      await client.watermarks.putSeries(declared, { reason: "chaos" });
    }
    await client.close();
  }
}
