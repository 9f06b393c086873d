import { closeSync, openSync, readFileSync, writeSync } from "node:fs";

/**
 * A process's own log: a line of JSON a write, handed to the kernel before the call returns, so
 * that a process which is killed has said all that it said.
 */
export class Journal {
  readonly #file: number;
  #seq = 0;

  /** Appends to the file. */
  constructor(path: string) {
    this.#file = openSync(path, "a");
  }

  /** Adds `seq`, the monotonic clock of the machine, and the process's own clock. */
  write(line: object): void {
    const stamped = {
      ...line,
      seq: ++this.#seq,
      monoNs: process.hrtime.bigint(),
      clockMs: Date.now(),
    };
    writeSync(this.#file, `${JSON.stringify(stamped, bigintAsText)}\n`);
  }

  close(): void {
    closeSync(this.#file);
  }
}

const bigintAsText = (_key: string, value: unknown): unknown =>
  typeof value === "bigint" ? value.toString() : value;

/** The lines of a journal; a last one without an end was cut off by a kill and is left out. */
export function readJournal<Line>(path: string, fromByte = 0): { lines: Line[]; bytes: number } {
  const bytes = readFileSync(path).subarray(fromByte);
  const end = bytes.lastIndexOf(0x0a) + 1;
  const text = bytes.subarray(0, end).toString("utf8");
  const lines = text.split("\n").filter((line) => line !== "");
  return { lines: lines.map((line) => JSON.parse(line) as Line), bytes: fromByte + end };
}
