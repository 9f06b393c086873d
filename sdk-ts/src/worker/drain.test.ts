import { expect, test } from "vitest";
import { Condition } from "./condition.ts";
import { type DrainPorts, drain } from "./drain.ts";

/** A worker's state and a record of what the drain asked of it. */
function ports(state: { running: number; idle: boolean; acked: boolean; connected: boolean }) {
  const calls: string[] = [];
  const condition = new Condition();
  const drainPorts: DrainPorts = {
    announce: (reason) => calls.push(`announce ${reason}`),
    isAcknowledged: () => state.acked,
    isConnected: () => state.connected,
    running: () => state.running,
    isIdle: () => state.idle,
    stopAll: (graceMs) => calls.push(`stop ${graceMs}`),
    giveUpAll: () => {
      calls.push("give up");
      state.running = 0;
    },
    until: (holds, timeoutMs) => condition.until(holds, timeoutMs),
  };
  const change = (next: Partial<typeof state>) => {
    Object.assign(state, next);
    condition.changed();
  };
  return { calls, drainPorts, change };
}

test("waits for the ack, for the handlers and for the answers, in this order", async () => {
  const state = { running: 1, idle: false, acked: false, connected: true };
  const { calls, drainPorts, change } = ports(state);
  let isOver = false;
  const over = drain(drainPorts, "SIGTERM", 60_000).then(() => {
    isOver = true;
  });
  change({ running: 0 });
  await Promise.resolve();
  expect(isOver).toBe(false);
  change({ acked: true });
  await Promise.resolve();
  expect(isOver).toBe(false);
  change({ idle: true });
  await over;
  expect(calls).toEqual(["announce SIGTERM"]);
});

test("asks what still runs after the grace to stop, then gives it up", async () => {
  const state = { running: 2, idle: false, acked: true, connected: true };
  const { calls, drainPorts } = ports(state);
  await drain(drainPorts, "SIGTERM", 50);
  expect(calls).toEqual(["announce SIGTERM", "stop 5", "give up"]);
});

test("does not wait for an ack that cannot come when there is nothing to lose", async () => {
  const state = { running: 0, idle: true, acked: false, connected: false };
  await drain(ports(state).drainPorts, "SIGTERM", 60_000);
});
