import { createHash } from "node:crypto";
import { mkdir, stat, unlink } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

/** The folder is in use by another process that is alive. */
export class FolderInUse extends Error {
  override readonly name = "FolderInUse";
  readonly folder: string;

  constructor(folder: string) {
    super(`${folder} is in use by another server: stop it, or choose another ORCH_DATA_DIR`);
    this.folder = folder;
  }
}

/** Ends the exclusive use. Idempotent. */
export type Release = () => Promise<void>;

/**
 * Takes a folder for this process alone, until it is released or the process ends, however it
 * ends. Makes the folder if need be. Throws {@link FolderInUse} if another process has it.
 *
 * A bound socket is the lock, because the kernel takes it back from a process that was killed,
 * which a lock file with a pid never knows. It excludes processes of this machine only.
 */
export async function takeFolder(folder: string): Promise<Release> {
  await mkdir(folder, { recursive: true });
  const address = lockAddress(await identity(folder));
  const server = await bind(address, folder);
  server.unref();
  return () => new Promise((done) => (server.listening ? server.close(() => done()) : done()));
}

async function bind(address: string, folder: string): Promise<Server> {
  try {
    return await listen(address);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
  }
  // Only a socket that is a file can outlive its process.
  if (!address.startsWith("/") || (await answers(address))) throw new FolderInUse(folder);
  await unlink(address).catch(() => undefined);
  try {
    return await listen(address);
  } catch {
    throw new FolderInUse(folder);
  }
}

function listen(address: string): Promise<Server> {
  return new Promise((done, fail) => {
    const server = createServer((socket) => socket.destroy());
    server.once("error", fail);
    server.listen(address, () => done(server));
  });
}

function answers(address: string): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(address);
    socket.once("connect", () => {
      socket.destroy();
      done(true);
    });
    socket.once("error", () => done(false));
  });
}

/** The same for every path that leads to the folder. */
async function identity(folder: string): Promise<string> {
  const facts = await stat(folder, { bigint: true });
  const name = process.platform === "win32" ? resolve(folder).toLowerCase() : "";
  return createHash("sha256")
    .update(`${facts.dev}:${facts.ino}:${name}`)
    .digest("hex")
    .slice(0, 24);
}

function lockAddress(id: string): string {
  if (process.platform === "linux") return `\0stellaops-orchestrator-${id}`;
  if (process.platform === "win32") return `\\\\.\\pipe\\stellaops-orchestrator-${id}`;
  return join(tmpdir(), `stellaops-orchestrator-${id}.sock`);
}
