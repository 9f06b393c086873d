import { randomBytes } from "node:crypto";
import { mkdirSync, statSync } from "node:fs";
import path from "node:path";
import { decodeJson, Orchestrator, OrchestratorError } from "@stellaops/orchestrator";
import { type Agents, prepareAgents, shares, TYPESCRIPT_ALONE } from "./agents/agents.ts";
import { agentQueue, type Language, languageOf } from "./agents/languages.ts";
import { Child, type Command, typescript } from "./children.ts";
import { discover, type Manifest } from "./discovery.ts";
import { Board } from "./display/board.ts";
import type { ProgressDisplay } from "./display/progress.ts";
import type { Report, ReportArtifact } from "./display/report.ts";
import { plural } from "./display/text.ts";
import { cancelRun, followRun } from "./follow.ts";
import { DISCOVER_JOB_NAME } from "./handlers/discover.ts";
import { MERGE_JOB_NAME, type MergeResult } from "./handlers/merge.ts";
import { type DemoOptions, UsageError } from "./options.ts";
import { PIPELINE_NAME, pipelineValues, sbomPipeline } from "./pipeline.ts";
import { SBOM_NAME } from "./sbom/document.ts";

const SERVER_READY_TIMEOUT_MS = 60_000;
const AGENT_STOP_GRACE_MS = 5_000;
// The server drains for up to 25 s, and gives itself 15 s more before it ends by itself.
const SERVER_STOP_GRACE_MS = 45_000;

const CALL_TIMEOUT_MS = 10_000;

// What was tried: all of them are held in memory, here and by the discovery and the merge.
const MAX_MANIFESTS = 10_000;

/** The server that `--url` names does not answer. */
export class ServerUnreachableError extends Error {
  override readonly name = "ServerUnreachableError";
}

/** How the demo ended: the report, and whether every job succeeded. */
export interface DemoOutcome extends Report {
  /** True: every job succeeded. */
  readonly ok: boolean;
  /** The run. */
  readonly runId: string;
  /** What it was made from. */
  readonly pipeline: PipelineVersion;
}

/** A pipeline as a run knows it. */
export interface PipelineVersion {
  /** Its name. */
  readonly name: string;
  /** Its version. */
  readonly version: number;
}

/** Where the demo runs. */
export interface DemoScene {
  /** What is asked for. */
  readonly options: DemoOptions;
  /** The environment that the children get. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The repository's root, where server and demo are started from. */
  readonly repository: string;
  /** Shows how it goes on. */
  readonly display: ProgressDisplay;
  /** Stops everything in good order. */
  readonly signal: AbortSignal;
  /** Told of each child that starts, so that a second Ctrl-C can end it at once. */
  readonly onChild: (child: Child) => void;
}

/**
 * Runs the SBOM pipeline. Throws UsageError when there is nothing to scan, ChildFailedError when
 * a process breaks, and the signal's reason when it is stopped; whichever way it ends, the
 * processes that it started have ended before.
 */
export async function runDemo(scene: DemoScene): Promise<DemoOutcome> {
  const started = performance.now();
  const { options, display, signal } = scene;
  const manifests = await findManifests(scene);
  const children: Child[] = [];
  const start = (child: Child) => {
    children.unshift(child);
    scene.onChild(child);
    return child;
  };
  try {
    const logDir = options.dataDir;
    const agents = options.polyglot
      ? await prepareAgents(manifests, { ...scene, logDir })
      : TYPESCRIPT_ALONE;
    const url = options.url ?? (await startServer(scene, start));
    const orchestrator = new Orchestrator({ url, tenant: options.tenant });
    try {
      const pipeline = runPipeline(scene, { orchestrator, agents, url, start });
      const ended = await firstFailure(pipeline, children);
      signal.throwIfAborted();
      return await outcome(scene, orchestrator, { ...ended, started });
    } finally {
      await orchestrator.close();
    }
  } finally {
    display.say("stopping");
    // The newest first: the task runner before the server that it talks to.
    for (const child of children) await child.stop();
  }
}

async function findManifests({ options, display }: DemoScene): Promise<readonly Manifest[]> {
  const { root, pathAsGiven } = options;
  const stat = statSync(root, { throwIfNoEntry: false });
  if (!stat?.isDirectory()) {
    const fault = stat === undefined ? "does not exist" : "is not a directory";
    throw new UsageError(`error: ${pathAsGiven} ${fault}`, 2);
  }
  display.say(`looking for dependency manifests in ${pathAsGiven}`);
  const { manifests, skipped } = await discover(root);
  const left = [...skipped].map(([name, count]) => `${name} ×${count}`).join(", ");
  if (manifests.length === 0) {
    const hint = left === "" ? "" : ` (left out: ${left})`;
    throw new UsageError(`error: no dependency manifest found in ${pathAsGiven}${hint}`, 2);
  }
  if (manifests.length > MAX_MANIFESTS) {
    const much = `${manifests.length} manifests, and a demo takes ${MAX_MANIFESTS}`;
    throw new UsageError(`error: ${pathAsGiven} has ${much}: name a folder in it`, 2);
  }
  const found = plural(manifests.length, "dependency manifest");
  display.tell(`found ${found} in ${pathAsGiven}${left === "" ? "" : `, left out: ${left}`}`);
  return manifests;
}

async function startServer(scene: DemoScene, start: (child: Child) => Child): Promise<string> {
  const { options, repository, display, signal } = scene;
  mkdirSync(options.dataDir, { recursive: true });
  display.say("starting the server on an embedded Postgres");
  const server = start(
    new Child({
      name: "server",
      ...typescript(path.join(repository, "server", "src", "main.ts"), []),
      env: {
        ...scene.env,
        // The demo has a database of its own, whatever else this shell works on.
        DATABASE_URL: undefined,
        ORCH_DATA_DIR: options.dataDir,
        ORCH_HOST: "127.0.0.1",
        ORCH_PORT: "0",
        ORCH_LOG_FORMAT: "json",
        ORCH_LOG_LEVEL: "info",
      },
      logDir: options.dataDir,
      stopGraceMs: SERVER_STOP_GRACE_MS,
    }),
  );
  const url = await server.logged(readyUrl, { timeoutMs: SERVER_READY_TIMEOUT_MS, signal });
  display.say(`the server is up at ${url}`);
  return url;
}

/** The address in the server's `{"msg":"ready","url":"…"}` line; undefined for other lines. */
export function readyUrl(line: string): string | undefined {
  if (!line.includes('"ready"')) return undefined;
  try {
    const { msg, url } = JSON.parse(line);
    return msg === "ready" && typeof url === "string" ? url : undefined;
  } catch {
    // A line that is still being written.
    return undefined;
  }
}

interface PipelineParts {
  readonly orchestrator: Orchestrator;
  readonly agents: Agents;
  readonly url: string;
  readonly start: (child: Child) => Child;
}

async function runPipeline(scene: DemoScene, parts: PipelineParts) {
  const { display, signal } = scene;
  const { orchestrator, agents } = parts;
  // A queue of this demo alone: no other task runner could read its files.
  const queue = `demo-${randomBytes(6).toString("hex")}`;
  const { runId, pipeline } = await makeRun(scene, parts, queue);
  const board = new Board([DISCOVER_JOB_NAME, MERGE_JOB_NAME]);
  display.begin(board);
  const running = startAgents(scene, parts, queue);
  try {
    const following = followRun({ orchestrator, runId, board, display, signal });
    const jobs = await firstFailure(following, running);
    const byJob = new Map(jobs.map((job) => [job.name, languageOf(job.queue, queue)]));
    return { runId, pipeline, jobs, shares: shares(byJob, agents) };
  } catch (error) {
    await cancelRun(orchestrator, runId);
    throw error;
  }
}

async function makeRun(
  { options, display, signal }: DemoScene,
  parts: PipelineParts,
  queue: string,
) {
  const { orchestrator, agents, url } = parts;
  const { pipelines } = orchestrator;
  const call = { signal, timeoutMs: CALL_TIMEOUT_MS };
  display.say(`storing the pipeline ${PIPELINE_NAME} on ${url}`);
  const { version } = await pipelines
    .put(sbomPipeline(queue), { reason: "npm run demo", ...call })
    .catch((error: unknown) => {
      if (!(error instanceof OrchestratorError) || error.code !== "unavailable") throw error;
      throw new ServerUnreachableError(`the server at ${url} does not answer: ${error.message}`);
    });
  const parameters = pipelineValues(options.root, queue, new Set(agents.programs.keys()));
  const { runId } = await pipelines.run(PIPELINE_NAME, {
    ...{ version, parameters, displayName: "SBOM pipeline" },
    ...call,
  });
  display.tell(`running the pipeline ${PIPELINE_NAME}, version ${version}`);
  return { runId, pipeline: { name: PIPELINE_NAME, version } };
}

function startAgents(scene: DemoScene, parts: PipelineParts, queue: string): readonly Child[] {
  const { options, env, repository } = scene;
  const one = (language: Language, command: Command, more: DemoScene["env"] = {}) => {
    const { tenant, root } = options;
    const around = ["--url", parts.url, "--tenant", tenant, "--root", root];
    return parts.start(
      new Child({
        name: language === "typescript" ? "agent" : `agent-${language}`,
        ...command,
        args: [...command.args, ...around, "--queue", agentQueue(queue, language)],
        env: { ...env, ...more },
        logDir: options.dataDir,
        stopGraceMs: AGENT_STOP_GRACE_MS,
      }),
    );
  };
  const others = [...parts.agents.programs].map(([language, { command, args, env: more }]) =>
    one(language, { command, args, channel: "stdin" }, more),
  );
  const script = path.join(repository, "demo", "src", "agent.ts");
  return [...others, one("typescript", typescript(script, []))];
}

/** The work's result, unless one of the processes that it needs ends before it. */
function firstFailure<T>(work: Promise<T>, children: readonly Child[]): Promise<T> {
  return Promise.race([work, ...children.map((child) => child.failure())]);
}

async function outcome(
  scene: DemoScene,
  orchestrator: Orchestrator,
  ended: Awaited<ReturnType<typeof runPipeline>> & { readonly started: number },
): Promise<DemoOutcome> {
  const { options, display, signal } = scene;
  const { runId, pipeline, jobs, started } = ended;
  const ok = jobs.every((job) => job.state === "succeeded");
  const facts = {
    ...{ ok, runId, pipeline, jobs, artifacts: [], components: undefined, warnings: [] },
    ...(options.polyglot && { shares: ended.shares }),
  };
  const seconds = () => (performance.now() - started) / 1000;
  const mergeId = jobs.find((job) => job.name === MERGE_JOB_NAME)?.jobId;
  if (!ok || mergeId === undefined) return { ...facts, seconds: seconds() };
  // A run shows its jobs without their results.
  const merge = await orchestrator.getJob(mergeId, { signal });
  const { components, warnings } = decodeJson<MergeResult>(merge.result);
  const sbom = merge.artifacts.find((artifact) => artifact.name === SBOM_NAME);
  if (sbom === undefined) throw new Error(`the merge succeeded without ${SBOM_NAME}`);
  display.say(`fetching ${SBOM_NAME}`);
  mkdirSync(path.dirname(options.out), { recursive: true });
  await orchestrator.artifacts.downloadTo(sbom.digest, options.out, { signal });
  const { name, digest, sizeBytes } = sbom;
  const artifacts: ReportArtifact[] = [{ name, digest, sizeBytes, path: options.out }];
  return { ...facts, artifacts, components, warnings, seconds: seconds() };
}
