// What is generated out of the contract, by which template and with which toolchain. Used by
// generate.mjs, which writes it, and by check.mjs, which compares it with what is in git.
import { spawnSync } from "node:child_process";
import { join } from "node:path";

/** Each: its template, the folders it writes, and what it needs besides Node. */
export const GENERATORS = [
  {
    name: "typescript",
    args: ["--template", "buf.gen.yaml"],
    folders: [join("server", "src", "gen"), join("sdk-ts", "src", "gen")],
  },
  {
    name: "conformance",
    args: ["test/conformance/proto", "--template", "test/conformance/buf.gen.yaml"],
    folders: [join("test", "conformance", "gen")],
  },
  {
    name: "go",
    args: ["--template", "sdk-go/buf.gen.yaml"],
    folders: [join("sdk-go", "internal", "gen")],
    toolchain: "go",
  },
  {
    name: "python",
    args: ["--template", "sdk-python/buf.gen.yaml"],
    folders: [join("sdk-python", "src", "stellaops_orchestrator", "_gen")],
    toolchain: "python3",
    setUp: ["sh", "sdk-python/check.sh", "--setup"],
  },
  {
    name: "python's conformance program",
    args: ["test/conformance/proto", "--template", "sdk-python/conformance/buf.gen.yaml"],
    folders: [join("sdk-python", "conformance", "_gen")],
    toolchain: "python3",
    setUp: ["sh", "sdk-python/check.sh", "--setup"],
  },
  {
    name: "rust",
    args: ["--template", "sdk-rust/buf.gen.yaml"],
    folders: [join("sdk-rust", "src", "gen")],
    toolchain: "cargo",
  },
  {
    name: "rust's conformance program",
    args: ["--template", "sdk-rust/conformance/buf.gen.yaml"],
    folders: [join("sdk-rust", "conformance", "src", "gen")],
    toolchain: "cargo",
  },
];

const PROBES = { go: ["version"], python3: ["--version"], cargo: ["--version"] };

/** Whether a toolchain is on this machine; undefined needs none. */
export const isPresent = (toolchain) =>
  toolchain === undefined || spawnSync(toolchain, PROBES[toolchain]).status === 0;

/** Runs a generator into `output`, or in place if that is not given; returns what is wrong. */
export function generate({ args, setUp }, root, output) {
  const commands = [
    ...(setUp === undefined ? [] : [setUp]),
    ["buf", "generate", ...args, ...(output === undefined ? [] : ["--output", output])],
  ];
  for (const [program, ...rest] of commands) {
    const options = { cwd: root, encoding: "utf8", shell: process.platform === "win32" };
    const { status, stdout, stderr, error } = spawnSync(program, rest, options);
    if (status === 0) continue;
    return `${stdout ?? ""}${stderr ?? ""}` || String(error ?? `${program} ended with ${status}`);
  }
  return undefined;
}
