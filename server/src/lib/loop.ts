import { Wake } from "./wake.ts";

/** A loop that runs beside everything else. */
export interface Loop {
  readonly start: () => void;
  /** Ends the loop after the tick that is under way. May be called more than once. */
  readonly stop: () => Promise<void>;
  /** Makes the next tick come now. */
  readonly wake: () => void;
}

/** How a loop behaves. */
export interface LoopOptions {
  readonly name: string;
  /** Does a bounded amount of work; answers how long to rest, in milliseconds. */
  readonly tick: () => Promise<number>;
  /** How long to rest after a tick that failed, in milliseconds. */
  readonly restAfterErrorMs: number;
  readonly onError: (loop: string, error: unknown) => void;
}

/** Runs `tick` again and again, one at a time, until it is stopped. */
export function loop(options: LoopOptions): Loop {
  const wake = new Wake();
  let running: Promise<void> | undefined;
  let stopped = false;
  const run = async () => {
    while (!stopped) {
      let restMs = options.restAfterErrorMs;
      try {
        restMs = await options.tick();
      } catch (error) {
        options.onError(options.name, error);
      }
      if (!stopped && restMs > 0) await wake.wait(restMs);
    }
  };
  return {
    start() {
      running ??= run();
    },
    async stop() {
      stopped = true;
      wake.wake();
      await running;
    },
    wake: () => wake.wake(),
  };
}

/** A duration spread evenly over ±20 %, so that replicas do not tick in step. */
export const jittered = (ms: number, random: number): number => ms * (0.8 + 0.4 * random);
