import { Writable } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import stringWidth from "string-width";
import { expect, test } from "vitest";
import { Board, type BoardJob } from "./board.ts";
import { frame } from "./live.ts";
import { plainDisplay } from "./progress.ts";
import { reportText } from "./report.ts";
import { printable, shortened, type TextStream } from "./text.ts";

/** A stream that keeps what is written, as wide and high as a terminal could be. */
function stream(columns = 80, rows = 24) {
  const written: string[] = [];
  const out = new Writable({
    write(chunk, _encoding, done) {
      written.push(String(chunk));
      done();
    },
  });
  return { written, stream: Object.assign(out, { columns, rows, isTTY: true }) as TextStream };
}

const job = (name: string, more: Partial<BoardJob> = {}): BoardJob => ({
  name,
  state: "ready",
  attempt: 0,
  startTime: undefined,
  finishTime: undefined,
  progress: undefined,
  lastFailure: undefined,
  ...more,
});

const board = (...jobs: BoardJob[]) => {
  const made = new Board(jobs.map((j) => j.name));
  for (const j of jobs) made.update(j);
  return made;
};

const dead = job("b/go.mod", {
  state: "dead",
  attempt: 1,
  startTime: new Date(1000),
  finishTime: new Date(1250),
  lastFailure: { failureClass: "parse_error", message: "b/go.mod:6: usage: require M V" },
});

test("the board counts, keeps the order, and grows", () => {
  const jobs = board(job("a", { state: "running" }), dead, job("merge", { state: "blocked" }));
  expect(jobs.counts).toEqual({ waiting: 1, running: 1, succeeded: 0, dead: 1, cancelled: 0 });
  expect(jobs.jobs.map((j) => j.name)).toEqual(["a", "b/go.mod", "merge"]);
  expect(jobs.update(job("fanned out"))).toBeUndefined();
  expect(jobs.update(job("fanned out", { state: "running" }))?.state).toBe("ready");
  expect(jobs.jobs.map((j) => j.name)).toEqual(["a", "b/go.mod", "merge", "fanned out"]);
  expect(jobs.counts).toMatchObject({ waiting: 1, running: 2 });
});

test("a board of too many jobs shows those that it is given, and counts as it is told", () => {
  const jobs = board(job("a"), job("merge", { state: "blocked" }));
  const counts = { waiting: 7_000, running: 4, succeeded: 2_995, dead: 1, cancelled: 0 };
  jobs.count(counts, [dead]);
  const text = stripVTControlCharacters(
    frame({ ...{ stream: stream().stream, board: jobs, note: "" }, seconds: 1, spinner: "⠋" }),
  );
  expect(text).toContain("2996/10000 jobs");
  expect(text).toContain("✖ b/go.mod");
});

test.each([40, 80, 200])("a frame fits a terminal of %i columns and few rows", (columns) => {
  const long = `${"deep/".repeat(30)}package-lock.json`;
  const many = Array.from({ length: 50 }, (_, i) =>
    job(`${i}/${long}`, {
      state: "running",
      progress: { fraction: 0.5, message: "reading component lists of everything there is" },
    }),
  );
  const text = frame({
    ...{ stream: stream(columns, 8).stream, board: board(...many, dead), note: "" },
    ...{ seconds: 61.5, spinner: "⠋" },
  });
  const lines = stripVTControlCharacters(text).split("\n");
  expect(lines.length).toBeLessThan(8);
  for (const line of lines) expect(stringWidth(line)).toBeLessThanOrEqual(columns);
});

test("a frame shows what runs and what died, and why", () => {
  const running = job("a", {
    state: "running",
    progress: { fraction: 0.5, message: "12 components" },
  });
  const shown = frame({
    ...{ stream: stream().stream, board: board(running, dead), note: "" },
    ...{ seconds: 1, spinner: "⠋" },
  });
  const text = stripVTControlCharacters(shown);
  expect(text).toMatch(/a +50 % {2}12 components/);
  expect(text).toContain("✖ b/go.mod");
  expect(text).toContain("1/2 jobs");
});

test("plain lines tell each end and each retry once", () => {
  const { written, stream: out } = stream();
  const display = plainDisplay(out);
  const running = job("a", { state: "running", attempt: 1 });
  display.changed(running, job("a"));
  display.changed({ ...running, progress: { fraction: 1, message: "" } }, running);
  display.changed(job("a", { state: "scheduled", attempt: 1 }), running);
  display.changed(dead, job("b/go.mod", { state: "running", attempt: 1 }));
  expect(written.map((line) => stripVTControlCharacters(line).slice(10).trim())).toEqual([
    "retrying   a",
    "dead       b/go.mod: b/go.mod:6: usage: require M V",
  ]);
});

const sbom = {
  name: "sbom.cdx.json",
  digest: `sha256:${"ab".repeat(32)}`,
  sizeBytes: 1_234_567,
  path: "/tmp/sbom.cdx.json",
};

test("the report of a success names the artifact, its digest and where it is", () => {
  const done = job("a", {
    state: "succeeded",
    attempt: 2,
    startTime: new Date(0),
    finishTime: new Date(1500),
  });
  const text = stripVTControlCharacters(
    reportText(stream().stream, {
      jobs: [{ ...done, artifacts: [sbom] }],
      artifacts: [sbom],
      components: 3,
      seconds: 4.2,
      warnings: ["a:1: left out"],
    }),
  );
  expect(text).toMatch(/a +succeeded +2 +1\.50 +abababababab +1\.2 MiB/);
  expect(text).toContain(sbom.digest);
  expect(text).toContain("written to /tmp/sbom.cdx.json");
  expect(text).toContain("3 components");
  expect(text).toContain("1 job, 2 attempts, 4.20 s in total");
  expect(text).toContain("note  a:1: left out");
});

test("the report of a failure says which job died and why, and that nothing was written", () => {
  const text = stripVTControlCharacters(
    reportText(stream().stream, {
      jobs: [
        { ...dead, artifacts: [] },
        { ...job("merge", { state: "cancelled" }), artifacts: [] },
      ],
      artifacts: [],
      components: undefined,
      seconds: 1,
      warnings: [],
    }),
  );
  expect(text).toContain("b/go.mod (parse_error)\n  b/go.mod:6: usage: require M V");
  expect(text).toContain("No SBOM was written");
});

test("a polyglot report names the agent of each job, and who was left out and why", () => {
  const done = job("a/go.mod", { state: "succeeded", attempt: 1 });
  const shown = (columns: number) =>
    reportText(stream(columns).stream, {
      jobs: [
        { ...done, artifacts: [] },
        { ...done, name: "merge", artifacts: [sbom] },
      ],
      ...{ artifacts: [sbom], components: 3, seconds: 1, warnings: [] },
      shares: {
        byJob: new Map([
          ["a/go.mod", "go"],
          ["merge", "typescript"],
        ]),
        agents: [
          { language: "typescript", jobs: 1 },
          { language: "go", jobs: 1 },
        ],
        leftOut: [{ language: "rust", reason: "cargo is not installed" }],
      },
    });
  const text = stripVTControlCharacters(shown(100));
  expect(text).toMatch(/^job +agent +state +attempts +seconds +artifact$/m);
  expect(text).toMatch(/^a\/go\.mod +Go +succeeded +1 /m);
  expect(text).toMatch(/^merge +TypeScript +succeeded +1 +– +abababababab +1\.2 MiB$/m);
  expect(text).toContain("  agents: TypeScript 1 job, Go 1 job\n  left out: Rust: cargo is not");
  const rows = stripVTControlCharacters(shown(80)).split("\n").slice(0, 3);
  for (const row of rows) expect(stringWidth(row)).toBeLessThanOrEqual(80);
});

test("a long run's table shows what did not go well and the merge, and counts the rest", () => {
  const jobs = Array.from({ length: 300 }, (_, i) => ({
    ...job(`${i}`, { state: "succeeded", attempt: 1 }),
    artifacts: [],
  }));
  const all = [...jobs, { ...dead, artifacts: [] }, { ...job("merge"), artifacts: [] }];
  const text = stripVTControlCharacters(
    reportText(stream().stream, {
      ...{ jobs: all, artifacts: [], components: undefined, seconds: 1, warnings: [] },
    }),
  );
  expect(text.split("\n").length).toBeLessThan(40);
  expect(text).toMatch(/^b\/go\.mod +dead/m);
  expect(text).toMatch(/^merge/m);
  expect(text).toContain("… and 278 more that succeeded");
});

test("names and messages cannot drive the terminal", () => {
  expect(printable("a\u001b[2Jb\nc\u009b")).toBe("a [2Jb c");
});

test("shortening keeps the end of a path", () => {
  expect(shortened("packages/very/long/path/go.mod", 16)).toBe("packa…ath/go.mod");
  expect(shortened("go.mod", 16)).toBe("go.mod");
});
