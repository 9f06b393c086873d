import { createInterface } from "node:readline";

/** A command as a benchmark's main process sends it. */
export type Command = Readonly<Record<string, unknown>> & { readonly do: string };

/** Prints a line for the main process. */
export function tell(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/**
 * Serves commands, one line of JSON each, one after the other: the handler named by `do` runs and
 * its result is told as `{"answer": …}`, an error as `{"failed": …}`. The process ends with its
 * standard input.
 */
export function serve(handlers: Readonly<Record<string, (command: Command) => unknown>>): void {
  const input = createInterface({ input: process.stdin });
  let last: Promise<void> = Promise.resolve();
  input.on("line", (text) => {
    const command = JSON.parse(text) as Command;
    last = last.then(async () => {
      try {
        const handler = handlers[command.do];
        if (handler === undefined) throw new Error(`no command "${command.do}"`);
        tell({ answer: (await handler(command)) ?? null });
      } catch (error) {
        tell({ failed: error instanceof Error ? (error.stack ?? error.message) : String(error) });
      }
    });
  });
  input.on("close", () => process.exit(0));
  process.on("SIGTERM", () => process.exit(0));
}

/** Microseconds on a clock that all processes of this machine share. */
export function nowUs(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}

const COUNT_INTERVAL_MS = 4;

/**
 * Counts handled jobs and tells the main process, a few hundred times a second at most: a line for
 * every job would be a load of its own. Call the answer once a job.
 */
export function startCounting(): () => void {
  let done = 0;
  let isTelling = false;
  const report = () => {
    isTelling = false;
    tell({ done });
  };
  return () => {
    done++;
    if (isTelling) return;
    isTelling = true;
    setTimeout(report, COUNT_INTERVAL_MS);
  };
}
