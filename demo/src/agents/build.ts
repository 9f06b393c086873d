import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import { Child, type Command } from "../children.ts";
import type { OtherLanguage } from "./languages.ts";
import type { Environment } from "./toolchains.ts";

const EXECUTABLE = process.platform === "win32" ? "sbom-agent.exe" : "sbom-agent";
const PYTHON = process.platform === "win32" ? "Scripts/python.exe" : "bin/python";
const HASH_DIGITS = 12;

/** How to run an agent. */
export interface AgentProgram {
  /** The executable. */
  readonly command: string;
  /** What comes before the agent's own arguments. */
  readonly args: readonly string[];
  /** What is added to the environment. */
  readonly env: Environment;
}

/** Where agents are built. */
export interface BuildScene {
  /** The repository's root. */
  readonly repository: string;
  /** The environment that the builders get. */
  readonly env: Environment;
  /** The folder of the builders' logs. */
  readonly logDir: string;
  /** Ends the build at once. */
  readonly signal: AbortSignal;
  /** Told of each builder that starts, so that a second Ctrl-C can end it. */
  readonly onChild: (child: Child) => void;
}

/** An agent that could not be built. */
export class BuildFailedError extends Error {
  override readonly name = "BuildFailedError";
}

/**
 * Builds an agent, which takes long the first time and no time when nothing changed. What is
 * built lies in the repository's `.orchestrator/demo/agents/`, whatever the data folder: it is
 * the same for every demo. `tool` is the toolchain's command. Throws BuildFailedError and the
 * signal's reason.
 */
export async function buildAgent(language: OtherLanguage, tool: string, scene: BuildScene) {
  const source = path.join(scene.repository, "demo", "agents", language);
  const products = path.join(scene.repository, ".orchestrator", "demo", "agents");
  await mkdir(products, { recursive: true });
  return await BUILDERS[language]({ ...scene, tool, source, products });
}

interface Build extends BuildScene {
  readonly tool: string;
  readonly source: string;
  readonly products: string;
}

const BUILDERS: Readonly<Record<OtherLanguage, (build: Build) => Promise<AgentProgram>>> = {
  go: buildGo,
  python: buildPython,
  rust: buildRust,
};

async function buildGo(build: Build): Promise<AgentProgram> {
  const command = path.join(build.products, "go", EXECUTABLE);
  await run(build, "go", { command: build.tool, args: ["build", "-o", command, "."] });
  return { command, args: [], env: {} };
}

async function buildRust(build: Build): Promise<AgentProgram> {
  const target = path.join(build.products, "rust");
  const args = ["build", "--release", "--locked"];
  await run(build, "rust", { command: build.tool, args }, { CARGO_TARGET_DIR: target });
  return { command: path.join(target, "release", EXECUTABLE), args: [], env: {} };
}

/** A virtual environment for each state of what it is made of; the SDK's own code stays where it
 * is, so that a change of it needs no new one. */
async function buildPython(build: Build): Promise<AgentProgram> {
  const { tool, source, products, repository } = build;
  const sdk = path.join(repository, "sdk-python");
  const requirements = path.join(source, "requirements.txt");
  const hash = createHash("sha256").update(`${tool}\n${repository}\n`);
  for (const file of [requirements, path.join(sdk, "pyproject.toml")])
    hash.update(readFileSync(file));
  const venv = path.join(products, `python-${hash.digest("hex").slice(0, HASH_DIGITS)}`);
  if (!existsSync(venv)) {
    // Made aside, so that what lies at its place is complete; the first of two demos wins.
    const aside = `${venv}.${process.pid}`;
    try {
      await run(build, "python", { command: tool, args: ["-m", "venv", aside] });
      const install = ["-m", "pip", "install", "--disable-pip-version-check", "--no-input"];
      const args = [...install, "--requirement", requirements, "--editable", sdk];
      await run(build, "python", { command: path.join(aside, PYTHON), args });
      await rename(aside, venv).catch((error: unknown) => {
        if (!existsSync(venv)) throw error;
      });
    } finally {
      await rm(aside, { recursive: true, force: true });
    }
  }
  const env = { PYTHONPATH: source, PYTHONPYCACHEPREFIX: path.join(products, "pycache") };
  return { command: path.join(venv, PYTHON), args: ["-m", "sbom_agent"], env };
}

async function run(
  build: Build,
  language: OtherLanguage,
  command: Omit<Command, "channel">,
  more: Environment = {},
): Promise<void> {
  build.signal.throwIfAborted();
  const child = new Child({
    name: `build-${language}`,
    ...command,
    channel: "none",
    cwd: build.source,
    env: { ...build.env, ...more },
    logDir: build.logDir,
    stopGraceMs: 0,
  });
  build.onChild(child);
  // Builders can be interrupted anywhere, and what they started has to go with them.
  const stop = () => child.kill();
  build.signal.addEventListener("abort", stop);
  const how = await child.ended;
  build.signal.removeEventListener("abort", stop);
  build.signal.throwIfAborted();
  if (how !== "exit code 0")
    throw new BuildFailedError(`it could not be built (${how}), see ${child.logFile}`);
}
