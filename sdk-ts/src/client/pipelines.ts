import type { JsonObject } from "@bufbuild/protobuf";
import { v7 } from "uuid";
import { correlationOf } from "../trace-context.ts";
import { type ActionOptions, type Caller, type CallOptions, whyOf } from "./call.ts";
import { pages } from "./listing.ts";
import {
  fromPipeline,
  jsonOf,
  type Pipeline,
  type PipelineHead,
  type StoredPipeline,
  toPipeline,
  toPipelineHead,
} from "./pipeline-spec.ts";
import { present } from "./present.ts";
import { idsByName } from "./run-spec.ts";
import type { CreatedRun } from "./run-view.ts";

/** What {@link Pipelines.run} can be given. */
export interface RunPipelineOptions extends CallOptions {
  /** The parameters' values by name: anything that JSON carries. */
  readonly parameters?: Readonly<Record<string, unknown>>;
  /** The pipeline's version; the newest unless told. */
  readonly version?: number;
  /** For people; the pipeline's name unless told. */
  readonly displayName?: string;
  /** The project within the tenant; jobs without one inherit it. */
  readonly project?: string;
  /** Jobs without one inherit it; a handler's own, else the run's id, unless told. */
  readonly correlationId?: string;
}

/** Named runs that the ledger keeps: `orchestrator.pipelines`. */
export class Pipelines {
  readonly #caller: Caller;

  /** Made by the Orchestrator. */
  constructor(caller: Caller) {
    this.#caller = caller;
  }

  /**
   * Stores a pipeline: its first version, or a new one if its content differs from the newest.
   * Errors: every fault of its graph, parameters and templates as a violation; ETAG_MISMATCH
   * (somebody stored a version since: get it again).
   */
  async put(pipeline: Pipeline, options: ActionOptions = {}): Promise<StoredPipeline> {
    const { connection, call } = this.#caller;
    const request = { pipeline: fromPipeline(pipeline), ...whyOf(options) };
    const answer = await call(options, (signal) =>
      connection.pipelines.putPipeline(request, { signal }),
    );
    return toPipeline(present(answer.pipeline, "pipeline"));
  }

  /** A pipeline, its newest version unless told. Errors: PIPELINE_NOT_FOUND. */
  async get(
    name: string,
    options: CallOptions & { readonly version?: number } = {},
  ): Promise<StoredPipeline> {
    const { connection, call } = this.#caller;
    const request = { name, version: options.version ?? 0 };
    const { pipeline } = await call(options, (signal) =>
      connection.pipelines.getPipeline(request, { signal }),
    );
    return toPipeline(present(pipeline, "pipeline"));
  }

  /** Lists the newest versions of all pipelines by name, fetching pages as they are wanted. */
  list(options: CallOptions = {}): AsyncIterable<PipelineHead> {
    return this.#heads("", options);
  }

  /**
   * Lists the versions of a pipeline, newest first; none of one that does not exist. Throws a
   * TypeError for an empty name.
   */
  versions(name: string, options: CallOptions = {}): AsyncIterable<PipelineHead> {
    if (name === "") throw new TypeError("versions need a pipeline's name");
    return this.#heads(name, options);
  }

  /** The versions of a pipeline, or the newest of all for an empty name. */
  #heads(name: string, options: CallOptions): AsyncIterable<PipelineHead> {
    const { connection, call } = this.#caller;
    return pages(async (pageToken) => {
      const page = await call(options, (signal) =>
        connection.pipelines.listPipelines({ name, pageToken }, { signal }),
      );
      return { items: page.pipelines.map(toPipelineHead), nextPageToken: page.nextPageToken };
    });
  }

  /**
   * Makes a run from a pipeline. Errors: PIPELINE_NOT_FOUND; PARAMETER_INVALID, with a violation
   * per parameter that is missing, unknown or of the wrong kind; those of createRun.
   */
  async run(name: string, options: RunPipelineOptions = {}): Promise<CreatedRun> {
    const { connection, call } = this.#caller;
    const request = {
      name,
      version: options.version ?? 0,
      parameters: jsonOf(options.parameters ?? {}) as JsonObject,
      runId: v7(),
      displayName: options.displayName ?? "",
      project: options.project ?? "",
      correlationId: correlationOf(options.correlationId),
    };
    const { run, jobNames, jobIds, alreadyExisted } = await call(options, (signal) =>
      connection.pipelines.runPipeline(request, { signal }),
    );
    const runId = run?.runId || request.runId;
    return { runId, jobIds: idsByName(jobNames, jobIds), alreadyExisted };
  }
}
