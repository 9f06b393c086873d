import { serve } from "./line-protocol.ts";

/** What a peer's program can do; the same for all of them. */
export interface PeerProgram {
  /** Installs itself in an empty database. */
  open(url: string): Promise<void>;
  /** Adds jobs in one call, by its bulk method. */
  add(count: number): Promise<void>;
  /**
   * Begins to work and counts what it handles (see startCounting). Answers when it first asked
   * for jobs, in milliseconds since 1970.
   */
  work(): Promise<number>;
  /** Stops working; answers the latencies of timed jobs in microseconds. */
  stop(): Promise<readonly number[]>;
  /** Adds timed jobs one by one at a fixed rate. */
  latency(count: number, perSecond: number): Promise<unknown>;
}

const FILL_BATCH = 1_000;

/** Serves a peer's program to the main process. */
export function servePeer(peer: PeerProgram): void {
  serve({
    open: ({ url }) => peer.open(String(url)),
    work: async () => ({ startedAtMs: await peer.work() }),
    stop: async () => ({ latenciesUs: await peer.stop() }),
    latency: ({ count, perSecond }) => peer.latency(Number(count), Number(perSecond)),
    async enqueue({ count, batch = FILL_BATCH, inFlight = 2 }) {
      let left = Number(count);
      const lane = async () => {
        while (left > 0) {
          const size = Math.min(left, Number(batch));
          left -= size;
          await peer.add(size);
        }
      };
      const startedAt = performance.now();
      await Promise.all(Array.from({ length: Number(inFlight) }, lane));
      return { seconds: (performance.now() - startedAt) / 1000 };
    },
  });
}
