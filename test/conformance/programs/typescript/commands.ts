import { readFile, stat } from "node:fs/promises";
import {
  contractClocks,
  type Job,
  type JobState,
  Orchestrator,
  type OrchestratorOptions,
  type RunRequest,
  Worker,
} from "@stellaops/orchestrator";
import type {
  Command,
  Configure,
  CreateRun,
  DownloadArtifact,
  EnqueueMany,
  ListJobs,
  StartWorker,
  UploadArtifact,
  WatchJobs,
} from "../../gen/driver_pb.ts";
import { collect } from "./collect.ts";
import type { Emit, ResultValue } from "./emit.ts";
import { Gates } from "./gates.ts";
import { ScriptedHandler } from "./handler.ts";
import { toJobRequest } from "./job-request.ts";
import { runEventTime, runPipelines, runRuns, toRunJob } from "./plans.ts";
import { toRun } from "./plans-to-wire.ts";
import { toEnqueueResult, toError, toJob } from "./to-wire.ts";

const jobs = (list: readonly Job[]): ResultValue => ({
  case: "jobs",
  value: { jobs: list.map(toJob) },
});

/** "leaseTtlMs" in the contract's words: "lease_ttl". */
const fieldName = (key: string): string =>
  key.replace(/Ms$/, "").replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** Does what the runner asks for, with the SDK's public API. */
export class Commands {
  readonly #emit: Emit;
  readonly #gates = new Gates();
  readonly #stop = new AbortController();
  #options: OrchestratorOptions = {};
  #client: Orchestrator | undefined;

  constructor(emit: Emit) {
    this.#emit = emit;
  }

  /** Runs one command; throws the SDK's errors. */
  async run(id: number, { case: kind, value }: Command["command"]): Promise<ResultValue> {
    switch (kind) {
      case "configure":
        return this.#configure(value);
      case "startWorker":
        return this.#startWorker(value);
      case "stopWorker":
        this.#stop.abort();
        return undefined;
      case "proceed":
        this.#gates.proceed(value.jobId, value.attempt);
        return undefined;
      case "getLeaseDefaults":
        return leaseDefaults();
      case "enqueue":
      case "enqueueMany":
      case "createRun":
      case "uploadArtifact":
      case "downloadArtifact":
        return await this.#produce({ case: kind, value } as Command["command"]);
      case "watchJobs":
        return await this.#watch(id, value);
      default:
        return await this.#look({ case: kind, value } as Command["command"]);
    }
  }

  get #orchestrator(): Orchestrator {
    if (this.#client === undefined) throw new Error("Configure comes first");
    return this.#client;
  }

  #configure({ serverUrl, tenant, callTimeoutMs }: Configure): undefined {
    this.#options = { url: serverUrl, tenant };
    const timeoutMs = Number(callTimeoutMs);
    this.#client = new Orchestrator({ ...this.#options, ...(timeoutMs > 0 && { timeoutMs }) });
  }

  #startWorker(options: StartWorker): undefined {
    const { handleSignals, host } = options;
    const drainGraceMs = Number(options.drainGraceMs);
    const worker = new Worker({
      ...this.#options,
      workerId: options.workerId,
      concurrency: options.slots,
      labels: options.labels,
      ...(options.queues.length > 0 && { queues: options.queues }),
      ...(drainGraceMs > 0 && { drainGraceMs }),
      ...(options.leaseAtOnce && { leaseAtOnce: true }),
      ...(host !== undefined && { host }),
      handlers: Object.fromEntries(
        options.handlers.map((handler) => [
          handler.jobType,
          (job) => new ScriptedHandler(job, this.#emit, this.#gates).run(handler),
        ]),
      ),
    });
    worker.run({ handleSignals, signal: this.#stop.signal }).then(
      () => this.#stopped(handleSignals),
      (error: unknown) => this.#stopped(handleSignals, error),
    );
  }

  #stopped(shallExit: boolean, error?: unknown): void {
    const value = error === undefined ? {} : { error: toError(error) };
    this.#emit({ case: "workerStopped", value });
    // The end of stdout's buffer: what was written before is with the runner.
    if (shallExit) process.stdout.write("", () => process.exit(error === undefined ? 0 : 1));
  }

  async #produce({ case: kind, value }: Command["command"]): Promise<ResultValue> {
    switch (kind) {
      case "enqueue": {
        if (value.job === undefined) throw new TypeError("Enqueue without a job");
        const { jobType, payload, ...options } = toJobRequest(value.job);
        const result = await this.#orchestrator.enqueue(jobType, payload, options);
        return { case: "enqueued", value: { results: [toEnqueueResult(result)] } };
      }
      case "enqueueMany":
        return await this.#enqueueMany(value);
      case "createRun":
        return await this.#createRun(value);
      case "uploadArtifact":
        return await this.#upload(value);
      case "downloadArtifact":
        return await this.#download(value);
      default:
        throw new TypeError(`unknown command ${kind}`);
    }
  }

  async #enqueueMany({ jobs: list, repeat, repeatedJob }: EnqueueMany): Promise<ResultValue> {
    const requests = list.map(toJobRequest);
    if (repeatedJob !== undefined) {
      const request = toJobRequest(repeatedJob);
      for (let n = 0; n < repeat; n++) requests.push({ ...request, payload: Buffer.from(`${n}`) });
    }
    const results = await this.#orchestrator.enqueueMany(requests);
    return { case: "enqueued", value: { results: results.map(toEnqueueResult) } };
  }

  async #createRun({ displayName, project, correlationId, keepOpen, ...rest }: CreateRun) {
    const request: RunRequest = {
      ...(displayName !== "" && { displayName }),
      ...(project !== "" && { project }),
      ...(correlationId !== "" && { correlationId }),
      ...(keepOpen && { keepOpen }),
      jobs: rest.jobs.map(toRunJob),
    };
    const { runId, jobIds, alreadyExisted } = await this.#orchestrator.createRun(request);
    const value = { runId, jobIds: { ...jobIds }, alreadyExisted };
    return { case: "createdRun", value } as const;
  }

  async #upload({ path, inMemory, mediaType }: UploadArtifact): Promise<ResultValue> {
    const source = inMemory ? await readFile(path) : { path };
    const options = mediaType === "" ? {} : { mediaType };
    const uploaded = await this.#orchestrator.artifacts.upload(source, options);
    const { digest, sizeBytes, alreadyExisted } = uploaded;
    return { case: "artifact", value: { digest, sizeBytes: BigInt(sizeBytes), alreadyExisted } };
  }

  async #download({ digest, path }: DownloadArtifact): Promise<ResultValue> {
    const { artifacts } = this.#orchestrator;
    let size: number;
    if (path === "") size = (await artifacts.bytes(digest)).length;
    else {
      await artifacts.downloadTo(digest, path);
      ({ size } = await stat(path));
    }
    return { case: "artifact", value: { digest, sizeBytes: BigInt(size) } };
  }

  async #watch(id: number, { jobIds, runId }: WatchJobs): Promise<undefined> {
    const target = runId === "" ? { jobIds } : { runId };
    for await (const job of this.#orchestrator.watchJobs(target)) {
      this.#emit({ case: "watchUpdate", value: { id, job: toJob(job) } });
    }
  }

  async #look({ case: kind, value }: Command["command"]): Promise<ResultValue> {
    const orchestrator = this.#orchestrator;
    switch (kind) {
      case "getRun":
        return { case: "run", value: toRun(await orchestrator.getRun(value.runId)) };
      case "getJob":
        return jobs([await orchestrator.getJob(value.jobId)]);
      case "waitForJob":
        return jobs([await orchestrator.waitForJob(value.jobId)]);
      case "listJobs":
        return jobs(await this.#list(value));
      case "cancelJobs": {
        const { jobIds, reason, ticket, graceMs } = value;
        const options = { reason, ticket, ...(graceMs > 0n && { graceMs: Number(graceMs) }) };
        return outcomes(await orchestrator.cancelJobs(jobIds, options));
      }
      case "retryJobs": {
        const { jobIds, reason, ticket } = value;
        return outcomes(await orchestrator.retryJobs(jobIds, { reason, ticket }));
      }
      case "explainJob": {
        const { state = "", blockedBy } = await orchestrator.explainJob(value.jobId);
        const jobIds = blockedBy?.kind === "dependency" ? [...blockedBy.jobIds] : [];
        return { case: "explanation", value: { state, blockedBy: blockedBy?.kind ?? "", jobIds } };
      }
      case "listJobEvents": {
        const events = await collect(orchestrator.jobEvents(value.jobId));
        return { case: "jobEvents", value: { kinds: events.map((event) => event.kind) } };
      }
      case "checkLease": {
        if (value.lease === undefined) throw new TypeError("CheckLease without a lease");
        const { isCurrent, newestLeaseEpoch } = await orchestrator.checkLease(value.lease);
        return { case: "checkedLease", value: { isCurrent, newestLeaseEpoch } };
      }
      default:
        return await this.#plan({ case: kind, value } as Command["command"]);
    }
  }

  async #plan(command: Command["command"]): Promise<ResultValue> {
    for (const group of [runRuns, runPipelines, runEventTime]) {
      const result = await group(this.#orchestrator, command);
      if (result !== "unknown") return result;
    }
    throw new TypeError(`unknown command ${command.case}`);
  }

  async #list({ states, jobTypes, runId, labels, limit }: ListJobs): Promise<Job[]> {
    const filter = {
      states: states as JobState[],
      jobTypes,
      labels,
      ...(runId !== "" && { runId }),
    };
    return await collect(this.#orchestrator.listJobs(filter), limit || undefined);
  }
}

function leaseDefaults(): ResultValue {
  const entries = Object.entries(contractClocks);
  const values = Object.fromEntries(entries.map(([key, n]) => [fieldName(key), BigInt(n)]));
  return { case: "leaseDefaults", value: { values } };
}

const outcomes = (
  list: readonly { jobId: string; outcome: string; state: JobState | undefined }[],
): ResultValue => ({
  case: "outcomes",
  value: { outcomes: list.map(({ state = "", ...rest }) => ({ ...rest, state })) },
});
