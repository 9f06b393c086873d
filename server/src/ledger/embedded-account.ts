import { execFile } from "node:child_process";
import { chown, lchown, readdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/**
 * How to run Postgres's programs. Postgres refuses to run as root, so root runs them as `nobody`.
 */
export interface Account {
  /** Who owns the files; undefined when that is whoever runs this process. */
  readonly owner?: { readonly uid: number; readonly gid: number };
  /** The command line that runs `program` under the account. */
  command(program: string, args: readonly string[]): readonly [string, ...string[]];
  /** Options for spawn. */
  readonly spawn: { readonly uid?: number; readonly gid?: number };
}

const NOBODY = 65_534;

/**
 * Chooses the account: this one, or `nobody` for root. Where `nobody` cannot reach `paths`, as
 * below /root, the programs keep the one capability that ignores folder permissions, through
 * util-linux's setpriv. Throws, saying what to do, when that is not possible either.
 */
export async function chooseAccount(paths: readonly string[]): Promise<Account> {
  const plain: Account = { command: (program, args) => [program, ...args], spawn: {} };
  if (process.getuid?.() !== 0) return plain;

  const owner = { uid: await nobodyId("-u"), gid: await nobodyId("-g") };
  const dropped: Account = { ...plain, owner, spawn: owner };
  if (await reaches(dropped, paths)) return dropped;

  const capable: Account = {
    owner,
    command: (program, args) => ["setpriv", ...setprivArgs(owner), program, ...args],
    spawn: {},
  };
  if (await reaches(capable, paths)) return capable;
  const where = paths.join(" or ");
  throw new Error(
    `Postgres does not run as root, and the account nobody cannot reach ${where}. ` +
      "Run as another user, move the folder (ORCH_DATA_DIR), or set DATABASE_URL",
  );
}

/** Gives a folder and all in it to the account, links themselves and not what they point to. */
export async function giveTo(account: Account, folder: string): Promise<void> {
  const { owner } = account;
  if (owner === undefined) return;
  await chown(folder, owner.uid, owner.gid);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await giveTo(account, path);
    else await lchown(path, owner.uid, owner.gid);
  }
}

function setprivArgs(owner: { uid: number; gid: number }): string[] {
  const capability = "+dac_override";
  return [
    `--reuid=${owner.uid}`,
    `--regid=${owner.gid}`,
    "--clear-groups",
    `--inh-caps=${capability}`,
    `--ambient-caps=${capability}`,
  ];
}

async function reaches(account: Account, paths: readonly string[]): Promise<boolean> {
  const test = paths.map((_, index) => `test -r "$${index + 1}"`).join(" && ");
  const [program, ...args] = account.command("/bin/sh", ["-c", test, "sh", ...paths]);
  try {
    await run(program, args, account.spawn);
    return true;
  } catch {
    return false;
  }
}

async function nobodyId(flag: "-u" | "-g"): Promise<number> {
  try {
    return Number((await run("id", [flag, "nobody"])).stdout.trim());
  } catch {
    return NOBODY;
  }
}
