import { type ChildProcess, execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { OtherLanguage } from "./options.ts";
import type { WorkerProgram } from "./workers.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const SOURCES = fileURLToPath(new URL("./workers/", import.meta.url));
/** Ignored by git; what is built once serves every run. */
const PRODUCTS = join(ROOT, ".orchestrator", "chaos");
const HASH_DIGITS = 12;
const PROBE_TIMEOUT_MS = 20_000;
const REMEMBERED_OUTPUT = 600;
const PYTHON_CHECK = "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))";

/** A language without a worker in this run, and why. */
export interface LeftOut {
  readonly language: string;
  readonly why: string;
}

/** What to run and with what in the environment. */
type Command = readonly [program: string, ...args: string[]];

interface Build {
  readonly signal: AbortSignal;
  /** Runs a builder in the language's folder; throws with its last words if it fails. */
  run(command: Command, env?: NodeJS.ProcessEnv): Promise<void>;
}

interface Recipe {
  readonly probe: Command;
  build(build: Build): Promise<Omit<WorkerProgram, "language">>;
}

const RECIPES: Readonly<Record<OtherLanguage, Recipe>> = {
  go: {
    probe: ["go", "version"],
    async build({ run }) {
      const command = join(PRODUCTS, "go-worker");
      await run(["go", "build", "-o", command, "."]);
      return { command, args: [] };
    },
  },
  python: { probe: ["python3", "-c", PYTHON_CHECK], build: buildPython },
  rust: {
    probe: ["cargo", "--version"],
    async build({ run }) {
      const target = join(PRODUCTS, "rust");
      await run(["cargo", "build", "--quiet", "--locked"], { CARGO_TARGET_DIR: target });
      return { command: join(target, "debug", "chaos-worker"), args: [] };
    },
  },
};

/** A virtual environment for each state of what it is made of. */
async function buildPython({ run }: Build): Promise<Omit<WorkerProgram, "language">> {
  const requirements = join(SOURCES, "python", "requirements.txt");
  const sdk = join(ROOT, "sdk-python");
  const hash = createHash("sha256").update(ROOT);
  for (const file of [requirements, join(sdk, "pyproject.toml")]) hash.update(readFileSync(file));
  const folder = join(PRODUCTS, `python-${hash.digest("hex").slice(0, HASH_DIGITS)}`);
  if (!existsSync(folder)) {
    // Made aside, so that what lies at its place is complete.
    const aside = `${folder}.${process.pid}`;
    try {
      await run(["python3", "-m", "venv", aside]);
      const install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
      const what = ["--requirement", requirements, "--editable", sdk];
      await run([join(aside, "bin", "python"), ...install, ...what]);
      await rename(aside, folder);
    } finally {
      await rm(aside, { recursive: true, force: true });
    }
  }
  const script = join(SOURCES, "python", "chaos_worker.py");
  return { command: join(folder, "bin", "python"), args: [script] };
}

/** Builds the worker programs of the languages; those that cannot be built are left out. */
export async function preparePrograms(
  languages: readonly OtherLanguage[],
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<{ programs: WorkerProgram[]; leftOut: LeftOut[] }> {
  const programs: WorkerProgram[] = [];
  const leftOut: LeftOut[] = [];
  await mkdir(PRODUCTS, { recursive: true });
  for (const language of languages) {
    const { probe, build } = RECIPES[language];
    if (!(await works(probe))) {
      leftOut.push({ language, why: `${probe[0]} is not there, or too old` });
      continue;
    }
    tell(`building the ${language} worker`);
    try {
      const run = (command: Command, env?: NodeJS.ProcessEnv) =>
        runBuilder(command, join(SOURCES, language), env, signal);
      programs.push({ language, ...(await build({ signal, run })) });
    } catch (error) {
      signal.throwIfAborted();
      leftOut.push({ language, why: `it could not be built: ${(error as Error).message}` });
    }
  }
  return { programs, leftOut };
}

async function works([program, ...args]: Command): Promise<boolean> {
  try {
    await promisify(execFile)(program, args, { timeout: PROBE_TIMEOUT_MS });
    return true;
  } catch {
    return false;
  }
}

async function runBuilder(
  [program, ...args]: Command,
  cwd: string,
  env: NodeJS.ProcessEnv | undefined,
  signal: AbortSignal,
): Promise<void> {
  // A group of its own: builders start others, which have to go with them.
  const child = spawn(program, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const stop = () => endGroup(child);
  signal.addEventListener("abort", stop, { once: true });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      output = (output + chunk).slice(-REMEMBERED_OUTPUT);
    });
  }
  const [code] = await once(child, "close");
  signal.removeEventListener("abort", stop);
  if (code !== 0) throw new Error(output.trim());
}

function endGroup({ pid }: ChildProcess): void {
  if (pid !== undefined) process.kill(-pid, "SIGKILL");
}
