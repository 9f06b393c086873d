import { mkdtempSync, rmSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import type { JsonObject } from "@bufbuild/protobuf";
import { v7 } from "uuid";
import { type Entry, ExpectationError, Journal } from "./journal.ts";
import { Network } from "./network.ts";
import { Program } from "./program.ts";
import type { Scenario, Step } from "./scenario.ts";
import { ScriptedServer } from "./scripted-server.ts";
import type { Sdk } from "./sdks.ts";
import { Stage } from "./stage.ts";
import { expectVerbs } from "./steps-expect.ts";
import { programVerbs, type Verb } from "./steps-program.ts";
import { serverVerbs } from "./steps-server.ts";

const verbs: Readonly<Record<string, Verb>> = { ...programVerbs, ...serverVerbs, ...expectVerbs };

const START_MS = 20_000;
const END_MS = 8_000;

/** Where scenarios are played. */
export interface Playground {
  /** The root of the repository. */
  readonly root: string;
  /** The folder of the suite. */
  readonly suite: string;
  /** The real server's address; called only when a scenario needs it. */
  readonly realServer: () => Promise<string>;
}

/** How a scenario went with one SDK. */
export interface Outcome {
  readonly sdk: string;
  readonly scenario: string;
  readonly passed: boolean;
  readonly ms: number;
  /** What did not hold, and where. */
  readonly fault?: string;
  /** It was played twice, because the runner stood still for so long the first time. */
  readonly replayedAfterMs?: number;
  /** All that happened. */
  readonly journal: readonly Entry[];
  /** The end of the program's stderr. */
  readonly log: string;
}

/** Plays one scenario with one SDK; never rejects. */
export async function play(scenario: Scenario, sdk: Sdk, ground: Playground): Promise<Outcome> {
  const begin = performance.now();
  const journal = new Journal();
  const folder = mkdtempSync(join(tmpdir(), "conformance-"));
  let log = "";
  let fault: string | undefined;
  const undo: (() => Promise<unknown>)[] = [];
  try {
    const isScripted = scenario.server === "scripted";
    const server = isScripted ? await ScriptedServer.start(journal) : undefined;
    if (server !== undefined) undo.push(() => server.stop());
    const network = new Network(server?.url ?? (await ground.realServer()), journal);
    undo.push(() => network.close());
    await network.open();
    const program = new Program(sdk, ground.root, journal);
    undo.push(async () => {
      await program.end(END_MS);
      log = program.log;
    });
    const { suite } = ground;
    const stage = new Stage({ scenario, journal, program, network, server, folder, suite });
    await perform(stage);
    await leave(program);
  } catch (error) {
    fault = error instanceof ExpectationError ? error.message : String((error as Error).stack);
  }
  for (const step of undo.reverse()) await step();
  rmSync(folder, { recursive: true, force: true });
  const ms = performance.now() - begin;
  const passed = fault === undefined;
  const { entries } = journal;
  const outcome = { sdk: sdk.name, scenario: scenario.name, passed, ms, journal: entries, log };
  return fault === undefined ? outcome : { ...outcome, fault };
}

async function perform(stage: Stage): Promise<void> {
  const { journal, network, scenario, variables } = stage;
  for (const name of scenario.jobs) variables.set(name, v7());
  variables.set("tenant", `t-${v7()}`);
  variables.set("hostname", hostname());
  const ready = await journal.take(isEvent("ready"), START_MS, "Ready event");
  if ((ready.body as JsonObject).protocolVersion !== 1) {
    throw new ExpectationError(
      `Ready has the wrong protocol_version: ${JSON.stringify(ready.body)}`,
    );
  }
  await stage.command({
    configure: {
      serverUrl: network.url,
      tenant: variables.get("tenant") ?? "",
      callTimeoutMs: scenario.callTimeoutMs,
    },
  });
  for (const [index, step] of scenario.steps.entries()) {
    try {
      await verbOf(step)(stage, step);
    } catch (error) {
      if (!(error instanceof ExpectationError)) throw error;
      throw new ExpectationError(`step ${index + 1} (${verbNameOf(step)}): ${error.message}`);
    }
  }
  leftOver(stage);
}

const isEvent = (name: string) => (entry: Entry) =>
  entry.channel === "event" && entry.name === name;

const verbNameOf = (step: Step): string => Object.keys(step).find((key) => key in verbs) ?? "";

function verbOf(step: Step): Verb {
  const verb = verbs[verbNameOf(step)];
  if (verb === undefined) throw new Error(`no verb in ${JSON.stringify(step)}`);
  return verb;
}

/** Kinds that must not happen unless a step waits for them. */
const strict: Readonly<Record<string, readonly string[]>> = {
  frame: ["complete", "fail", "release", "throttle", "drain"],
  event: ["handlerStarted", "handlerCancelled", "handlerStep", "workerStopped"],
  request: ["EnqueueJobs", "CreateRun", "AppendJobs", "RunPipeline", "UploadArtifact"],
};

function leftOver({ journal, scenario }: Stage): void {
  const left = journal.entries.find(
    ({ channel, name, isTaken }) =>
      !isTaken && strict[channel]?.includes(name) && !scenario.loose.includes(name),
  );
  if (left === undefined) return;
  const body = JSON.stringify(left.body);
  throw new ExpectationError(`nobody waited for ${left.channel} ${left.name} ${body}`);
}

async function leave(program: Program): Promise<void> {
  const exit = await program.end(END_MS);
  if (exit === "killed") throw new ExpectationError("the program did not end with its stdin");
  if (exit.code !== 0) throw new ExpectationError(`the program left with code ${exit.code}`);
}
