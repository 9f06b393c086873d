import { jittered, type Loop, loop } from "../lib/loop.ts";

/** What tidying up needs. */
export interface JanitorPorts {
  /** Forgets idempotency keys and claim receipts that are over their time; answers how many. */
  readonly forgetOld: () => Promise<number>;
  /** Removes uploads that nobody finished. */
  readonly removeStaleUploads: () => Promise<unknown>;
  readonly random: () => number;
  readonly onError: (loop: string, error: unknown) => void;
}

const INTERVAL_MS = 60_000;

/** The loop that removes what is over its published time. */
export const janitor = (ports: JanitorPorts): Loop =>
  loop({
    name: "janitor",
    restAfterErrorMs: INTERVAL_MS,
    onError: ports.onError,
    tick: async () => {
      const forgotten = await ports.forgetOld();
      await ports.removeStaleUploads();
      return forgotten > 0 ? 0 : jittered(INTERVAL_MS, ports.random());
    },
  });
