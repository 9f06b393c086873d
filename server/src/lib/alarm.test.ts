import { describe, expect, it } from "vitest";
import { Alarm } from "./alarm.ts";

const HOUR = 3_600_000;

describe("an alarm", () => {
  it("ends a sleep when it rings", async () => {
    const alarm = new Alarm(new AbortController().signal);
    const asleep = alarm.wait(HOUR);
    alarm.ring();
    await asleep;
  });

  it("remembers a ring that came too early, and many as one", async () => {
    const alarm = new Alarm(new AbortController().signal);
    alarm.ring();
    alarm.ring();
    await alarm.wait(HOUR);
    const second = alarm.wait(HOUR).then(() => "woke");
    expect(await Promise.race([second, Promise.resolve("asleep")])).toBe("asleep");
    alarm.ring();
    expect(await second).toBe("woke");
  });

  it("keeps a ring that comes during a pause for the next wait", async () => {
    const alarm = new Alarm(new AbortController().signal);
    const paused = alarm.pause(5);
    alarm.ring();
    await paused;
    await alarm.wait(HOUR);
  });

  it("sleeps no longer than it was told", () => new Alarm(new AbortController().signal).wait(5));

  it("does not sleep once its signal is aborted", async () => {
    const stop = new AbortController();
    const alarm = new Alarm(stop.signal);
    const asleep = [alarm.wait(HOUR)];
    stop.abort();
    await Promise.all(asleep);
    await alarm.wait(HOUR);
    await alarm.pause(HOUR);
  });
});
