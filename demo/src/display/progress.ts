import { type Board, type BoardJob, bucketOf } from "./board.ts";
import { liveDisplay } from "./live.ts";
import { humanSeconds, paint, printable, type TextStream } from "./text.ts";

/** Shows how the work goes on. */
export interface ProgressDisplay {
  /** Says what goes on now. */
  say(text: string): void;
  /** Says something that stays on the screen. */
  tell(text: string): void;
  /** The run is there: shows its jobs from now on. */
  begin(board: Board): void;
  /** A job changed. */
  changed(job: BoardJob, before: BoardJob | undefined): void;
  /** Nothing more will come; leaves the terminal as it should be. Safe to repeat. */
  end(): void;
}

/** The display that fits the stream: one that redraws itself for a terminal, else plain lines. */
export function progressDisplay(stream: TextStream, isDumb: boolean): ProgressDisplay {
  return stream.isTTY && !isDumb ? liveDisplay(stream) : plainDisplay(stream);
}

/** A line per step and per finished or failed attempt, for logs and pipes. */
export function plainDisplay(stream: TextStream): ProgressDisplay {
  const started = performance.now();
  const line = (text: string) => {
    const seconds = humanSeconds((performance.now() - started) / 1000);
    stream.write(`${paint(stream, "dim", seconds.padStart(8))}  ${text}\n`);
  };
  return {
    say: (text) => line(printable(text)),
    tell: (text) => line(printable(text)),
    begin(board) {
      line(`${board.jobs.length} jobs in the run`);
    },
    changed(job, before) {
      const isNews = job.state !== before?.state || job.attempt !== before.attempt;
      if (!isNews) return;
      const why = job.lastFailure === undefined ? "" : `: ${printable(job.lastFailure.message)}`;
      const name = printable(job.name);
      if (job.state === "succeeded") line(`${paint(stream, "green", "succeeded")}  ${name}`);
      else if (job.state === "cancelled") line(`${paint(stream, "yellow", "cancelled")}  ${name}`);
      else if (job.state === "dead") line(`${paint(stream, "red", "dead")}       ${name}${why}`);
      else if (job.state === "scheduled" && bucketOf(before?.state ?? "ready") === "running")
        line(`${paint(stream, "yellow", "retrying")}   ${name}${why}`);
    },
    end() {},
  };
}
