import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const VERSION = "v1.9.3";

/** What a run of grpcurl said and how it ended. */
export interface GrpcurlResult {
  readonly stdout: string;
  readonly stderr: string;
  /** 0 for OK; grpcurl ends with 64 + the gRPC code for an error of the server. */
  readonly exitCode: number;
}

/**
 * Finds the real grpcurl in PATH or Go's folder, or installs it with Go. Returns undefined, and
 * says so on standard error, where there is neither.
 */
export async function findGrpcurl(): Promise<string | undefined> {
  const go = await run("go", ["env", "GOPATH"]).catch(() => undefined);
  const goBin = go === undefined ? [] : [join(go.stdout.trim(), "bin")];
  const folders = [...(process.env.PATH ?? "").split(delimiter), ...goBin];
  const find = () => folders.map((folder) => join(folder, "grpcurl")).find((f) => existsSync(f));
  const found = find();
  if (found !== undefined) return found;
  if (go !== undefined) {
    const module = `github.com/fullstorydev/grpcurl/cmd/grpcurl@${VERSION}`;
    await run("go", ["install", module]).catch(() => undefined);
    const installed = find();
    if (installed !== undefined) return installed;
  }
  process.stderr.write(
    "\nLEFT OUT: tests with grpcurl, which is not here, nor is Go to install it\n\n",
  );
  return undefined;
}

/** Runs grpcurl without TLS against the server. `flags` come before the address. */
export async function grpcurl(
  program: string,
  url: string,
  args: readonly string[],
  flags: readonly string[] = [],
): Promise<GrpcurlResult> {
  try {
    const ended = await run(program, ["-plaintext", ...flags, new URL(url).host, ...args]);
    return { ...ended, exitCode: 0 };
  } catch (error) {
    const { stdout, stderr, code } = error as { stdout: string; stderr: string; code: number };
    return { stdout, stderr, exitCode: code };
  }
}
