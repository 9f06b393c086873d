/** A task runner, as operators tell them apart. */
export interface Runner {
  readonly workerId: string;
  /** The machine that it runs on; empty if it did not say. */
  readonly host: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Names task runners; what is set must all match. Plain JSON, as `take_out.selector` keeps it. */
export interface RunnerSelector {
  /** Any of these; empty: not set. */
  readonly workerIds: readonly string[];
  /** Empty: not set. */
  readonly host: string;
  /** All of these; empty: not set. */
  readonly labels: Readonly<Record<string, string>>;
}

/** Whether a selector names a task runner. One in which nothing is set names all. */
export const selects = (selector: RunnerSelector, runner: Runner): boolean =>
  (selector.workerIds.length === 0 || selector.workerIds.includes(runner.workerId)) &&
  (selector.host === "" || selector.host === runner.host) &&
  Object.entries(selector.labels).every(([name, value]) => runner.labels[name] === value);
