import type { UploadedArtifact } from "../artifacts/artifacts.ts";
import type { ArtifactSource } from "../artifacts/source.ts";
import type { UploadOptions } from "../artifacts/upload.ts";
import type { Lease } from "../client/lease.ts";
import type { RunJobRequest } from "../client/run-spec.ts";
import type { AppendedJobs } from "../client/run-view.ts";
import { type EventWindow, toWindow } from "../client/window.ts";
import { limits, truncate } from "../contract/limits.ts";
import { OrchestratorError } from "../errors.ts";
import type { JobSpec } from "../gen/stellaops/orchestrator/v1/job_pb.ts";
import type { LeaseRef, Offer } from "../gen/stellaops/orchestrator/v1/task_runner_pb.ts";
import { TerminalError } from "../job-errors.ts";
import type { Orchestrator } from "../orchestrator.ts";
import { decodeJson } from "../payload.ts";
import type { Logger } from "./logger.ts";
import type { Outbox } from "./outbox.ts";
import type { ProgressOptions, ProgressReporter } from "./progress.ts";

/** What a {@link JobContext} is made of. */
export interface JobContextParts {
  readonly offer: Offer;
  readonly spec: JobSpec;
  readonly ref: LeaseRef;
  readonly signal: AbortSignal;
  readonly progress: ProgressReporter;
  readonly outbox: Outbox;
  readonly orchestrator: Orchestrator;
  readonly logger: () => Logger;
}

/** A job as its handler sees it. */
export class JobContext {
  readonly jobId: string;
  readonly jobType: string;
  /** 1 for the first. */
  readonly attempt: number;
  /** The job's name in its run; empty outside of runs. */
  readonly name: string;
  /** Empty outside of runs. */
  readonly runId: string;
  readonly correlationId: string;
  readonly traceparent: string;
  readonly tracestate: string;
  readonly project: string;
  readonly source: string;
  /** The event time of its source that the job covers when it succeeds; undefined if none. */
  readonly window: EventWindow | undefined;
  readonly concurrencyKey: string;
  readonly labels: Readonly<Record<string, string>>;
  /** The inline input; empty when it is an artifact: see {@link loadPayload}. */
  readonly payload: Uint8Array;
  readonly payloadMediaType: string;
  /** The digest of the artifact that is the input; empty when it is inline. */
  readonly payloadArtifact: string;
  /** What the attempt before left; empty if it left nothing. */
  readonly checkpoint: Uint8Array;
  /** The fence: hand it to stores that must refuse a stale writer. */
  readonly lease: Lease;
  /**
   * Aborts when the handler must stop; its `reason` is a {@link JobAbortedError} that says why.
   * Stop soon: after the grace the slot is given up and the result dropped.
   */
  readonly signal: AbortSignal;
  /** A client of the same server and tenant. Jobs enqueued here inherit trace and correlation. */
  readonly orchestrator: Orchestrator;
  readonly #parts: JobContextParts;
  readonly #artifacts = new Map<string, string>();
  #log: Logger | undefined;

  constructor(parts: JobContextParts) {
    const { offer, spec, ref } = parts;
    this.#parts = parts;
    this.jobId = ref.jobId;
    this.jobType = spec.jobType;
    this.attempt = ref.attempt;
    this.name = offer.name;
    this.runId = offer.runId;
    this.correlationId = spec.correlationId || ref.jobId;
    this.traceparent = spec.traceparent;
    this.tracestate = spec.tracestate;
    this.project = spec.project;
    this.source = spec.source;
    this.window = toWindow(spec.window);
    this.concurrencyKey = spec.concurrencyKey;
    this.labels = spec.labels;
    this.payload = spec.payload;
    this.payloadMediaType = spec.payloadMediaType;
    this.payloadArtifact = spec.payloadArtifact;
    this.checkpoint = offer.checkpoint;
    this.lease = {
      jobId: ref.jobId,
      attempt: ref.attempt,
      leaseEpoch: ref.leaseEpoch,
      leaseToken: ref.leaseToken,
    };
    this.signal = parts.signal;
    this.orchestrator = parts.orchestrator;
  }

  /** Log lines with the job's fields bound. Payloads do not belong into logs. */
  get log(): Logger {
    this.#log ??= this.#parts.logger();
    return this.#log;
  }

  /** The artifacts that the handler uploaded so far: digests by name. */
  get artifacts(): ReadonlyMap<string, string> {
    return this.#artifacts;
  }

  /**
   * The inline input as JSON. Throws a {@link TerminalError} (parse_error) when it is not JSON:
   * no further attempt could read it. The type is the caller's claim and is not checked.
   */
  json<T = unknown>(): T {
    try {
      return decodeJson<T>(this.payload);
    } catch (cause) {
      const text = `the payload is not JSON: ${cause instanceof Error ? cause.message : cause}`;
      throw new TerminalError(text, { failureClass: "parse_error", cause });
    }
  }

  /** The input wherever it is: inline, or downloaded and verified when it is an artifact. */
  async loadPayload(): Promise<Uint8Array> {
    if (this.payloadArtifact === "") return this.payload;
    return await this.orchestrator.artifacts.bytes(this.payloadArtifact, { signal: this.signal });
  }

  /**
   * Says how far the attempt got, from 0 to 1; may be called as often as you like, for what has
   * no checkpoint is sent twice a second at most. Resolves with true once the ledger has it
   * (await it when a checkpoint must be safe, not otherwise), with false when it never will;
   * does not reject. Throws a {@link TerminalError} for an oversize checkpoint.
   */
  progress(fraction: number, options?: ProgressOptions): Promise<boolean> {
    return this.#parts.progress.report(fraction, options);
  }

  /**
   * Uploads an artifact of this attempt. It is bound to the job under `name` when the handler
   * succeeds; a second one of the same name replaces the first.
   */
  async uploadArtifact(
    name: string,
    source: ArtifactSource,
    options: Omit<UploadOptions, "signal"> = {},
  ): Promise<UploadedArtifact> {
    if (name === "" || truncate(name, limits.artifactNameBytes) !== name) {
      const limit = limits.artifactNameBytes;
      throw new TerminalError(`an artifact's name is a text of 1 to ${limit} bytes: "${name}"`);
    }
    if (!this.#artifacts.has(name) && this.#artifacts.size === limits.boundArtifacts) {
      throw new TerminalError(`an attempt binds at most ${limits.boundArtifacts} artifacts`);
    }
    const { artifacts } = this.orchestrator;
    const uploaded = await artifacts.upload(source, { ...options, signal: this.signal });
    this.#artifacts.set(name, uploaded.digest);
    return uploaded;
  }

  /**
   * Appends jobs to the job's own run, under its lease; the run need not be open. What depends on
   * this job with `includeFanOut` waits for them, too. Safe to repeat, also in the next attempt: a
   * name that is there with the same content is the same job. Errors: those of `runs.append`;
   * JOB_NOT_IN_RUN outside of a run.
   */
  async fanOut(jobs: readonly RunJobRequest[]): Promise<AppendedJobs> {
    if (this.runId === "") {
      throw new OrchestratorError("a job outside of a run cannot fan out: enqueue instead", {
        code: "failed_precondition",
        reason: "JOB_NOT_IN_RUN",
      });
    }
    const { runs } = this.orchestrator;
    return await runs.append(this.runId, jobs, { fanOut: this.lease, signal: this.signal });
  }

  /**
   * Reports that an upstream asked to slow down, without failing the attempt; the whole fleet
   * hears of it. `resourceKey` is the source's host. See {@link ThrottledError} to fail as well.
   */
  throttle(
    resourceKey: string,
    options: { readonly retryAfterMs?: number; readonly remaining?: number } = {},
  ): void {
    if (resourceKey === "") return;
    const key = truncate(resourceKey, limits.resourceKeyBytes);
    this.#parts.outbox.throttle(key, options.retryAfterMs, options.remaining);
  }
}
