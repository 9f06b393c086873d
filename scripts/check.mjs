// Everything that must hold before a commit, step by step. `npm run check` runs it; a step's name
// as an argument runs that step alone: `npm run check -- lint`.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { askTools, deploymentFindings, readDeployment } from "./check-deploy.mjs";
import { GENERATORS, generate, isPresent } from "./generators.mjs";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const RELEASED = join("proto", "released", "v1.binpb");

/** What could not be checked for want of a toolchain; said in the last lines. */
const leftOut = [];

/** Each step returns what is wrong, or nothing. */
const STEPS = [
  ["format", "contract is formatted", format],
  ["lint", "contract follows the rules of buf", () => tool("buf", "lint")],
  ["breaking", "contract breaks no released client", breaking],
  ["drift", "generated code is the contract's", drift],
  ["biome", "code is formatted and clean", () => tool("biome", "ci", "--colors=off", ".")],
  ["types", "types fit", () => tool("tsc", "-p", ".")],
  ["tidy", "house rules hold", () => tool("vitest", "run", "test/tidy.test.ts")],
  ["deploy", "deploy/ fits the server and itself", deployment],
  ["sdk-ts", "the TypeScript SDK builds", buildSdk],
  ["sdk-go", "the Go SDK's own checks", () => sdk("sdk-go", "go")],
  ["sdk-python", "the Python SDK's own checks", () => sdk("sdk-python", "python3")],
  ["sdk-rust", "the Rust SDK's own checks", () => sdk("sdk-rust", "cargo")],
];

const only = process.argv.slice(2);
const unknown = only.filter((name) => !STEPS.some(([step]) => step === name));
if (unknown.length > 0) {
  console.error(
    `no such step: ${unknown.join(", ")}; there are ${STEPS.map(([n]) => n).join(", ")}`,
  );
  process.exit(2);
}

let failed = 0;
const startedAt = Date.now();
for (const [name, promise, step] of STEPS) {
  if (only.length > 0 && !only.includes(name)) continue;
  const stepStartedAt = Date.now();
  const wrong = step();
  const seconds = ((Date.now() - stepStartedAt) / 1000).toFixed(1);
  const verdict = wrong === undefined ? "ok  " : "FAIL";
  console.log(`${verdict} ${name.padEnd(10)} ${seconds.padStart(5)} s  ${promise}`);
  if (wrong === undefined) continue;
  failed += 1;
  console.log(wrong.trimEnd().replace(/^/gm, "     "));
}
for (const { name, toolchain } of GENERATORS) {
  if (!isPresent(toolchain)) leftOut.push(`generated code of ${name}: ${toolchain} is not here`);
}
for (const what of leftOut) console.log(`LEFT OUT ${what}`);
const total = ((Date.now() - startedAt) / 1000).toFixed(1);
console.log(failed === 0 ? `check passed in ${total} s` : `check: ${failed} failed (${total} s)`);
process.exitCode = failed === 0 ? 0 : 1;

/** Runs a tool of node_modules/.bin; returns its output if it failed. */
function tool(name, ...args) {
  const { status, stdout, stderr, error } = spawnSync(name, args, {
    cwd: ROOT,
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1" },
    shell: process.platform === "win32",
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status === 0) return undefined;
  return `${stdout ?? ""}${stderr ?? ""}` || String(error ?? `${name} ended with ${status}`);
}

function buildSdk() {
  return tool("npm", "run", "build", "--workspace", "sdk-ts", "--silent");
}

function format() {
  return tool("buf", "format", "--diff", "--exit-code", "proto");
}

function breaking() {
  if (!existsSync(join(ROOT, RELEASED))) return `${RELEASED} is missing: npm run release:contract`;
  // The image has the folder of our own protos alone, so that is what is compared.
  return tool("buf", "breaking", "proto", "--against", RELEASED);
}

function drift() {
  const wrong = GENERATORS.filter(({ toolchain }) => isPresent(toolchain)).flatMap((generator) => {
    const folder = mkdtempSync(join(tmpdir(), "orch-generated-"));
    try {
      const failure = generate(generator, ROOT, folder);
      if (failure !== undefined) return [`${generator.name}: ${failure}`];
      return generator.folders
        .flatMap((path) => compare(join(folder, path), join(ROOT, path)))
        .map((path) => `${relative(ROOT, path)} is not what buf generates (npm run generate)`);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
  return wrong.length === 0 ? undefined : wrong.join("\n");
}

function deployment() {
  const texts = readDeployment();
  const { findings, leftOut: missing } = askTools(texts);
  leftOut.push(...missing.map((name) => `deploy/ with ${name}: it is not on this machine`));
  const all = [...deploymentFindings(texts), ...findings];
  return all.length === 0 ? undefined : all.join("\n");
}

/** An SDK's own checks; its toolchain is looked for first. */
function sdk(folder, toolchain) {
  if (!isPresent(toolchain)) {
    leftOut.push(`${folder}: ${toolchain} is not on this machine`);
    return undefined;
  }
  return tool("sh", join(folder, "check.sh"));
}

/** Files that differ, are missing or are too many, as paths of the second tree. */
function compare(expected, actual) {
  const files = new Set([...list(expected), ...list(actual)]);
  return [...files]
    .filter((file) => read(join(expected, file)) !== read(join(actual, file)))
    .map((file) => join(actual, file));
}

function list(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes("__pycache__"))
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
}

function read(file) {
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}
