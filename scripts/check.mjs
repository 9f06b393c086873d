// Everything that must hold before a commit, step by step. `npm run check` runs it; a step's name
// as an argument runs that step alone: `npm run check -- lint`.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const RELEASED = join("proto", "released", "v1.binpb");
const GENERATED = [join("server", "src", "gen"), join("sdk-ts", "src", "gen")];

/** Each step returns what is wrong, or nothing. */
const STEPS = [
  ["format", "contract is formatted", format],
  ["lint", "contract follows the rules of buf", () => tool("buf", "lint")],
  ["breaking", "contract breaks no released client", breaking],
  ["drift", "generated code is the contract's", drift],
  ["biome", "code is formatted and clean", () => tool("biome", "ci", "--colors=off", ".")],
  ["types", "types fit", () => tool("tsc", "-p", ".")],
  ["tidy", "house rules hold", () => tool("vitest", "run", "test/tidy.test.ts")],
  ["sdk", "the SDK builds", () => tool("npm", "run", "build", "--workspace", "sdk-ts", "--silent")],
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
  console.log(`${verdict} ${name.padEnd(9)} ${seconds.padStart(5)} s  ${promise}`);
  if (wrong === undefined) continue;
  failed += 1;
  console.log(wrong.trimEnd().replace(/^/gm, "     "));
}
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

function format() {
  return tool("buf", "format", "--diff", "--exit-code", "proto");
}

function breaking() {
  if (!existsSync(join(ROOT, RELEASED))) return `${RELEASED} is missing: npm run release:contract`;
  // The image has the folder of our own protos alone, so that is what is compared.
  return tool("buf", "breaking", "proto", "--against", RELEASED);
}

function drift() {
  const folder = mkdtempSync(join(tmpdir(), "orch-generated-"));
  try {
    const failure = tool("buf", "generate", "--output", folder);
    if (failure !== undefined) return failure;
    const differing = GENERATED.flatMap((path) => compare(join(folder, path), join(ROOT, path)));
    if (differing.length === 0) return undefined;
    const names = differing.map((path) => relative(ROOT, path));
    return `not what buf generates (npm run generate):\n${names.join("\n")}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
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
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
}

function read(file) {
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}
