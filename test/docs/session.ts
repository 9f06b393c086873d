import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { delimiter, dirname } from "node:path";
import { promisify } from "node:util";

/** Runs every block of a page that is marked as its session, in one shell; answers what it said. */
export async function runSession(page: URL, serverUrl: string, grpcurl: string): Promise<string> {
  const text = await readFile(page, "utf8");
  const blocks = [...text.matchAll(/<!-- session -->\n```sh\n(.*?)```/gs)].map(([, sh]) => sh);
  const script = blocks.join("\n").replaceAll("localhost:7400", new URL(serverUrl).host);
  const path = [dirname(grpcurl), process.env.PATH].join(delimiter);
  const env = { ...process.env, PATH: path };
  const { stdout } = await promisify(execFile)("bash", ["-euo", "pipefail", "-c", script], { env });
  return stdout;
}
