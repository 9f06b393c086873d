import { createRequire } from "node:module";
import { cpus, release, totalmem, type } from "node:os";

/** Where and with what a run was made. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly node: string;
  readonly packages: Readonly<Record<string, string>>;
}

const PACKAGES = [
  "pg",
  "@connectrpc/connect-node",
  "@bufbuild/protobuf",
  "@grpc/grpc-js",
  "graphile-worker",
  "pg-boss",
  "bullmq",
];

/** Describes this machine, without its name. */
export function describeMachine(): Machine {
  const [first] = cpus();
  return {
    cpu: first?.model.trim() ?? "unknown",
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    node: process.version,
    packages: Object.fromEntries(PACKAGES.map((name) => [name, versionOf(name)])),
  };
}

/** The version of an installed package; "?" if it is not installed. */
export function versionOf(name: string): string {
  const require = createRequire(import.meta.url);
  for (const path of require.resolve.paths(name) ?? []) {
    try {
      return (require(`${path}/${name}/package.json`) as { version: string }).version;
    } catch {
      // Not in this folder; the next one up may have it.
    }
  }
  return "?";
}
