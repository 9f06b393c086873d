import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { Ajv2020 } from "ajv/dist/2020.js";
import { parse } from "yaml";

/** One step: one verb with what it needs, and words that several verbs understand. */
export interface Step {
  readonly [verb: string]: JsonValue | undefined;
  /** How long to wait, such as "5s"; the scenario's patience unless told. */
  readonly within?: string;
  /** How many times, 1 unless told. */
  readonly times?: number;
  /** Which session of the scripted server; the newest unless told. */
  readonly on?: string;
  /** What a call's result must be. */
  readonly expect?: JsonValue;
  /** What a call's error must be; a call without this word must succeed. */
  readonly error?: JsonValue;
  /** A name to refer to it later. */
  readonly as?: string;
  /** A call is made again until its result is as expected. */
  readonly eventually?: boolean;
  /** Only what came after this mark counts. */
  readonly since?: string;
}

/** A scenario as its file says it. */
export interface Scenario {
  /** The file's name without its ending. */
  readonly name: string;
  /** What is promised, in a sentence. */
  readonly about: string;
  readonly server: "scripted" | "real";
  /** Overrides of the lease policy in the scripted server's Welcome, as protobuf JSON. */
  readonly policy: JsonObject;
  /** The client's deadline for a call, in milliseconds; the SDK's default if 0. */
  readonly callTimeoutMs: number;
  /** Names for job ids that the scenario makes up. */
  readonly jobs: readonly string[];
  /** Kinds of frames and events that may come without a step that waits for them. */
  readonly loose: readonly string[];
  /** True: clocks are measured, so it runs when little else does. */
  readonly strict_timing: boolean;
  readonly steps: readonly Step[];
}

const defaults = {
  server: "scripted",
  policy: {},
  callTimeoutMs: 0,
  jobs: [],
  loose: [],
  strict_timing: false,
} as const;

/** Reads and checks all scenarios of the suite. Throws with the file's name and what is wrong. */
export function readScenarios(folder: string): Scenario[] {
  const schema = JSON.parse(readFileSync(join(folder, "schema/scenario.schema.json"), "utf8"));
  const validate = new Ajv2020({ allErrors: true, allowUnionTypes: true }).compile(schema);
  const files = readdirSync(join(folder, "scenarios")).filter((file) => file.endsWith(".yaml"));
  return files.sort().map((file) => {
    const raw = parse(readFileSync(join(folder, "scenarios", file), "utf8"));
    if (!validate(raw)) {
      const faults = (validate.errors ?? []).map((e) => `${e.instancePath} ${e.message}`);
      throw new Error(`${file}: ${faults.slice(0, 5).join("; ")}`);
    }
    // The schema has checked it.
    const checked = raw as Omit<Scenario, "name">;
    return { ...defaults, ...checked, name: basename(file, ".yaml") };
  });
}

/** Milliseconds of "250ms" or "1.5s". */
export function msOf(text: JsonValue | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  const [, count, unit] = /^([\d.]+)(ms|s)$/.exec(String(text)) ?? [];
  if (count === undefined) throw new RangeError(`"${text}" is not a time such as "5s"`);
  return Number(count) * (unit === "s" ? 1000 : 1);
}
