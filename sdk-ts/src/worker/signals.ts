import { constants } from "node:os";

const drainSignals = ["SIGTERM", "SIGINT"] as const;

/**
 * Calls `onFirst` at the first SIGTERM or SIGINT and ends the process at the second, with the
 * exit code that a shell expects. Returns what takes the listeners off again.
 */
export function onStopSignals(onFirst: (signal: NodeJS.Signals) => void): () => void {
  let isFirst = true;
  const listener = (signal: NodeJS.Signals) => {
    if (!isFirst) process.exit(128 + constants.signals[signal]);
    isFirst = false;
    onFirst(signal);
  };
  for (const signal of drainSignals) process.on(signal, listener);
  return () => {
    for (const signal of drainSignals) process.off(signal, listener);
  };
}
