import path from "node:path";
import { Command, CommanderError } from "commander";
import { SKIPPED_FOLDERS } from "./discovery.ts";

/** What the command line and the environment ask for, with every path absolute. */
export interface DemoOptions {
  /** The folder to scan as the user wrote it, for display. */
  readonly pathAsGiven: string;
  /** The same, absolute. */
  readonly root: string;
  /** Use an agent in each language whose toolchain is present, not in TypeScript alone. */
  readonly polyglot: boolean;
  /** Print one JSON line instead of the display. */
  readonly json: boolean;
  /** Where the SBOM goes. */
  readonly out: string;
  /** A running server; undefined means that the demo starts its own. */
  readonly url: string | undefined;
  /** The tenant. */
  readonly tenant: string;
  /** Where the demo's own server keeps its data, and the logs go. */
  readonly dataDir: string;
}

/** The process's surroundings, as far as options depend on them. */
export interface Surroundings {
  /** The environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where the user stands. */
  readonly cwd: string;
  /** The repository's root: what is scanned by default, and where `.orchestrator/` lies. */
  readonly repository: string;
}

/** The command line was wrong, or asked only for help: print `message` and end with `exitCode`. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  /** 0 for help, 2 for a mistake. */
  readonly exitCode: number;

  constructor(message: string, exitCode: number) {
    super(message);
    this.exitCode = exitCode;
  }
}

const EXPLANATION = `
Finds the dependency manifests under PATH (default: this repository), scans each in a job of its
own and merges what they found into one CycloneDX 1.6 document.

Read are package-lock.json, go.mod with go.sum, Cargo.lock, pyproject.toml, requirements*.txt,
and *.csproj with packages.lock.json. Symlinks are not followed. Folders of these names are
left out, but not PATH itself:
${wrapped([...SKIPPED_FOLDERS], 94)}

With --polyglot an agent written in Go scans go.mod and go.sum, one in Python pyproject.toml and
requirements*.txt, one in Rust Cargo.lock, each with the SDK of its language; TypeScript scans the
rest and merges. An agent whose toolchain is missing is left out, and TypeScript scans for it.

Exit codes: 0 every job succeeded, 1 some job did not or the demo broke, 2 nothing to scan or a
wrong command line, 130 and 143 stopped by a signal.`;

function wrapped(words: readonly string[], columns: number): string {
  const lines: string[] = [];
  for (const word of words) {
    const line = `${lines.at(-1) ?? ""} ${word}`;
    if (lines.length > 0 && line.length <= columns) lines[lines.length - 1] = line;
    else lines.push(`  ${word}`);
  }
  return lines.join("\n");
}

/** Reads the command line. Throws UsageError. */
export function parseOptions(argv: readonly string[], around: Surroundings): DemoOptions {
  const written: string[] = [];
  const collect = (text: string) => void written.push(text);
  const dataDir = dataDirectory(around);
  const relative = path.relative(around.cwd, dataDir) || ".";
  const command = new Command("npm run demo --")
    .description("Makes an SBOM of a directory with jobs on the orchestrator.")
    .argument("[PATH]", "the directory to scan")
    .option("--polyglot", "scan with an agent in each language: Go, Python, Rust, TypeScript")
    .option("--json", "print one JSON line on stdout instead of the display")
    .option("--out <FILE>", `where to write the SBOM (default: ${relative}/sbom.cdx.json)`)
    .option("--url <URL>", "use this running server instead of starting one")
    .option("--tenant <NAME>", "the tenant to work as", around.env.ORCH_TENANT ?? "default")
    .addHelpText("after", EXPLANATION)
    .exitOverride()
    .configureOutput({ writeOut: collect, writeErr: collect });
  try {
    command.parse(argv, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    throw new UsageError(written.join("").trimEnd(), error.exitCode === 0 ? 0 : 2);
  }
  const said = command.opts<{
    polyglot?: true;
    json?: true;
    out?: string;
    url?: string;
    tenant: string;
  }>();
  const given = command.args[0];
  return {
    pathAsGiven: given ?? (path.relative(around.cwd, around.repository) || "."),
    root: given === undefined ? around.repository : path.resolve(around.cwd, given),
    polyglot: said.polyglot === true,
    json: said.json === true,
    out: said.out ? path.resolve(around.cwd, said.out) : path.join(dataDir, "sbom.cdx.json"),
    url: checkedUrl(said.url),
    tenant: said.tenant,
    dataDir,
  };
}

function dataDirectory(around: Surroundings): string {
  const base = around.env.ORCH_DATA_DIR || ".orchestrator";
  return path.join(path.resolve(around.repository, base), "demo");
}

function checkedUrl(url: string | undefined): string | undefined {
  if (url === undefined || /^https?:\/\/[^/]/.test(url)) return url;
  throw new UsageError(`error: --url ${url} does not start with http:// or https://`, 2);
}
