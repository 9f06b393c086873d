import { expect, it } from "vitest";
import { inTurn } from "./in-turn.ts";

it("runs one after the other, and goes on after a failure", async () => {
  const turn = inTurn();
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
