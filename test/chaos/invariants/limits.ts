import type { Concurrent, Limited } from "../history.ts";
import type { Invariant, Violation } from "./invariant.ts";

const PER_SECOND = 1_000;

/** 13: a limiter admits at most rate × window + burst, in every window. */
export const limitsHold: Invariant = {
  number: "13",
  title: "a limiter admits ≤ rate × window + burst",
  check({ limited, concurrent }) {
    const violations: Violation[] = [
      ...limited.flatMap((limiter) => overRate(limiter) ?? []),
      ...concurrent.flatMap((limit) => overlap(limit) ?? []),
    ];
    const admitted = limited.reduce((sum, { admittedMs }) => sum + admittedMs.length, 0);
    const held = concurrent.reduce((sum, { spans }) => sum + spans.length, 0);
    return { checked: admitted + held, violations };
  },
};

/**
 * The worst window ends and begins with an admission. With a_i the i-th one's time, the claim is
 * j - i + 1 ≤ rate × (a_j - a_i) + burst for all i ≤ j: one pass with the lowest i - rate × a_i
 * seen so far.
 */
function overRate({ limiter, rate, burst, admittedMs }: Limited): Violation | undefined {
  const times = [...admittedMs].sort((a, b) => a - b);
  let lowest = { level: Number.POSITIVE_INFINITY, index: 0 };
  for (const [index, atMs] of times.entries()) {
    const level = index - (rate * atMs) / PER_SECOND;
    if (level < lowest.level) lowest = { level, index };
    const allowed = (rate * (atMs - (times[lowest.index] ?? atMs))) / PER_SECOND + burst;
    const admitted = index - lowest.index + 1;
    if (admitted <= allowed + 1e-6) continue;
    const text = `${limiter} admitted ${admitted} where ${allowed.toFixed(1)} were allowed`;
    return { text };
  }
  return undefined;
}

function overlap({ limit, most, spans }: Concurrent): Violation | undefined {
  const turns = spans
    .flatMap(({ jobId, fromMs, toMs }) => [
      { jobId, atMs: fromMs, step: 1 },
      { jobId, atMs: toMs, step: -1 },
    ])
    // One that ends when another begins makes room for it.
    .sort((a, b) => a.atMs - b.atMs || a.step - b.step);
  let running = 0;
  for (const { jobId, step } of turns) {
    running += step;
    if (running > most) return { jobId, text: `${limit}: ${running} at once, at most ${most}` };
  }
  return undefined;
}
