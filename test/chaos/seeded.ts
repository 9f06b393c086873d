/** Randomness that a seed repeats. */
export interface Seeded {
  /** Evenly distributed in [0, 1). */
  next(): number;
  /** A whole number from `least` to `most`, both included. */
  between(least: number, most: number): number;
  pick<T>(items: readonly T[]): T;
  /** True with this probability. */
  chance(probability: number): boolean;
}

const TWO_TO_32 = 2 ** 32;

/** FNV-1a, 32 bits: spreads a text over all seeds. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const character of text) {
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  }
  return hash >>> 0;
}

/**
 * A stream of randomness of its own for each seed and purpose, so that one more draw for one
 * purpose does not shift the others. The generator is mulberry32: 32 bits of state, which is
 * plenty for a schedule and nothing for a secret.
 */
export function seeded(seed: number, purpose: string): Seeded {
  let state = (seed ^ hashOf(purpose)) >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / TWO_TO_32;
  };
  const between = (least: number, most: number) => least + Math.floor(next() * (most - least + 1));
  return {
    next,
    between,
    pick: (items) => {
      const item = items[between(0, items.length - 1)];
      if (item === undefined) throw new RangeError("nothing to pick from");
      return item;
    },
    chance: (probability) => next() < probability,
  };
}
