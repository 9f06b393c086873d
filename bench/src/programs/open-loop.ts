import { nowUs } from "./line-protocol.ts";

/** Calls `send` at a fixed rate, late or not, each with its intended time; waits for all. */
export async function openLoop(
  count: number,
  perSecond: number,
  send: (intendedUs: number) => Promise<unknown>,
): Promise<{ latestUs: number }> {
  const startUs = nowUs() + 1_000;
  const sent: Promise<unknown>[] = [];
  let latestUs = 0;
  while (sent.length < count) {
    const dueUs = startUs + (sent.length * 1e6) / perSecond;
    const late = nowUs() - dueUs;
    if (late < 0) {
      // Timers are a millisecond off: the last half is waited out by turns of the loop.
      if (late < -1_500) await new Promise((resolve) => setTimeout(resolve, -late / 1_000 - 1));
      else await new Promise((resolve) => setImmediate(resolve));
      continue;
    }
    latestUs = Math.max(latestUs, late);
    const answer = send(Math.round(dueUs));
    answer.catch(() => undefined);
    sent.push(answer);
  }
  await Promise.all(sent);
  return { latestUs };
}
