import { createLogUpdate } from "log-update";
import stringWidth from "string-width";
import { type Board, type BoardJob, bucketOf } from "./board.ts";
import type { ProgressDisplay } from "./progress.ts";
import { cut, humanSeconds, padded, paint, printable, shortened, type TextStream } from "./text.ts";

const FRAME_MS = 80;
const SPINNER = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const BAR_COLUMNS = 24;
const MOST_ROWS = 8;

/** A display that redraws itself in place, for terminals. */
export function liveDisplay(stream: TextStream): ProgressDisplay {
  const update = createLogUpdate(stream, { showCursor: false });
  const started = performance.now();
  let note = "";
  let board: Board | undefined;
  let tick = 0;
  const draw = () => {
    const seconds = (performance.now() - started) / 1000;
    const spinner = SPINNER[tick++ % SPINNER.length] ?? "";
    update(frame({ stream, board, note, seconds, spinner }));
  };
  const timer = setInterval(draw, FRAME_MS);
  return {
    say(text) {
      note = printable(text);
      draw();
    },
    tell(text) {
      update.persist(printable(text));
      draw();
    },
    begin(jobs) {
      board = jobs;
    },
    // The next frame shows it.
    changed() {},
    end() {
      clearInterval(timer);
      update.clear();
      update.done();
    },
  };
}

/** What one frame shows. */
export interface Frame {
  /** Where it will be shown: its size and colours. */
  readonly stream: TextStream;
  /** The jobs; undefined before there are any. */
  readonly board: Board | undefined;
  /** What goes on, when there are no jobs yet. */
  readonly note: string;
  /** Since the start. */
  readonly seconds: number;
  /** The spinner's glyph. */
  readonly spinner: string;
}

/** The text of one frame; never wider or higher than the terminal. */
export function frame({ stream, board, note, seconds, spinner }: Frame): string {
  const columns = Math.max(stream.columns ?? 80, 40) - 1;
  const spin = paint(stream, "cyan", spinner);
  const clock = paint(stream, "dim", humanSeconds(seconds));
  if (board === undefined) return `${spin} ${shortened(note, columns - 12)} ${clock}`;
  const { waiting, running, succeeded, dead, cancelled } = board.counts;
  const done = succeeded + dead + cancelled;
  const all = done + running + waiting;
  const counts = [
    paint(stream, "green", `${succeeded} succeeded`),
    ...(dead > 0 ? [paint(stream, "red", `${dead} dead`)] : []),
    ...(cancelled > 0 ? [paint(stream, "yellow", `${cancelled} cancelled`)] : []),
    `${running} running`,
    paint(stream, "dim", `${waiting} waiting`),
  ];
  const rows = Math.min(MOST_ROWS, Math.max((stream.rows ?? 24) - 4, 1));
  return [
    `${spin} ${bar(stream, all === 0 ? 0 : done / all, columns)} ${done}/${all} jobs  ${clock}`,
    `  ${asManyAsFit(counts, columns)}`,
    ...busiest(board, rows).map((job) => row(stream, job, columns)),
  ].join("\n");
}

function asManyAsFit(parts: readonly string[], columns: number): string {
  let line = "";
  for (const part of parts) {
    if (stringWidth(line) + stringWidth(part) + 4 > columns) break;
    line += `${line === "" ? "" : "  "}${part}`;
  }
  return line;
}

function bar(stream: TextStream, fraction: number, columns: number): string {
  const width = Math.min(BAR_COLUMNS, Math.max(columns - 32, 4));
  const filled = Math.round(fraction * width);
  const rest = paint(stream, "dim", "─".repeat(width - filled));
  return paint(stream, "green", "━".repeat(filled)) + rest;
}

function busiest(board: Board, rows: number): BoardJob[] {
  const running = board.jobs.filter((job) => bucketOf(job.state) === "running");
  const dead = board.jobs.filter((job) => job.state === "dead");
  const retrying = board.jobs.filter((job) => job.state === "scheduled");
  return [...running, ...dead, ...retrying].slice(0, rows);
}

function row(stream: TextStream, job: BoardJob, columns: number): string {
  const nameColumns = Math.floor(columns * 0.55);
  const name = padded(shortened(printable(job.name), nameColumns), nameColumns);
  const room = Math.max(columns - nameColumns - 6, 0);
  if (bucketOf(job.state) === "running") {
    const { fraction, message } = job.progress ?? { fraction: 0, message: "" };
    const percent = padded(`${Math.round(fraction * 100)} %`, 5, "right");
    const said = cut(printable(message), Math.max(room - 7, 1));
    return `  ${paint(stream, "cyan", "▸")} ${name} ${percent}  ${paint(stream, "dim", said)}`;
  }
  const message = job.lastFailure?.message ?? job.state;
  // A malformed manifest's message opens with its name, which stands before it already.
  const isNamed = message.startsWith(`${job.name}:`);
  const news = printable(isNamed ? message.slice(job.name.length + 1) : message);
  const why = cut(news, Math.max(room, 1));
  const [mark, colour] =
    job.state === "dead" ? (["✖", "red"] as const) : (["↻", "yellow"] as const);
  return `  ${paint(stream, colour, mark)} ${name}  ${paint(stream, colour, why)}`;
}
