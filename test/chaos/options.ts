import { parseArgs } from "node:util";
import { FAULT_KINDS, FAULTS, type FaultKind } from "./schedule.ts";

/** Where the ready queue is. */
export const READY_QUEUES = ["postgres", "valkey", "nats"] as const;
/** One of {@link READY_QUEUES}. */
export type ReadyQueueName = (typeof READY_QUEUES)[number];

/** Ways to spoil a ledger, to see the checker find it. */
export const CORRUPTIONS = ["lose-job", "double-job", "revive", "steal", "skip-attempt"] as const;
/** One of {@link CORRUPTIONS}. */
export type Corruption = (typeof CORRUPTIONS)[number];

/** What a run is told. */
export interface ChaosOptions {
  readonly seed: number;
  /** The part with faults; the drain comes on top. */
  readonly minutes: number;
  readonly replicas: number;
  readonly workers: number;
  /** Operations a second. */
  readonly rate: number;
  readonly readyQueue: ReadyQueueName;
  readonly faults: readonly FaultKind[];
  readonly languages: readonly OtherLanguage[];
  /** Spoils the ledger before it is checked: a run that must fail. */
  readonly corrupt: Corruption | undefined;
  /** The folder with the logs stays. */
  readonly keep: boolean;
}

/** An argument that cannot be used. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** The languages of workers beside TypeScript. */
export const OTHER_LANGUAGES = ["go", "python", "rust"] as const;
/** One of {@link OTHER_LANGUAGES}. */
export type OtherLanguage = (typeof OTHER_LANGUAGES)[number];

const HELP = `npm run chaos -- [options]

Real servers, workers and producers over one Postgres; a seeded nemesis; then a check of what the
ledger, the workers and the producers say. Exit code 0: every invariant held.

  --seed N           what happens when; random unless told, and printed
  --minutes M        how long there are faults (1); the drain comes on top
  --replicas K       servers (3)
  --workers W        TypeScript worker processes (4)
  --rate R           operations a second (15)
  --ready-queue Q    postgres, valkey or nats (postgres)
  --faults A,B       only these; "none" for none
  --languages A,B    further workers: go, python, rust; "none" (all that can be built)
  --corrupt HOW      spoils the ledger before the check, which must then fail:
                     ${CORRUPTIONS.join(", ")}
  --keep             leaves the folder with the logs
  --help

The same seed and options give the same operations and faults at the same planned moments; how
the processes' own timing interleaves with them is theirs. A fault of a kind waits for the one
before it of its group.

Faults: ${groups()}
`;

function groups(): string {
  const names = [...new Set(Object.values(FAULTS))];
  return names
    .map((group) => `\n  ${group}: ${FAULT_KINDS.filter((k) => FAULTS[k] === group).join(", ")}`)
    .join("");
}

/** Reads the command line; undefined: help was asked for. Throws {@link UsageError}. */
export function parseOptions(args: readonly string[], random: () => number): ChaosOptions | string {
  const values = parse(args);
  if (values.help) return HELP;
  const readyQueue = oneOf("--ready-queue", values["ready-queue"], READY_QUEUES);
  const kinds = FAULT_KINDS.filter((kind) => readyQueue !== "postgres" || FAULTS[kind] !== "queue");
  return {
    seed: number("--seed", values.seed ?? String(Math.floor(random() * 1_000_000)), 0, 2 ** 32 - 1),
    minutes: number("--minutes", values.minutes, 0.05, 600),
    replicas: number("--replicas", values.replicas, 1, 9),
    workers: number("--workers", values.workers, 1, 32),
    rate: number("--rate", values.rate, 1, 1_000),
    readyQueue,
    faults: listOf("--faults", values.faults, kinds),
    languages: listOf("--languages", values.languages, OTHER_LANGUAGES),
    corrupt:
      values.corrupt === undefined ? undefined : oneOf("--corrupt", values.corrupt, CORRUPTIONS),
    keep: values.keep,
  };
}

/** The command that repeats a run. */
export function commandOf(options: ChaosOptions): string {
  const { seed, minutes, replicas, workers, rate, readyQueue, faults, languages } = options;
  const list = (items: readonly string[]) => (items.length === 0 ? "none" : items.join(","));
  const kinds = FAULT_KINDS.filter((kind) => readyQueue !== "postgres" || FAULTS[kind] !== "queue");
  return [
    `npm run chaos -- --seed ${seed} --minutes ${minutes} --replicas ${replicas}`,
    `--workers ${workers} --rate ${rate} --ready-queue ${readyQueue}`,
    ...(faults.length === kinds.length ? [] : [`--faults ${list(faults)}`]),
    `--languages ${list(languages)}`,
  ].join(" ");
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        seed: { type: "string" },
        minutes: { type: "string", default: "1" },
        replicas: { type: "string", default: "3" },
        workers: { type: "string", default: "4" },
        rate: { type: "string", default: "15" },
        "ready-queue": { type: "string", default: "postgres" },
        faults: { type: "string" },
        languages: { type: "string" },
        corrupt: { type: "string" },
        keep: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function number(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (text.trim() !== "" && value >= least && value <= most) return value;
  throw new UsageError(`${name} must be a number from ${least} to ${most}`);
}

function oneOf<T extends string>(name: string, text: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === text);
  if (found !== undefined) return found;
  throw new UsageError(`${name} must be one of ${choices.join(", ")}`);
}

function listOf<T extends string>(
  name: string,
  text: string | undefined,
  choices: readonly T[],
): readonly T[] {
  if (text === undefined) return choices;
  if (text === "none") return [];
  return text.split(",").map((part) => oneOf(name, part, choices));
}
