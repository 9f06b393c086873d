import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

/** How an SDK's program is found, made and started. */
export interface Sdk {
  readonly name: string;
  /** Exits 0 if the toolchain is there. */
  readonly probe: readonly string[];
  /** Makes the program, if that is needed. */
  readonly build: readonly string[] | undefined;
  /** Starts the program. */
  readonly run: readonly string[];
}

/** Whether an SDK can be tried, and why not. */
export type Readiness =
  | { readonly kind: "ready" }
  | { readonly kind: "no toolchain"; readonly why: string }
  | { readonly kind: "broken build"; readonly why: string };

type Definition = { probe: string[]; build?: string[]; run: string[] };

/** "node" is the Node that runs the suite, whatever the PATH says. */
const withNode = ([first = "", ...rest]: readonly string[]): string[] => [
  first === "node" ? process.execPath : first,
  ...rest,
];

/** The SDKs in `sdks.yaml`, in its order. */
export function readSdks(folder: string): Sdk[] {
  const definitions: Record<string, Definition> = parse(
    readFileSync(join(folder, "sdks.yaml"), "utf8"),
  );
  return Object.entries(definitions).map(([name, { probe, build, run }]) => ({
    name,
    probe: withNode(probe),
    build: build && withNode(build),
    run: withNode(run),
  }));
}

/** Looks for the toolchain and builds the program. */
export async function prepare(sdk: Sdk, root: string, build: boolean): Promise<Readiness> {
  const probe = await runToEnd(sdk.probe, root);
  if (probe.code !== 0) {
    return { kind: "no toolchain", why: `${sdk.probe.join(" ")}: ${lastLine(probe.output)}` };
  }
  if (sdk.build === undefined || !build) return { kind: "ready" };
  const built = await runToEnd(sdk.build, root);
  if (built.code === 0) return { kind: "ready" };
  return { kind: "broken build", why: `${sdk.build.join(" ")}\n${built.output}` };
}

const lastLine = (text: string): string => text.trim().split("\n").at(-1) || "not found";

function runToEnd(
  [command = "", ...args]: readonly string[],
  cwd: string,
): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    const keep = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-20_000);
    };
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    child.on("error", (error) => resolve({ code: null, output: error.message }));
    child.on("close", (code) => resolve({ code, output }));
  });
}
