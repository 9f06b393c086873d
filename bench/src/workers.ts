import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Program, start } from "./processes.ts";

const SOURCES = fileURLToPath(new URL("../workers", import.meta.url));
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PRODUCTS = fileURLToPath(new URL("../.data/workers", import.meta.url));

/** A language with an SDK that has a worker for the benchmarks, besides TypeScript. */
export type Language = "go" | "python" | "rust";

/** All of them. */
export const LANGUAGES: readonly Language[] = ["go", "python", "rust"];

/** A worker program that can be started, or why not. */
export type Built =
  | { readonly kind: "built"; readonly start: (name: string) => Program }
  | { readonly kind: "missing"; readonly why: string };

/**
 * Builds a language's worker, which takes a minute or two the first time and next to nothing later.
 * With `onlyIfBuilt` one that was never built is missing: a quick run has no time for it.
 */
export async function buildWorker(language: Language, onlyIfBuilt: boolean): Promise<Built> {
  if (onlyIfBuilt && !existsSync(productOf(language))) {
    const why = "not built yet, and a quick run does not wait for it: run --only W12 once";
    return { kind: "missing", why };
  }
  await mkdir(PRODUCTS, { recursive: true });
  const failure = await BUILDERS[language]();
  if (failure !== undefined) return { kind: "missing", why: failure };
  const [command = "", ...args] = commandOf(language);
  const env = { PYTHONPATH: join(ROOT, "sdk-python", "src"), PYTHONDONTWRITEBYTECODE: "1" };
  return { kind: "built", start: (name) => start({ name, command, args, env }) };
}

const venv = (): string => {
  const requirements = readFileSync(join(SOURCES, "python", "requirements.txt"));
  const hash = createHash("sha256").update(requirements).digest("hex").slice(0, 12);
  return join(PRODUCTS, `python-${hash}`);
};

function productOf(language: Language): string {
  if (language === "go") return join(PRODUCTS, "go-worker");
  if (language === "rust") return join(PRODUCTS, "rust", "release", "bench-worker");
  return join(venv(), "bin", "python");
}

const commandOf = (language: Language): string[] =>
  language === "python"
    ? [productOf(language), join(SOURCES, "python", "bench_worker.py")]
    : [productOf(language)];

/** Each answers what went wrong, in a line. */
const BUILDERS: Readonly<Record<Language, () => Promise<string | undefined>>> = {
  go: () => run("go", ["build", "-o", productOf("go"), "."], { folder: "go" }),
  rust: () =>
    run("cargo", ["build", "--release", "--locked", "--quiet"], {
      folder: "rust",
      env: { CARGO_TARGET_DIR: join(PRODUCTS, "rust") },
    }),
  async python() {
    const folder = venv();
    if (existsSync(folder)) return undefined;
    // Made aside, so that what lies in its place is complete.
    const aside = `${folder}.${process.pid}`;
    try {
      const made = await run("python3", ["-m", "venv", aside], { folder: "python" });
      if (made !== undefined) return made;
      const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
      const args = [...pip, "--requirement", "requirements.txt"];
      const installed = await run(join(aside, "bin", "python"), args, { folder: "python" });
      if (installed === undefined) await rename(aside, folder);
      return installed;
    } finally {
      await rm(aside, { recursive: true, force: true });
    }
  },
};

async function run(
  command: string,
  args: readonly string[],
  { folder, env = {} }: { readonly folder: string; readonly env?: Record<string, string> },
): Promise<string | undefined> {
  const all = { ...process.env, ...env };
  const builder = start({ name: command, command, args, cwd: join(SOURCES, folder), env: all });
  const how = await builder.ended;
  if (how === "exit 0") return undefined;
  if (how.includes("ENOENT")) return `${command} is not installed`;
  return `${command} ${args[0]} ended with ${how}: ${builder.errors.trim().split("\n").at(-1)}`;
}
