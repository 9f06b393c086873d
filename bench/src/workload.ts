import type { CpuTimes } from "./cpu.ts";
import type { Lab } from "./lab.ts";

/** What one round measured. */
export interface Sample {
  /** Figures by name: `jobs/s`, `p50 ms`. */
  readonly metrics: Readonly<Record<string, number>>;
  /** CPU microseconds a job for each process. */
  readonly cpuUsPerJob?: CpuTimes;
  readonly walBytesPerJob?: number;
  readonly deadTuples?: number;
}

/** One contestant, ready to be measured in turn with the others. */
export interface Entry {
  /** Unique in its workload. */
  readonly name: string;
  /**
   * `ours` is what is judged; `variant` is ours under other circumstances; the bound is what the
   * database alone can do; a reference is something else to compare with.
   */
  readonly role: "ours" | "variant" | "bound" | "peer" | "reference";
  /** Measures once. Throws when a job was lost or doubled: then the figure means nothing. */
  measure(): Promise<Sample>;
  close(): Promise<void>;
}

/** A contestant that starts its processes when its workload begins. */
export interface Contestant {
  readonly name: string;
  readonly role: Entry["role"];
  open(): Promise<Entry>;
}

/** What a figure is compared with, and what is asked of the ratio or of the figure itself. */
export interface Bar {
  /** The contestant whose figure is judged. */
  readonly of: string;
  readonly metric: string;
  /** Divides by this contestant's figure (of `againstMetric`); unset: the figure itself counts. */
  readonly against?: string;
  readonly againstMetric?: string;
  /** At least, or at most. Unset: printed, not judged. */
  readonly least?: number;
  readonly most?: number;
}

/** A workload: who takes part in it and what is asked. */
export interface Workload {
  /** W1 … W12. */
  readonly id: string;
  readonly title: string;
  /** What was done, with the sizes. */
  readonly setting: string;
  /** The figures that the table shows, the first one before all. */
  readonly metrics: readonly string[];
  readonly contestants: readonly Contestant[];
  readonly bars: readonly Bar[];
  /** Who is not there and why. */
  readonly leftOut: readonly LeftOut[];
  /** Fewer rounds than asked for, because one takes very long. */
  readonly rounds?: number;
}

/** Somebody or something that does not take part. */
export interface LeftOut {
  readonly name: string;
  readonly why: string;
}

/** Builds a workload for a laboratory; nothing is started yet. */
export type Plan = (lab: Lab) => Workload | Promise<Workload>;

/** What a workload came to. */
export interface WorkloadResult {
  readonly id: string;
  readonly title: string;
  readonly setting: string;
  readonly metrics: readonly string[];
  readonly entries: readonly EntryResult[];
  readonly bars: readonly Bar[];
  readonly leftOut: readonly LeftOut[];
  readonly seconds: number;
}

/** All rounds of one contestant, in order. */
export interface EntryResult {
  readonly name: string;
  readonly role: Entry["role"];
  readonly samples: readonly Sample[];
  /** Why it failed, if it did; its figures are then void. */
  readonly failure?: string;
}
