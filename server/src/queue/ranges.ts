import type { ClaimRange } from "../app/bridge/ready-queue.ts";
import type { Lane } from "../domain/offer.ts";

/** The most ranges that the jobs of one lane become; each costs the claim an index probe. */
const MAX_RANGES = 8;

/** Gaps up to this are not worth a range of their own: at most so many dead entries are read. */
const SMALL_GAP = 16;

/**
 * Sequence numbers of a lane, ascending, as few ranges: cut at the widest gaps, because claimed
 * jobs in a gap leave dead entries behind. What lies in the others was popped together with its
 * neighbours or is new, so hardly a range reaches into what another replica popped; where it
 * does, the claim skips what is locked or gone.
 */
export function rangesOf(lane: Lane, seqs: readonly number[]): ClaimRange[] {
  const cuts = seqs
    .map((seq, index) => ({ index, gap: index === 0 ? 0 : seq - (seqs[index - 1] ?? seq) }))
    .filter(({ gap }) => gap > SMALL_GAP)
    .sort((a, b) => b.gap - a.gap)
    .slice(0, MAX_RANGES - 1)
    .map(({ index }) => index)
    .sort((a, b) => a - b);
  const starts = [0, ...cuts];
  return starts.flatMap((start, place) => {
    const part = seqs.slice(start, starts[place + 1]);
    const [first, last] = [part[0], part.at(-1)];
    if (first === undefined || last === undefined) return [];
    return [{ lane, after: first - 1, upTo: last, limit: part.length }];
  });
}
