// Finds valkey-server and nats-server for tests, benchmarks and chaos runs, or brings them: a
// server of this project needs neither. What is on the PATH wins if it is new enough; Redis does
// not stand in for Valkey. Otherwise Valkey comes as Debian's packages by way of apt's own
// sources, unpacked into a private folder, and nats-server is built by Go. Plain JavaScript
// without dependencies.
//
//   node scripts/services.mjs      brings both and says where they are
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, open, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** The release of Debian whose Valkey is 8; a private folder of it runs on older ones, too. */
const DEBIAN = "trixie";
const NATS = "v2.15.2";
/** Debian's keys; a machine that has them elsewhere has told apt so. */
const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";
const LOCK_POLL_MS = 200;
/** A lock whose owner cannot be asked is broken after this; a cold build takes two minutes. */
const LOCK_STALE_MS = 10 * 60_000;

const SERVICES = {
  valkey: {
    program: "valkey-server",
    version: /^Valkey server v=(\d+)\.(\d+)\.\d+/,
    least: [8, 0],
    folder: `valkey-${DEBIAN}`,
    bring: bringValkey,
    command: valkeyIn,
  },
  nats: {
    program: "nats-server",
    version: /^nats-server: v(\d+)\.(\d+)\.\d+/,
    least: [2, 11],
    folder: `nats-server-${NATS}`,
    bring: bringNats,
    command: (folder) => [join(folder, "nats-server")],
  },
};

const found = new Map();

/**
 * Where a service's server is, fetched if need be: at once when it is there, and once for all
 * processes that ask at the same time.
 *
 * @param {"valkey" | "nats"} name
 */
export function findService(name) {
  if (!found.has(name)) found.set(name, find(SERVICES[name]));
  return found.get(name);
}

async function find(service) {
  const version = await versionOf(service, [service.program]);
  if (version !== undefined) return { kind: "found", command: [service.program], version };
  const folder = join(cacheFolder(), service.folder);
  try {
    if (!existsSync(folder)) await bringOnce(folder, service.bring);
    const command = service.command(folder);
    const brought = await versionOf(service, command);
    if (brought === undefined) throw new Error(`${command.join(" ")} does not run or is too old`);
    return { kind: "found", command, version: brought };
  } catch (error) {
    return { kind: "missing", why: `no ${service.program}: ${error.message}` };
  }
}

/** "8.1.1", or undefined if it is not there, something else, or too old. */
async function versionOf({ version, least }, [program, ...args]) {
  const { status, output } = await run(program, [...args, "--version"]);
  const match = status === 0 ? version.exec(output) : null;
  if (match === null) return undefined;
  const [major, minor] = [Number(match[1]), Number(match[2])];
  const isNewEnough = major > least[0] || (major === least[0] && minor >= least[1]);
  return isNewEnough ? /\d+\.\d+\.\d+/.exec(match[0])[0] : undefined;
}

const cacheFolder = () =>
  join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "stellaops-orchestrator");

/** Makes the folder whole or not at all, by one process at a time. */
async function bringOnce(folder, bring) {
  await mkdir(cacheFolder(), { recursive: true });
  const lock = `${folder}.lock`;
  for (;;) {
    const mine = await open(lock, "wx").catch(() => undefined);
    if (mine !== undefined) {
      await mine.writeFile(String(process.pid));
      await mine.close();
      break;
    }
    if (await isStale(lock)) await rm(lock, { force: true });
    else await new Promise((resolve) => setTimeout(resolve, LOCK_POLL_MS));
    if (existsSync(folder)) return;
  }
  const work = await mkdtemp(`${folder}.part-`);
  try {
    if (existsSync(folder)) return;
    await bring(work);
    await rename(work, folder);
  } finally {
    await rm(work, { recursive: true, force: true });
    await rm(lock, { force: true });
  }
}

async function isStale(lock) {
  try {
    const [owner, { mtimeMs }] = await Promise.all([readFile(lock, "utf8"), stat(lock)]);
    if (Date.now() - mtimeMs > LOCK_STALE_MS) return true;
    if (owner === "") return false; // being written
    process.kill(Number(owner), 0);
    return false;
  } catch (error) {
    return error.code === "ESRCH";
  }
}

async function bringNats(folder) {
  await must("go", ["install", `github.com/nats-io/nats-server/v2@${NATS}`], {
    GOBIN: folder,
    CGO_ENABLED: "0",
  });
}

/**
 * Debian's packages with all that they need, down to the C library, downloaded by an apt that
 * thinks that nothing is installed, and unpacked without being installed.
 */
async function bringValkey(folder) {
  const sources = await debianSources();
  const apt = await mkdtemp(join(tmpdir(), "orch-apt-"));
  try {
    await mkdir(join(apt, "lists", "partial"), { recursive: true });
    await mkdir(join(apt, "archives", "partial"), { recursive: true });
    await writeFile(join(apt, "status"), "");
    await writeFile(join(apt, "sources.list"), `${sources.join("\n")}\n`);
    const settings = {
      "Dir::Etc::sourcelist": join(apt, "sources.list"),
      "Dir::Etc::sourceparts": "/dev/null",
      "Dir::Etc::preferencesparts": "/dev/null",
      "Dir::State::lists": join(apt, "lists"),
      "Dir::State::status": join(apt, "status"),
      "Dir::Cache": apt,
      "Debug::NoLocking": "1",
      "APT::Sandbox::User": "",
      "Acquire::Languages": "none",
      "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
    };
    const options = Object.entries(settings).flatMap(([key, value]) => ["-o", `${key}=${value}`]);
    await must("apt-get", [...options, "-qq", "update"]);
    const quiet = ["-qq", "-y", "--no-install-recommends", "--download-only"];
    await must("apt-get", [...options, ...quiet, "install", "valkey-server", "valkey-tools"]);
    for (const file of readdirSync(join(apt, "archives"))) {
      if (!file.endsWith(".deb")) continue;
      await must("dpkg-deb", ["--extract", join(apt, "archives", file), folder]);
    }
    await rm(join(folder, "usr", "share"), { recursive: true, force: true });
  } finally {
    await rm(apt, { recursive: true, force: true });
  }
}

/** Where this machine gets Debian from, as lines that ask there for the release we want. */
async function debianSources() {
  if (process.platform !== "linux") throw new Error("not on the PATH (8 or newer)");
  const release = existsSync("/etc/os-release") ? readFileSync("/etc/os-release", "utf8") : "";
  if (!/^ID=debian$/m.test(release)) throw new Error("not on the PATH (8 or newer), not Debian");
  const codename = /^VERSION_CODENAME=(\w+)$/m.exec(release)?.[1];
  const format = "$(REPO_URI) $(RELEASE) $(COMPONENT)";
  const targets = await must("apt-get", ["indextargets", "--format", format]);
  const signed = existsSync(KEYRING) ? `[signed-by=${KEYRING}] ` : "";
  const lines = targets.split("\n").flatMap((line) => {
    const [uri, suite, component] = line.split(" ");
    if (suite !== codename || component !== "main") return [];
    return [`deb ${signed}${uri} ${DEBIAN} main`];
  });
  if (lines.length === 0) throw new Error("apt has no source of Debian's packages");
  return [...new Set(lines)];
}

/** Valkey under the loader and the libraries that came with it. */
function valkeyIn(folder) {
  const loader = ["lib64/ld-linux-x86-64.so.2", "lib/ld-linux-aarch64.so.1"]
    .map((path) => join(folder, "usr", path))
    .find(existsSync);
  if (loader === undefined) throw new Error(`no loader for ${process.arch}`);
  const libraries = readdirSync(join(folder, "usr", "lib"))
    .filter((name) => name.endsWith("-linux-gnu"))
    .map((name) => join(folder, "usr", "lib", name));
  const program = join(folder, "usr", "bin", "valkey-server");
  return [loader, "--library-path", libraries.join(":"), program];
}

/** Its output, or an error with the last line that it said. */
async function must(program, args, env = {}) {
  const { status, output } = await run(program, args, env);
  if (status === 0) return output;
  throw new Error(`${program}: ${output.trim().split("\n").at(-1)}`);
}

function run(program, args, env = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      env: { ...process.env, LC_ALL: "C", ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk) => {
        output += chunk;
      });
    }
    child.on("error", (error) => resolve({ status: 1, output: error.message }));
    child.on("close", (status) => resolve({ status, output }));
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  for (const name of Object.keys(SERVICES)) {
    const service = await findService(name);
    if (service.kind === "missing") process.exitCode = 1;
    const what = service.kind === "missing" ? service.why : service.command.join(" ");
    console.log(`${name.padEnd(6)} ${service.version ?? "MISSING"}  ${what}`);
  }
}
