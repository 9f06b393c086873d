import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { onTestFinished } from "vitest";
import { temporaryFolder } from "./fixtures.ts";

const MAIN = path.resolve(import.meta.dirname, "../main.ts");

/** A demo that ran to its end. */
export interface EndedDemo {
  /** Its exit code; null when a signal ended it. */
  readonly code: number | null;
  /** What it wrote. */
  readonly stdout: string;
  /** What it wrote beside. */
  readonly stderr: string;
}

/** A demo that is running, as a process of its own with a data folder of its own. */
export class RunningDemo {
  /** The data folder. */
  readonly dataDir: string;
  /** Settles when it has ended. */
  readonly ended: Promise<EndedDemo>;
  readonly process: ChildProcess;
  readonly #mark = randomUUID();
  #output = "";
  #errors = "";

  constructor(
    args: readonly string[],
    dataDir = temporaryFolder(),
    more: Readonly<Record<string, string>> = {},
  ) {
    this.dataDir = dataDir;
    const { INIT_CWD, DATABASE_URL, ...env } = process.env;
    this.process = spawn(process.execPath, ["--conditions=source", MAIN, ...args], {
      env: { ...env, ORCH_DATA_DIR: dataDir, DEMO_TEST_MARK: this.#mark, CI: "true", ...more },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.process.stdout?.on("data", (chunk) => {
      this.#output += chunk;
    });
    this.process.stderr?.on("data", (chunk) => {
      this.#errors += chunk;
    });
    this.ended = once(this.process, "close").then(([code]) => ({
      code,
      stdout: this.#output,
      stderr: this.#errors,
    }));
    onTestFinished(({ task }) => {
      if (task.result?.state === "fail") process.stderr.write(this.#diagnosis());
      for (const pid of this.processes()) process.kill(pid, "SIGKILL");
    });
  }

  #diagnosis(): string {
    const names = ["server", "agent", "agent-go", "agent-python", "agent-rust"];
    const logs = names.map((name) => {
      const file = path.join(this.dataDir, "demo", `${name}.log`);
      const lines = existsSync(file) ? readFileSync(file, "utf8").trimEnd().split("\n") : [];
      return `--- ${name}\n${lines.map((line) => line.slice(0, 500)).join("\n")}\n`;
    });
    return `--- the demo wrote\n${this.written}\n${logs.join("")}`;
  }

  /** What it wrote so far, both streams. */
  get written(): string {
    return this.#output + this.#errors;
  }

  /** The processes that it started, itself included, that still run: told by the environment. */
  processes(): number[] {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => {
        const { environment, command } = describe(pid);
        return environment.includes(this.#mark) || command.includes(this.dataDir);
      });
  }

  /** The process of the demo whose command line has that text; undefined when there is none. */
  processOf(text: string): number | undefined {
    return this.processes().find((pid) => describe(pid).command.includes(text));
  }
}

function describe(pid: number): { environment: string; command: string } {
  try {
    return {
      environment: readFileSync(`/proc/${pid}/environ`, "latin1"),
      command: readFileSync(`/proc/${pid}/cmdline`, "utf8"),
    };
  } catch {
    // It ended in between.
    return { environment: "", command: "" };
  }
}
