import { expect, it } from "vitest";
import type { Blackout, FlowConfig, FlowSettings } from "../../domain/flow/settings.ts";
import { type Preempted, stopForBlackouts } from "./blackout-stops.ts";

const window = (name: string, endMs: number, stopRunning: boolean): Blackout => ({
  kind: "once",
  name,
  startMs: 0,
  endMs,
  stopRunning,
});

/** What is asked to stop at a moment, by what is set. */
async function asked(settings: Record<string, FlowSettings>, nowMs: number) {
  const config: FlowConfig = {
    tenant: "acme",
    version: 1,
    settings: new Map(Object.entries(settings)),
    sources: new Map([["osv", { host: "osv.dev", objectives: {} }]]),
  };
  const calls: { sources: readonly string[] | undefined; note: string }[] = [];
  const job: Preempted = { tenant: "acme", jobId: "j", leaseEpoch: 1 };
  const stop = stopForBlackouts({
    configs: { peek: (tenant) => (tenant === "acme" ? config : undefined) },
    runningSources: async () => ["", "osv", "osv.dev", "ghsa"],
    preempt: async (_tenant, sources, note) => {
      calls.push({ sources, note });
      return [job];
    },
    stop: () => {},
    now: () => nowMs,
  });
  expect(await stop(["acme", "nobody-knows"])).toBe(calls.length);
  return calls;
}

it("asks all of a tenant, one source, or whatever reads from a host", async () => {
  const blackouts = [window("w", 10, true)];
  expect(
    await asked(
      { "tenant:": { blackouts }, "source:a:b": { blackouts }, "host:osv.dev": { blackouts } },
      5,
    ),
  ).toEqual([
    { sources: undefined, note: "blackout w of tenant:" },
    { sources: ["a:b"], note: "blackout w of source:a:b" },
    // Also a source that is not registered and has the host's name.
    { sources: ["osv", "osv.dev"], note: "blackout w of host:osv.dev" },
  ]);
});

it("asks nobody outside of a window, nor in one that lets jobs finish", async () => {
  expect(await asked({ "tenant:": { blackouts: [window("w", 10, true)] } }, 10)).toEqual([]);
  expect(await asked({ "tenant:": { blackouts: [window("w", 10, false)] } }, 5)).toEqual([]);
  expect(await asked({ "host:else.dev": { blackouts: [window("w", 10, true)] } }, 5)).toEqual([]);
});

it("asks for a window that stops, though a longer one that does not is in force too", async () => {
  const blackouts = [window("long", 100, false), window("short", 10, true)];
  const [call] = await asked({ "source:osv": { blackouts } }, 5);
  expect(call).toEqual({ sources: ["osv"], note: "blackout short of source:osv" });
  expect(await asked({ "source:osv": { blackouts } }, 50)).toEqual([]);
});
