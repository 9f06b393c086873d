import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { LeaseRefSchema, OfferSchema } from "../gen/stellaops/orchestrator/v1/task_runner_pb.ts";
import {
  type HeldLease,
  type LeaseEvent,
  type LeaseState,
  LeaseTable,
  leaseMoves,
} from "./lease-table.ts";

const events: LeaseEvent[] = [
  "accepted",
  "refused",
  "stop",
  "lost",
  "finished",
  "gave_up",
  "answered",
];
/** How a lease gets into each state. */
const paths: Record<LeaseState, LeaseEvent[]> = {
  offered: [],
  running: ["accepted"],
  stopping: ["accepted", "stop"],
  lingering: ["accepted", "lost"],
  reporting: ["accepted", "finished"],
};

function leaseIn(state: LeaseState): { table: LeaseTable; lease: HeldLease } {
  const table = new LeaseTable(() => {});
  const ref = create(LeaseRefSchema, { jobId: "job", leaseEpoch: 1n });
  const lease = table.add(create(OfferSchema, { lease: ref }), ref);
  for (const event of paths[state]) expect(table.move(lease, event)).toBe(true);
  expect(lease.state).toBe(state);
  return { table, lease };
}

test("every listed move is made and counted, every other one is refused", () => {
  for (const state of Object.keys(paths) as LeaseState[]) {
    for (const event of events) {
      const { table, lease } = leaseIn(state);
      const next = leaseMoves[state][event];
      expect(table.move(lease, event), `${state} ${event}`).toBe(next !== undefined);
      expect(lease.state).toBe(next ?? state);
      expect(table.size).toBe(next === "gone" ? 0 : 1);
      const now = next ?? state;
      for (const other of Object.keys(paths) as LeaseState[]) {
        expect(table.count(other)).toBe(other === now ? 1 : 0);
      }
    }
  }
});

test("a lease that is gone does not move again", () => {
  const { table, lease } = leaseIn("reporting");
  table.move(lease, "answered");
  for (const event of events) expect(table.move(lease, event)).toBe(false);
  expect(table.newestOf("job")).toBeUndefined();
});

test("the newest lease of a job is known by its job", () => {
  const { table, lease } = leaseIn("lingering");
  const ref = create(LeaseRefSchema, { jobId: "job", leaseEpoch: 2n });
  const newer = table.add(create(OfferSchema, { lease: ref }), ref);
  expect(table.newestOf("job")).toBe(newer);
  table.move(lease, "finished");
  expect(table.newestOf("job")).toBe(newer);
  expect(table.in("offered")).toEqual([newer]);
});
