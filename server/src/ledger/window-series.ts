import type { NewJob } from "../domain/job-spec.ts";
import { windowFault } from "../domain/plan/windows.ts";
import type { Transaction } from "./transaction.ts";
import { seriesWidths } from "./window-series.sql.ts";

/** A job declares a window that nobody can cover. */
export type WindowRefused =
  | {
      readonly kind: "window_series_not_found";
      readonly source: string;
      readonly scope: string;
    }
  | { readonly kind: "window_invalid"; readonly fault: string };

/**
 * Of new jobs, those whose window is none of a declared series. Asks the ledger only if any of the
 * jobs has a window.
 */
export async function refusedWindows(
  tx: Transaction,
  jobs: readonly NewJob[],
): Promise<ReadonlyMap<NewJob, WindowRefused>> {
  const refused = new Map<NewJob, WindowRefused>();
  const windowed = jobs.filter(({ spec }) => spec.window !== undefined);
  if (windowed.length === 0) return refused;
  const named = new Map(windowed.map((job) => [keyOf(job), job]));
  const series = [...named.values()];
  const rows = await tx.run(
    seriesWidths,
    series.map(({ tenant }) => tenant),
    series.map(({ spec }) => spec.source),
    series.map(({ spec }) => spec.window?.scope ?? ""),
  );
  const widths = new Map(rows.map((row) => [nameOf(row.tenant, row.source, row.scope), row]));
  for (const job of windowed) {
    const { source, window } = job.spec;
    if (window === undefined) continue;
    const width = widths.get(keyOf(job))?.width_ms;
    if (width === undefined) {
      refused.set(job, { kind: "window_series_not_found", source, scope: window.scope });
      continue;
    }
    const fault = windowFault(window, width);
    if (fault !== undefined) refused.set(job, { kind: "window_invalid", fault });
  }
  return refused;
}

const nameOf = (tenant: string, source: string, scope: string) => `${tenant}\0${source}\0${scope}`;

const keyOf = ({ tenant, spec }: NewJob) => nameOf(tenant, spec.source, spec.window?.scope ?? "");
