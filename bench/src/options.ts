import { Command, CommanderError, InvalidArgumentError } from "commander";

/** What the command line asks for. */
export interface Options {
  readonly quick: boolean;
  /** Ids of workloads, upper case; empty: all. */
  readonly only: readonly string[];
  readonly rounds: number;
  /** Multiplies all sizes; for smoke tests. */
  readonly scale: number;
  /** Worker processes of W3 and what builds on it. */
  readonly workers: number;
  /** Slots of each worker process. */
  readonly slots: number;
  /** Rows that the bound moves in one transaction. */
  readonly boundBatch: number;
  readonly json: string | undefined;
  readonly writeResults: boolean;
  readonly dataDir: string | undefined;
}

/** What {@link readOptions} made of the arguments: options, or a text to print before leaving. */
export type OptionsResult =
  | { readonly kind: "options"; readonly options: Options }
  | { readonly kind: "leave"; readonly text: string; readonly code: number };

const FULL_ROUNDS = 5;
const QUICK_ROUNDS = 3;

/** Reads the arguments. */
export function readOptions(args: readonly string[], ids: readonly string[]): OptionsResult {
  let text = "";
  const write = (part: string) => {
    text += part;
  };
  const command = describe(ids).configureOutput({ writeOut: write, writeErr: write });
  try {
    command.parse(args, { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) return { kind: "leave", text, code: error.exitCode && 2 };
    throw error;
  }
  const given = command.opts<Options & { readonly rounds?: number }>();
  const { quick = false, only = [], writeResults = false } = given;
  const rounds = given.rounds ?? (quick ? QUICK_ROUNDS : FULL_ROUNDS);
  const options: Options = { ...given, quick, only, writeResults, rounds };
  return { kind: "options", options };
}

function describe(ids: readonly string[]): Command {
  return new Command("npm run bench --")
    .description(
      "Measures the workloads of bench/README.md, each against its bound and its peers in turn, " +
        "and prints one table. Progress goes to standard error.",
    )
    .exitOverride()
    .allowExcessArguments(false)
    .option("--quick", "smaller sizes, 3 rounds: under 3 minutes on two cores")
    .option("--only <ids>", `some of ${ids.join(",")}`, (value) => workloadIds(value, ids))
    .option("--rounds <n>", "rounds of each contestant, in turn", integer(1, 1_000))
    .option("--json <file>", "writes every raw round there")
    .option("--write-results", "writes bench/RESULTS.md from this run")
    .option("--workers <n>", "worker processes of W3", integer(1, 64), 2)
    .option("--slots <n>", "slots of each worker process", integer(1, 10_000), 100)
    .option("--bound-batch <n>", "rows in a transaction of the bound", integer(1, 1_000), 200)
    .option("--scale <factor>", "multiplies all sizes", factor, 1)
    .option("--data-dir <folder>", "where Postgres's files go (default: bench/.data)");
}

function workloadIds(text: string, ids: readonly string[]): string[] {
  const asked = text.toUpperCase().split(",").filter(Boolean);
  const unknown = asked.filter((id) => !ids.includes(id));
  if (unknown.length === 0 && asked.length > 0) return asked;
  throw new InvalidArgumentError(`There are ${ids.join(", ")}.`);
}

function integer(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Must be a whole number from ${least} to ${most}.`);
  };
}

function factor(text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 100) return value;
  throw new InvalidArgumentError("Must be more than 0 and at most 100.");
}
