import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { OtherLanguage } from "./languages.ts";

const ANSWER_TIMEOUT_MS = 20_000;
const PYTHON_CHECK = "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))";

/** A toolchain that is not there. */
export class ToolchainMissingError extends Error {
  override readonly name = "ToolchainMissingError";
}

/** An environment of processes. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The command of a language's toolchain. Throws ToolchainMissingError, saying what is missing. */
export async function toolchain(language: OtherLanguage, env: Environment): Promise<string> {
  const { commands, probe, missing } = TOOLCHAINS[language];
  for (const command of commands) if (await works(command, probe, env)) return command;
  throw new ToolchainMissingError(missing);
}

const TOOLCHAINS: Readonly<Record<OtherLanguage, Toolchain>> = {
  go: { commands: ["go"], probe: ["version"], missing: "go is not installed" },
  python: {
    commands: ["python3", "python"],
    probe: ["-c", PYTHON_CHECK],
    missing: "Python 3.11 or newer with venv is not installed",
  },
  rust: { commands: ["cargo"], probe: ["--version"], missing: "cargo is not installed" },
};

interface Toolchain {
  readonly commands: readonly string[];
  readonly probe: readonly string[];
  readonly missing: string;
}

async function works(command: string, args: readonly string[], env: Environment): Promise<boolean> {
  try {
    await promisify(execFile)(command, args, { env, timeout: ANSWER_TIMEOUT_MS });
    return true;
  } catch {
    // Not there, too old, or a shim of a version manager that has no version to offer.
    return false;
  }
}
