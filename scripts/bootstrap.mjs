// Runs a program of this repository on a fresh clone: installs what is missing, finds Node 24,
// and passes arguments, streams, signals and the exit code on. Plain JavaScript without
// dependencies, because it runs before anything is installed, on Node 20 or newer.
//
//   node scripts/bootstrap.mjs server/src/main.ts --port 7400
//   node scripts/bootstrap.mjs vitest run
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const BIN = join(ROOT, "node_modules", ".bin");
const NEEDED_MAJOR = 24;
const OLDEST_MAJOR = 20;
const PARENT_CHECK_MS = 250;
const FORWARDED = ["SIGINT", "SIGTERM", "SIGHUP"];

const [target, ...args] = process.argv.slice(2);
if (target === undefined) leave("usage: node scripts/bootstrap.mjs PROGRAM [ARGUMENT…]", 2);
const ownMajor = Number(process.versions.node.split(".")[0]);
if (ownMajor < OLDEST_MAJOR) {
  leave(`Node ${process.versions.node} is too old: install Node ${OLDEST_MAJOR} or newer.`);
}
if (!isInstalled()) install();
run(findNode());

/** Whether node_modules holds exactly what the lock file asks for. */
function isInstalled() {
  const wanted = readLock(join(ROOT, "package-lock.json"));
  // npm writes this one last, so an install that was cut short is not taken for a whole one.
  const present = readLock(join(ROOT, "node_modules", ".package-lock.json"));
  if (wanted === undefined || present === undefined) return false;
  return Object.entries(wanted).every(([path, { version, optional, link }]) => {
    if (!path.includes("node_modules/") || link) return true;
    const found = present[path];
    // Packages for other platforms are in the lock file and never installed.
    return found === undefined ? optional === true : found.version === version;
  });
}

function readLock(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8")).packages;
  } catch {
    return undefined;
  }
}

function install() {
  const startedAt = Date.now();
  say("Installing dependencies (the first time this takes about half a minute) …");
  const npm = process.env.npm_execpath;
  const [program, ...first] = npm === undefined ? ["npm"] : [process.execPath, npm];
  // Not `npm ci`: it refuses a lock file without the packages of every platform, which npm writes
  // where the registry lacks some of them. This takes the locked versions and leaves the lock be.
  const { status, stdout, stderr, error } = spawnSync(
    program,
    [...first, "install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"],
    { cwd: ROOT, encoding: "utf8", shell: npm === undefined && process.platform === "win32" },
  );
  if (status !== 0) {
    say(`${stdout ?? ""}${stderr ?? ""}`.trim() || String(error));
    leave("npm install failed, see above. Is the npm registry reachable?");
  }
  say(`Installed in ${Math.round((Date.now() - startedAt) / 1000)} s.`);
}

/** This machine's Node if it is new enough, else the one that npm installed. */
function findNode() {
  if (ownMajor >= NEEDED_MAJOR) return process.execPath;
  const file = join(BIN, process.platform === "win32" ? "node.exe" : "node");
  const candidates = [file, join(BIN, "node.cmd")];
  const found = candidates.find((candidate) => existsSync(candidate));
  if (found !== undefined) return found;
  const platform = `${process.platform}-${process.arch}`;
  return leave(`npm has no Node ${NEEDED_MAJOR} for ${platform}: install Node ${NEEDED_MAJOR}.`);
}

function run(node) {
  const windows = process.platform === "win32";
  const isScript = /\.m?[jt]s$/.test(target);
  const program = isScript ? node : join(BIN, windows ? `${target}.cmd` : target);
  const given = isScript ? ["--conditions=source", join(ROOT, target), ...args] : args;
  const child = spawn(program, given, {
    env: { ...process.env, PATH: `${BIN}${delimiter}${process.env.PATH ?? ""}` },
    // A script learns from the channel that this process was killed, and stops.
    stdio: ["inherit", "inherit", "inherit", ...(isScript ? ["ipc"] : [])],
    shell: windows && !isScript,
  });
  for (const signal of FORWARDED) {
    process.on(signal, () => {
      // The terminal sends Ctrl-C to the child, too; a second one would mean "at once".
      if (signal === "SIGINT" && process.stdin.isTTY) return;
      child.kill(signal);
    });
  }
  // npm passes a signal to the shell between it and this process, and the shell keeps it to
  // itself. What shows is that the parent changes.
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    child.kill("SIGTERM");
  }, PARENT_CHECK_MS);
  watch.unref();
  child.on("error", (error) => leave(`${program} does not start: ${error.message}`));
  child.on("exit", (code, signal) => {
    process.exitCode = code ?? 128 + constants.signals[signal];
    if (child.connected) child.disconnect();
  });
}

// Standard output belongs to the program.
function say(text) {
  process.stderr.write(`${text}\n`);
}

function leave(text, code = 1) {
  say(text);
  process.exit(code);
}
