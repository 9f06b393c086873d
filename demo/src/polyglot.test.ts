import { spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Job, Orchestrator } from "@stellaops/orchestrator";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { type ServerProcess, startServer } from "../../test/support/server-process.ts";
import { type Agents, prepareAgents } from "./agents/agents.ts";
import {
  agentQueue,
  LANGUAGE_NAMES,
  languageOf,
  OTHER_LANGUAGES,
  queuesOf,
} from "./agents/languages.ts";
import { Child } from "./children.ts";
import { discover, type Manifest } from "./discovery.ts";
import { scanJobs } from "./handlers/discover.ts";
import { inventoryBytes, scan } from "./handlers/scan.ts";
import { ManifestError } from "./manifest-error.ts";
import { copyOf, FIXTURES, temporaryFolder } from "./testing/fixtures.ts";
import { HARD_MANIFESTS } from "./testing/hard-manifests.ts";
import { RunningDemo } from "./testing/run-demo.ts";

// A clean checkout builds all agents first, the Rust one for minutes.
const BUILD = 1_200_000;
const LONG = { timeout: 120_000 };
const REPOSITORY = path.resolve(import.meta.dirname, "../..");
const silent = { say() {}, tell() {}, begin() {}, changed() {}, end() {} };
const scratch = mkdtempSync(path.join(tmpdir(), "orch-polyglot-"));
const root = path.join(scratch, "tree");

const build = (manifests: readonly Manifest[], env: NodeJS.ProcessEnv = process.env) =>
  prepareAgents(manifests, {
    ...{ repository: REPOSITORY, env, logDir: scratch, display: silent },
    ...{ signal: new AbortController().signal, onChild: () => {} },
  });

let agents: Agents;
let manifests: readonly Manifest[];

beforeAll(async () => {
  cpSync(FIXTURES, root, { recursive: true });
  for (const [file, content] of Object.entries(HARD_MANIFESTS)) {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    writeFileSync(path.join(root, file), content);
  }
  manifests = (await discover(root)).manifests;
  agents = await build(manifests);
  for (const { language, reason } of agents.leftOut)
    process.stderr.write(`\nLEFT OUT of the polyglot demo's tests: ${language}: ${reason}\n\n`);
  // A missing toolchain is no failure; one that is there and does not build the agent is.
  expect(agents.leftOut.filter(({ reason }) => reason.includes("could not be built"))).toEqual([]);
}, BUILD);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe("agents in other languages", () => {
  let server: ServerProcess;
  let orchestrator: Orchestrator;

  beforeAll(async () => {
    server = await startServer({ dataDir: path.join(scratch, "data") });
    orchestrator = new Orchestrator({ url: server.url });
  }, LONG.timeout);
  afterAll(async () => {
    await orchestrator?.close();
    await server?.stop();
  });

  const startAgent = (queue: string, language: (typeof OTHER_LANGUAGES)[number]): Child => {
    const program = agents.programs.get(language);
    if (program === undefined) throw new Error(`there is no agent in ${language}`);
    const { command, args, env } = program;
    const said = ["--url", server.url, "--tenant", "default", "--root", root];
    const child = new Child({
      ...{ name: `agent-${language}`, command, channel: "stdin" },
      args: [...args, ...said, "--queue", agentQueue(queue, language)],
      env: { ...process.env, ...env },
      ...{ logDir: scratch, stopGraceMs: 20_000 },
    });
    onTestFinished(() => child.kill());
    return child;
  };

  /** Scans with the agents all that is theirs; the jobs as they ended, with their manifests. */
  const scanned = async (queue: string): Promise<(readonly [Manifest, Job])[]> => {
    const queues = queuesOf(queue, new Set(agents.programs.keys()));
    const theirs = manifests.filter(
      ({ ecosystem }) => languageOf(queues[ecosystem], queue) !== "typescript",
    );
    const scans = scanJobs(theirs, queues).map(async ({ name, jobType, payload, ...options }) => {
      const { jobId } = await orchestrator.enqueue(jobType, payload, options);
      return await orchestrator.waitForJob(jobId);
    });
    const ended = await Promise.all(scans);
    return theirs.map((manifest, i) => [manifest, ended[i] as Job] as const);
  };

  test(
    "make the same bytes as TypeScript of every manifest, and refuse the same",
    LONG,
    async () => {
      const running = [...agents.programs.keys()].map((language) => startAgent("same", language));
      const broken = running.map((child) => child.failure());
      const ended = await Promise.race([scanned("same"), ...broken]);
      for (const [{ kind, path: manifest, files }, job] of ended) {
        const expected = await scan(root, { kind, manifest, files }).catch((e: unknown) => e);
        if (expected instanceof ManifestError) {
          expect(job, manifest).toMatchObject({ state: "dead", attempt: 1 });
          expect(job.lastFailure?.failureClass, manifest).toBe("parse_error");
          // Of a text that was cut off parsers blame the last line, or the one after it.
          const isSure = expected.line !== undefined && !manifest.includes("cut");
          const place = `${manifest}:${isSure ? `${expected.line}:` : ""}`;
          expect(job.lastFailure?.message.slice(0, place.length)).toBe(place);
          continue;
        }
        expect(job.state, `${manifest}: ${job.lastFailure?.message}`).toBe("succeeded");
        const inventory = expected as Awaited<ReturnType<typeof scan>>;
        const [bound] = job.artifacts;
        expect(bound?.name).toBe("components.json");
        const bytes = await orchestrator.artifacts.bytes(bound?.digest ?? "");
        expect(Buffer.from(bytes).toString(), manifest).toBe(
          Buffer.from(inventoryBytes(inventory)).toString(),
        );
        const result = JSON.parse(Buffer.from(job.result).toString());
        expect(result).toEqual({ components: inventory.components.length });
      }
      // SIGTERM drains, each in its language's way.
      await Promise.all(running.map((child) => child.stop()));
      for (const child of running) expect(await child.ended).toBe("exit code 0");
    },
  );

  test("end by themselves when the demo is gone", LONG, async () => {
    for (const [language, { command, args, env }] of agents.programs) {
      const said = ["--url", server.url, "--tenant", "default", "--root", root];
      const child = spawn(command, [...args, ...said, "--queue", `orphan-${language}`], {
        env: { ...process.env, ...env },
        stdio: ["pipe", "ignore", "inherit"],
      });
      onTestFinished(() => void child.kill("SIGKILL"));
      const code = new Promise((resolve) => child.once("exit", resolve));
      child.stdin.end();
      expect(await code, language).toBe(0);
    }
  });
});

test("a missing toolchain leaves a language out, and says what is missing", LONG, async () => {
  const without = await build(manifests, { PATH: temporaryFolder() });
  expect([...without.programs.keys()]).toEqual([]);
  expect(without.leftOut.map(({ language }) => language)).toEqual(OTHER_LANGUAGES);
  for (const { reason } of without.leftOut)
    expect(reason).toMatch(/is not installed; TypeScript scans its manifests$/);
});

// The processes are found by what /proc tells.
describe.skipIf(process.platform !== "linux")("the polyglot demo", () => {
  const tree = () => {
    const folder = copyOf("npm-v2");
    for (const name of ["go", "cargo-v4", "pyproject-pep621", "requirements"])
      cpSync(path.join(FIXTURES, name), path.join(folder, name), { recursive: true });
    return folder;
  };

  test("makes the plain demo's document, and says who did what", LONG, async () => {
    const folder = tree();
    const out = path.join(temporaryFolder(), "sbom.json");
    const demo = new RunningDemo(["--polyglot", "--json", folder, "--out", out]);
    const { code, stdout, stderr } = await demo.ended;
    expect(code, stderr).toBe(0);
    expect(demo.processes()).toEqual([]);
    const summary = JSON.parse(stdout);
    expect(summary.leftOut).toEqual(agents.leftOut);
    const jobs = { typescript: 3, go: 1, python: 3, rust: 1 };
    for (const { language } of agents.leftOut) {
      jobs.typescript += jobs[language];
      jobs[language] = 0;
    }
    const present = ["typescript" as const, ...agents.programs.keys()];
    expect(summary.agents).toEqual(present.map((language) => ({ language, jobs: jobs[language] })));
    const names = present.map((language) => LANGUAGE_NAMES[language]).join(", ");
    expect(stderr).toContain(`agents: ${names}`);
    expect(stderr).toMatch(/^job +agent +state/m);
    expect(stderr).toMatch(/^merge +TypeScript +succeeded/m);
    if (agents.programs.has("go")) expect(stderr).toMatch(/^go\/go\.mod +Go +succeeded/m);

    const plain = path.join(temporaryFolder(), "sbom.json");
    const ended = await new RunningDemo([folder, "--out", plain]).ended;
    expect(ended.code, ended.stderr).toBe(0);
    expect(ended.stdout).not.toContain("agent");
    expect(readFileSync(out).equals(readFileSync(plain))).toBe(true);
  });

  test("leaves no process when it is killed", LONG, async () => {
    const demo = new RunningDemo(["--polyglot", tree()]);
    await expect.poll(() => demo.written, { ...LONG, interval: 5 }).toContain("jobs in the run");
    demo.process.kill("SIGKILL");
    await demo.ended;
    await expect.poll(() => demo.processes(), { timeout: 60_000 }).toEqual([]);
  });

  test("without any toolchain TypeScript does it all", LONG, async () => {
    const bin = temporaryFolder();
    // As a version manager's shim that has no version to offer.
    for (const command of ["go", "python", "python3", "cargo"])
      writeFileSync(path.join(bin, command), "#!/bin/sh\nexit 1\n", { mode: 0o755 });
    const demo = new RunningDemo(["--polyglot", "--json", tree()], temporaryFolder(), {
      PATH: `${bin}${path.delimiter}${process.env.PATH}`,
    });
    const { code, stdout, stderr } = await demo.ended;
    expect(code, stderr).toBe(0);
    const summary = JSON.parse(stdout);
    expect(summary).toMatchObject({ ok: true, agents: [{ language: "typescript", jobs: 8 }] });
    expect(summary.leftOut).toHaveLength(OTHER_LANGUAGES.length);
    expect(stderr).toContain("left out: Go (go is not installed;");
  });
});
