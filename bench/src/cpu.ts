import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** CPU time of processes in microseconds, by the names they were given. */
export type CpuTimes = Readonly<Record<string, number>>;

/** A process to watch; with `family` its children count, too, those that ended included. */
export interface Watched {
  readonly name: string;
  readonly pid: number;
  readonly family?: boolean;
}

/** Whether this machine shows CPU times of processes as files. Elsewhere they are left out. */
export const hasProcessTimes = process.platform === "linux";

/** Reads how much CPU time each has used so far. Names that stand twice are added up. */
export function cpuTimes(watched: readonly Watched[]): CpuTimes {
  if (!hasProcessTimes) return {};
  const all = watched.some(({ family }) => family) ? readAll() : [];
  const times: Record<string, number> = {};
  for (const { name, pid, family } of watched) {
    const stat = readStat(pid);
    const ticks =
      (stat?.own ?? 0) +
      (family === true
        ? (stat?.ended ?? 0) + sum(all.filter(({ parent }) => parent === pid).map((s) => s.own))
        : 0);
    times[name] = (times[name] ?? 0) + ticks * microsecondsPerTick();
  }
  return times;
}

/** The resident memory of a process in bytes; 0 where the machine does not say. */
export function residentBytes(pid: number): number {
  if (!hasProcessTimes) return 0;
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kib ?? 0) * 1024;
}

/** `after` less `before`, name by name. */
export function spent(before: CpuTimes, after: CpuTimes): CpuTimes {
  return Object.fromEntries(
    Object.entries(after).map(([name, time]) => [name, time - (before[name] ?? 0)]),
  );
}

interface Stat {
  readonly parent: number;
  readonly own: number;
  /** Of children that ended and were waited for. */
  readonly ended: number;
}

function readStat(pid: number): Stat | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return undefined;
  }
  // proc(5): after the name, which is in brackets and may hold anything, state is field 3.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const field = (number: number) => Number(fields[number - 3]);
  return { parent: field(4), own: field(14) + field(15), ended: field(16) + field(17) };
}

function readAll(): Stat[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map((pid) => readStat(Number(pid))).filter((stat) => stat !== undefined);
}

const sum = (values: readonly number[]): number =>
  values.reduce((total, value) => total + value, 0);

let tick: number | undefined;

function microsecondsPerTick(): number {
  tick ??= 1e6 / Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));
  return tick;
}
