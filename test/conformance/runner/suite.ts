import { readFileSync } from "node:fs";
import { join, matchesGlob } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { parse } from "yaml";
import { type Outcome, type Playground, play } from "./play.ts";
import type { Scenario } from "./scenario.ts";
import { prepare, type Readiness, type Sdk } from "./sdks.ts";

/** How many scenarios run at once: most of them wait most of the time. */
const PARALLEL = 6;
/** How many of those whose clocks are measured. */
const PARALLEL_STRICT = 2;

/** What to play. */
export interface Selection {
  readonly sdks: readonly Sdk[];
  readonly scenarios: readonly Scenario[];
  /** Whether to build the programs first. */
  readonly build: boolean;
}

/** What became of it. */
export interface SuiteResult {
  readonly outcomes: readonly Outcome[];
  /** The SDKs' names in the order of `sdks.yaml`. */
  readonly sdks: readonly string[];
  /** SDKs that could not be played, by name. */
  readonly leftOut: ReadonlyMap<string, Exclude<Readiness, { kind: "ready" }>>;
  /** Failures that the list does not know and passes that it does, in words. */
  readonly complaints: readonly string[];
}

/** Scenarios that are known to fail, by SDK. */
export type KnownFailing = Readonly<Record<string, readonly string[]>>;

/** Reads `known-failing.yaml`. */
export const readKnownFailing = (suite: string): KnownFailing =>
  (parse(readFileSync(join(suite, "known-failing.yaml"), "utf8")) as KnownFailing | null) ?? {};

/** Those whose names match any of the globs; all if there is none. */
export const matchingNames = <T extends { readonly name: string }>(
  items: readonly T[],
  globs: readonly string[],
): T[] =>
  globs.length === 0
    ? [...items]
    : items.filter(({ name }) => globs.some((glob) => matchesGlob(name, glob)));

/** Plays every scenario with every SDK that can be played. */
export async function playSuite(
  { sdks, scenarios, build }: Selection,
  ground: Playground,
  known: KnownFailing,
  onOutcome: (outcome: Outcome) => void = () => {},
): Promise<SuiteResult> {
  const leftOut = new Map<string, Exclude<Readiness, { kind: "ready" }>>();
  const ready: Sdk[] = [];
  for (const sdk of sdks) {
    const readiness = await prepare(sdk, ground.root, build);
    if (readiness.kind === "ready") ready.push(sdk);
    else leftOut.set(sdk.name, readiness);
  }
  // It takes some seconds: let it start while scenarios that do without it are played.
  const needsServer = ready.length > 0 && scenarios.some(({ server }) => server === "real");
  if (needsServer) void ground.realServer().catch(() => {});
  const outcomes: Outcome[] = [];
  const stage = async (strict: boolean, parallel: number) => {
    const chosen = scenarios
      .filter(({ strict_timing }) => strict_timing === strict)
      .toSorted((one, other) => rank(one) - rank(other));
    const pairs = ready.flatMap((sdk) => chosen.map((scenario) => ({ sdk, scenario })));
    await inParallel(pairs, parallel, async ({ sdk, scenario }) => {
      const outcome = await playFairly(scenario, sdk, ground);
      outcomes.push(outcome);
      onOutcome(outcome);
    });
  };
  await stage(false, PARALLEL);
  await stage(true, PARALLEL_STRICT);
  const names = sdks.map(({ name }) => name);
  return { outcomes, sdks: names, leftOut, complaints: complaintsOf(outcomes, leftOut, known) };
}

/** A runner that stood still for longer than this has not played its part. */
const STANDSTILL_MS = 250;

/**
 * Plays a scenario; again, once, if it failed while this very process stood still: it is the
 * server's end, and a server that answers nothing for a while is another scenario.
 */
async function playFairly(scenario: Scenario, sdk: Sdk, ground: Playground): Promise<Outcome> {
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  const outcome = await play(scenario, sdk, ground);
  delay.disable();
  const stoodMs = delay.max / 1e6;
  if (outcome.passed || stoodMs < STANDSTILL_MS) return outcome;
  return { ...(await play(scenario, sdk, ground)), replayedAfterMs: stoodMs };
}

/** Scenarios of the real server come last: it starts meanwhile. */
const rank = ({ server }: Scenario): number => (server === "real" ? 1 : 0);

function complaintsOf(
  outcomes: readonly Outcome[],
  leftOut: SuiteResult["leftOut"],
  known: KnownFailing,
): string[] {
  const complaints: string[] = [];
  for (const { sdk, scenario, passed, fault } of outcomes) {
    const isKnown = known[sdk]?.includes(scenario) ?? false;
    if (!passed && !isKnown) complaints.push(`${sdk} ${scenario}: ${fault}`);
    if (passed && isKnown) {
      complaints.push(`${sdk} ${scenario} passes: take it off known-failing.yaml`);
    }
  }
  for (const [name, { kind, why }] of leftOut) {
    if (kind === "broken build") complaints.push(`${name}: the build is broken\n${why}`);
  }
  return complaints;
}

async function inParallel<T>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = [...items];
  const lane = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: limit }, lane));
}
