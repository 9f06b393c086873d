import { describe, expect, it } from "vitest";
import { Outbox } from "./outbox.ts";

const lane = {
  tenant: "t",
  queue: "q",
  jobType: "a",
  priority: 0,
  source: "",
  concurrencyKey: "",
};
const other = { ...lane, tenant: "u" };

describe("Outbox", () => {
  it("puts together what is for one lane", () => {
    const outbox = new Outbox();
    outbox.add(lane, [1, 2]);
    outbox.add(other, [1]);
    outbox.add({ ...lane }, [3]);
    expect(outbox.empty()).toEqual([
      { lane, seqs: [1, 2, 3], lostAfter: undefined },
      { lane: other, seqs: [1], lostAfter: undefined },
    ]);
    expect(outbox.isEmpty).toBe(true);
  });

  it("says of a loss only the lowest place, and keeps what is before it", () => {
    const outbox = new Outbox();
    outbox.add(lane, [3, 8, 9]);
    outbox.lose(lane, 7);
    outbox.lose(lane, 20);
    expect(outbox.empty()).toEqual([{ lane, seqs: [3], lostAfter: 7 }]);
  });

  it("notes a lane as lost when there are too many numbers", () => {
    const outbox = new Outbox();
    const many = (from: number) => Array.from({ length: 60_000 }, (_, index) => from + index);
    outbox.add(lane, many(1));
    outbox.add(lane, many(60_001));
    expect(outbox.empty()).toEqual([{ lane, seqs: many(1), lostAfter: 60_000 }]);
  });

  it("holds again what could not be said, along with what came meanwhile", () => {
    const outbox = new Outbox();
    outbox.add(lane, [1]);
    outbox.lose(other, 4);
    const batches = outbox.empty();
    outbox.add(lane, [2]);
    outbox.putBack(batches);
    expect(outbox.empty()).toEqual([
      { lane, seqs: [2, 1], lostAfter: undefined },
      { lane: other, seqs: [], lostAfter: 4 },
    ]);
  });

  it("holds no more than 20,000 lanes", () => {
    const outbox = new Outbox();
    for (let index = 0; index < 20_001; index += 1) {
      outbox.add({ ...lane, concurrencyKey: String(index) }, [1]);
    }
    expect(outbox.empty()).toHaveLength(20_000);
  });
});
