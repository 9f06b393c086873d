import { describe, expect, it } from "vitest";
import { limitsOf } from "./flow/lane-limits.ts";
import type { FlowSettings } from "./flow/settings.ts";
import { shutForGood } from "./flow/shut.ts";
import { compareStuck, type StuckNote } from "./stuck.ts";

const finding = (subject: string, cause: "no_worker" | "limit" = "no_worker") => ({
  subject,
  cause,
  advice: "do something",
});
const note = (subject: string, over: Partial<StuckNote> = {}): StuckNote => ({
  ...finding(subject),
  ageMs: 0,
  announced: false,
  ...over,
});

describe("comparing with the notes", () => {
  it("begins, announces when its time has come, says nothing twice, and lets go", () => {
    const notes = [
      note("young", { ageMs: 99 }),
      note("due", { ageMs: 100 }),
      note("said", { ageMs: 1_000, announced: true }),
      note("gone", { announced: true }),
    ];
    const found = ["new", "young", "due", "said"].map((subject) => finding(subject));
    const changes = compareStuck(found, notes, 100);
    expect(changes.begun.map(({ subject }) => subject)).toEqual(["new"]);
    expect(changes.due.map(({ subject }) => subject)).toEqual(["due"]);
    expect(changes.gone).toEqual(["gone"]);
  });

  it("begins anew when the cause is another", () => {
    const notes = [note("a", { ageMs: 1_000, announced: true })];
    const changes = compareStuck([finding("a", "limit")], notes, 100);
    expect(changes).toEqual({ begun: [finding("a", "limit")], due: [], gone: [] });
  });
});

describe("a lane that a limit shuts for good", () => {
  const lane = { queue: "q", jobType: "t", source: "s", concurrencyKey: "k" };
  const shut = (settings: Record<string, FlowSettings>) =>
    shutForGood(
      limitsOf(
        {
          tenant: "acme",
          version: 1,
          settings: new Map(Object.entries(settings)),
          sources: new Map([["s", { host: "h", objectives: {} }]]),
        },
        lane,
      ),
    );

  it.each([
    ["tenant:", { pause: { reason: "no" } }, "pause"],
    ["queue:q", { pause: { reason: "no" } }, "pause"],
    ["job_type:t", { maxConcurrency: 0 }, "max_concurrency"],
    ["source:s", { maxConcurrency: 0 }, "max_concurrency"],
    ["host:h", { pause: { reason: "no" } }, "pause"],
    ["concurrency_key:k", { maxConcurrency: 0 }, "max_concurrency"],
    ["tenant:", { maxConcurrencyPerKey: 0 }, "max_concurrency"],
    ["tenant:", { quotas: { activeJobs: 0 } }, "quota"],
    ["tenant:", { quotas: { jobsPerHour: 0 } }, "quota"],
    ["tenant:", { quotas: { jobsPerDay: 0 } }, "quota"],
  ] as const)("%s with %j", (key, settings, by) => {
    expect(shut({ [key]: settings })?.by).toBe(by);
  });

  it.each([
    ["tenant:", { pause: { reason: "no", expiresAtMs: 1 } }],
    ["queue:q", { maxConcurrency: 1 }],
    ["queue:other", { pause: { reason: "no" } }],
    ["tenant:", { quotas: { activeJobs: 1, artifactBytes: 0 } }],
  ] as const)("is not one because of %s with %j", (key, settings) => {
    expect(shut({ [key]: settings })).toBeUndefined();
  });
});
