import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { contractDefaults } from "./contract.ts";
import { ExpectationError } from "./journal.ts";
import { mismatch } from "./match.ts";
import { msOf, type Step } from "./scenario.ts";
import type { Stage } from "./stage.ts";
import { digestOf, generatedBytes } from "./values.ts";

/** What a verb does. */
export type Verb = (stage: Stage, step: Step) => Promise<void> | void;

/** `handlers: { type: [script of attempt 1, …] }`, each script a list of steps. */
function handlersOf(value: JsonValue | undefined): JsonObject[] {
  return Object.entries((value ?? {}) as Record<string, JsonValue[]>).map(
    ([jobType, attempts]) => ({
      jobType,
      attempts: attempts.map((steps) => ({ steps })),
    }),
  );
}

async function worker(stage: Stage, step: Step): Promise<void> {
  const { handlers, ...options } = stage.resolve(step.worker) as JsonObject;
  const startWorker = {
    workerId: "conformance-worker",
    slots: 4,
    ...options,
    handlers: handlersOf(handlers),
  };
  await stage.command({ startWorker });
}

function check(stage: Stage, step: Step, name: string, result: JsonObject): void {
  const { error, ...value } = result;
  const fault =
    step.error === undefined
      ? error === undefined
        ? mismatch(value, stage.resolve(step.expect ?? {}), stage.variables)
        : `failed with ${JSON.stringify(error)}`
      : error === undefined
        ? `did not fail but answered ${JSON.stringify(value)}`
        : mismatch(error, stage.resolve(step.error), stage.variables);
  if (fault !== undefined) throw new ExpectationError(`${name}: ${fault}`);
}

async function callOnce(stage: Stage, step: Step): Promise<void> {
  const { name, result } = stage.program.call(stage.resolve(step.call) as JsonObject);
  const ms = stage.within(step);
  check(stage, step, name, await stage.journal.bounded(result, ms, `no result of ${name}`));
}

/** Between two tries of a call whose result is expected eventually. */
const POLL_MS = 50;

async function call(stage: Stage, step: Step): Promise<void> {
  if (step.eventually !== true) return await callOnce(stage, step);
  const end = performance.now() + stage.within(step);
  for (;;) {
    try {
      return await callOnce(stage, step);
    } catch (error) {
      if (!(error instanceof ExpectationError) || performance.now() > end) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

function begin(stage: Stage, step: Step): void {
  const calls = Array.from({ length: step.times ?? 1 }, () =>
    stage.program.call(stage.resolve(step.begin) as JsonObject),
  );
  stage.calls.set(step.as ?? "call", calls);
}

async function awaitCalls(stage: Stage, step: Step): Promise<void> {
  const calls = stage.calls.get(String(step.await));
  if (calls === undefined) throw new Error(`no call "${step.await}" was begun`);
  for (const { name, result } of calls) {
    const ms = stage.within(step);
    check(stage, step, name, await stage.journal.bounded(result, ms, `no result of ${name}`));
  }
}

async function proceed(stage: Stage, step: Step): Promise<void> {
  const ids = stage.resolve(step.proceed);
  for (const jobId of Array.isArray(ids) ? ids : [ids]) await stage.command({ proceed: { jobId } });
}

async function exit(stage: Stage, step: Step): Promise<void> {
  const { exited } = stage.program;
  const { code } = await stage.journal.bounded(exited, stage.within(step), "no end of the process");
  if (code !== step.exit) throw new ExpectationError(`the process left with code ${code}`);
}

/** The SDK's defaults must be the contract's, as far as it has them, and it must have enough. */
async function leaseDefaults(stage: Stage): Promise<void> {
  const { leaseDefaults: answer } = await stage.command({ getLeaseDefaults: {} });
  const values = (answer as { values?: Record<string, string> } | undefined)?.values ?? {};
  const { all, required } = contractDefaults();
  for (const name of required) {
    if (!(name in values)) throw new ExpectationError(`the SDK does not tell its ${name}`);
  }
  for (const [name, value] of Object.entries(values)) {
    if (Number(value) !== all.get(name)) {
      throw new ExpectationError(`${name} is ${value}, the contract says ${all.get(name)}`);
    }
  }
}

interface Vector {
  readonly size: number;
  readonly seed: number;
  readonly digest: string;
}

/** Uploads and downloads every vector: same digest everywhere, and there the second time. */
async function vectors(stage: Stage): Promise<void> {
  const file = join(stage.suite, "vectors/artifacts.json");
  const { artifacts }: { artifacts: Vector[] } = JSON.parse(readFileSync(file, "utf8"));
  for (const { size, seed, digest } of artifacts) {
    const path = String(stage.resolve({ $file: { size, seed } }));
    const first = await stage.command({ uploadArtifact: { path } }, 60_000);
    expectArtifact(stage, first, { digest, sizeBytes: String(size), alreadyExisted: false });
    const second = await stage.command({ uploadArtifact: { path, inMemory: true } }, 60_000);
    expectArtifact(stage, second, { digest, sizeBytes: String(size), alreadyExisted: true });
    const target = join(stage.folder, `out-${size}`);
    const down = await stage.command({ downloadArtifact: { digest, path: target } }, 60_000);
    expectArtifact(stage, down, { digest, sizeBytes: String(size) });
    const found = `sha256:${createHash("sha256").update(readFileSync(target)).digest("hex")}`;
    if (found !== digest) throw new ExpectationError(`${target} has ${found}, not ${digest}`);
  }
}

function expectArtifact(stage: Stage, result: JsonObject, wanted: JsonObject): void {
  const fault = mismatch(result.artifact, wanted, stage.variables);
  if (fault !== undefined) throw new ExpectationError(`artifact ${wanted.sizeBytes}: ${fault}`);
}

/** A file in the scenario's folder has generated bytes. */
function file(stage: Stage, step: Step): void {
  const { path, size, seed } = stage.resolve(step.file) as {
    path: string;
    size: number;
    seed: number;
  };
  const found = digestOf(readFileSync(path));
  const wanted = digestOf(generatedBytes(size, seed));
  if (found !== wanted) throw new ExpectationError(`${path} has ${found}, not ${wanted}`);
}

function noFile(stage: Stage, step: Step): void {
  const path = String(stage.resolve(step.noFile));
  if (existsSync(path)) throw new ExpectationError(`${path} exists`);
}

/** The verbs about the program and the process. */
export const programVerbs: Readonly<Record<string, Verb>> = {
  worker,
  call,
  begin,
  await: awaitCalls,
  proceed,
  exit,
  leaseDefaults,
  vectors,
  file,
  noFile,
  signal: (stage, step) => stage.program.kill(step.signal as NodeJS.Signals),
  pause: (_stage, step) =>
    new Promise((resolve) => {
      setTimeout(resolve, msOf(step.pause, 0));
    }),
};
