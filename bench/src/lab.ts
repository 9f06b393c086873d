import type { Options } from "./options.ts";
import type { BenchPostgres } from "./postgres.ts";
import type { WorkloadResult } from "./workload.ts";

/** What workloads work with. */
export interface Lab {
  readonly postgres: BenchPostgres;
  readonly options: Options;
  /** A size of a full run, and of a quick one. */
  size(full: number, quick: number): number;
  /** What earlier workloads of this run came to, such as W3's rate for W4. */
  readonly earlier: readonly WorkloadResult[];
  /** A line on standard error. */
  say(text: string): void;
}
