/**
 * Moves this process's wall clock: `Date` with no argument and `Date.now`. Timers and the
 * monotonic clock stay, as they do when an operator sets a machine's time.
 */
export function shiftClock(offsetMs: number): void {
  if (offsetMs === 0) return;
  const Real = Date;
  const now = () => Real.now() + offsetMs;
  globalThis.Date = new Proxy(Real, {
    construct: (target, args, newTarget) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
    apply: () => new Real(now()).toString(),
    get: (target, key, receiver) => (key === "now" ? now : Reflect.get(target, key, receiver)),
  });
}
