import { expect, it, vi } from "vitest";
import { inTurn } from "./in-turn.ts";

const OPTIONS = { maxWaitMs: 1_000, tooLate: () => new Error("too late") };

it("runs one after the other, and goes on after a failure", async () => {
  const turn = inTurn(OPTIONS);
  const seen: string[] = [];
  let open = () => {};
  const first = turn(async () => {
    seen.push("first begins");
    await new Promise<void>((resolve) => {
      open = resolve;
    });
    seen.push("first ends");
    throw new Error("no");
  });
  const second = turn(async () => {
    seen.push("second");
    return 2;
  });
  const failure = first.catch((error: Error) => error.message);
  await Promise.resolve();
  expect(seen).toEqual(["first begins"]);
  open();
  expect(await second).toBe(2);
  expect(await failure).toBe("no");
  expect(seen).toEqual(["first begins", "first ends", "second"]);
});

it("does not begin what has waited for too long", async () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  try {
    const turn = inTurn(OPTIONS);
    let open = () => {};
    const first = turn(() => new Promise<void>((resolve) => (open = resolve)));
    const late = vi.fn(async () => {});
    const refused = turn(late).catch((error: Error) => error.message);
    await Promise.resolve();
    vi.advanceTimersByTime(1_001);
    const third = turn(async () => 3);
    open();
    await first;
    expect(await refused).toBe("too late");
    expect(late).not.toHaveBeenCalled();
    expect(await third).toBe(3);
  } finally {
    vi.useRealTimers();
  }
});
