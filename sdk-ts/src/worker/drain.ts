/** What a drain needs from the worker. */
export interface DrainPorts {
  /** Says Drain now and on every stream to come, and starts nothing any more. */
  readonly announce: (reason: string) => void;
  /** Whether the server has said that no offer comes any more. */
  readonly isAcknowledged: () => boolean;
  /** Whether a session is up. */
  readonly isConnected: () => boolean;
  /** How many handlers run. */
  readonly running: () => number;
  /** Whether nothing runs and every outcome was answered. */
  readonly isIdle: () => boolean;
  /** Asks every handler to stop within `graceMs`. */
  readonly stopAll: (graceMs: number) => void;
  /** Gives up the handlers that did not stop. */
  readonly giveUpAll: () => void;
  /** Resolves with true once `holds` does, with false after `timeoutMs`. */
  readonly until: (holds: () => boolean, timeoutMs: number) => Promise<boolean>;
}

/**
 * Ends a worker's time without losing anything: no new offers, then what is held ends by itself
 * within the grace, then the rest is asked to stop and released, then the answers are waited
 * for. After the grace come two short waits of a tenth of it each, so with the contract's 25 s
 * all is over in 30 s, which is what Kubernetes gives.
 */
export async function drain(ports: DrainPorts, reason: string, graceMs: number): Promise<void> {
  const deadline = performance.now() + graceMs;
  const left = () => deadline - performance.now();
  const shortMs = graceMs / 10;
  ports.announce(reason);
  // The barrier: after it, every offer that was on its way has arrived.
  const hasNothing = () => !ports.isConnected() && ports.isIdle();
  await ports.until(() => ports.isAcknowledged() || hasNothing(), left());
  await ports.until(() => ports.running() === 0, left());
  if (ports.running() > 0) {
    ports.stopAll(shortMs);
    await ports.until(() => ports.running() === 0, shortMs);
    ports.giveUpAll();
  }
  await ports.until(ports.isIdle, Math.max(left(), shortMs));
}
