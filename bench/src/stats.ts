/** The middle and the spread of figures of several rounds. */
export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** How many rounds. */
  readonly count: number;
}

/**
 * The quantile `q` (0 to 1) of values in any order, by the nearest rank: a value that was really
 * measured. Throws a RangeError for no values.
 */
export function quantile(values: readonly number[], q: number): number {
  if (values.length === 0) throw new RangeError("no values");
  const sorted = Float64Array.from(values).sort();
  const rank = Math.max(1, Math.ceil(q * sorted.length));
  return sorted[rank - 1] as number;
}

/** The median; of an even count the mean of the two in the middle. Throws for no values. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError("no values");
  const sorted = Float64Array.from(values).sort();
  const half = sorted.length >> 1;
  const upper = sorted[half] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] as number) + upper) / 2;
}

/** Median and spread. Throws a RangeError for no values. */
export function summarise(values: readonly number[]): Summary {
  return {
    median: median(values),
    min: quantile(values, 0),
    max: quantile(values, 1),
    count: values.length,
  };
}

/** Latencies as p50, p95, p99 and max, in the unit of the values. Throws for no values. */
export function latencies(values: readonly number[]): Readonly<Record<string, number>> {
  return {
    p50: quantile(values, 0.5),
    p95: quantile(values, 0.95),
    p99: quantile(values, 0.99),
    max: quantile(values, 1),
  };
}
