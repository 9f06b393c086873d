import {
  create,
  type DescMethod,
  type DescService,
  fromJson,
  type JsonObject,
  type Message,
  toJson,
} from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  type ConnectRouter,
  type HandlerContext,
  type ServiceImpl,
} from "@connectrpc/connect";
import {
  BackfillService,
  EnqueueJobsRequestSchema,
  EnqueueJobsResponseSchema,
  EnqueueOutcome,
  JobService,
  PipelineService,
  RunService,
  TaskRunnerService,
  WatermarkService,
} from "./api.ts";
import type { Journal } from "./journal.ts";
import { callError, itemError, type ScriptedError } from "./scripted-errors.ts";

/** What the scripted server does with one call. */
export interface Reply {
  /** Fails it. */
  readonly error?: ScriptedError;
  /** Answers it, as protobuf JSON. */
  readonly ok?: JsonObject;
  /** For EnqueueJobs: rejects single jobs, by their index; the others are created. */
  readonly rejects?: Record<string, ScriptedError>;
  /** Answers it only when the scenario lets go of this name; then as the rest says. */
  readonly hold?: string;
  /** Never answers. */
  readonly never?: boolean;
  /** For streams: the messages before the end, as protobuf JSON. */
  readonly stream?: JsonObject[];
  /** For uploads and downloads: breaks the stream with UNAVAILABLE after so many bytes. */
  readonly breakAfter?: number;
  /** For downloads: flips a bit of what is sent. */
  readonly corrupt?: boolean;
}

/** The replies of a scripted server: a queue per method, the last one stays if it is kept. */
export class Replies {
  readonly #queues = new Map<string, Reply[]>();
  readonly #holds = new Map<string, PromiseWithResolvers<void>>();

  /** Adds replies for the next calls of a method. */
  add(method: string, replies: readonly Reply[]): void {
    this.#queues.set(method, [...(this.#queues.get(method) ?? []), ...replies]);
  }

  /** The reply for the next call of a method; undefined when the scenario has none left. */
  async next(method: string): Promise<Reply | undefined> {
    const reply = this.#queues.get(method)?.shift();
    if (reply?.hold !== undefined) await this.#hold(reply.hold).promise;
    return reply;
  }

  /** Lets calls that are held under a name go on. */
  letGo(name: string): void {
    this.#hold(name).resolve();
  }

  #hold(name: string): PromiseWithResolvers<void> {
    const found = this.#holds.get(name) ?? Promise.withResolvers<void>();
    this.#holds.set(name, found);
    return found;
  }
}

const services: readonly DescService[] = [
  JobService,
  RunService,
  PipelineService,
  WatermarkService,
  BackfillService,
  TaskRunnerService,
];

/** Resolves when the caller has gone away. */
export const gone = ({ signal }: HandlerContext): Promise<void> =>
  new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));

function created(request: JsonObject, rejects: Record<string, ScriptedError> = {}) {
  const { jobs } = fromJson(EnqueueJobsRequestSchema, request);
  const results = jobs.map((job, index) => {
    const error = rejects[index];
    return error === undefined
      ? { outcome: EnqueueOutcome.CREATED, jobId: job.jobId }
      : { outcome: EnqueueOutcome.REJECTED, error: itemError(error) };
  });
  return create(EnqueueJobsResponseSchema, { results });
}

async function unary(
  method: DescMethod,
  request: JsonObject,
  reply: Reply | undefined,
  context: HandlerContext,
) {
  if (reply?.error !== undefined) throw callError(reply.error);
  if (reply?.never) {
    await gone(context);
    // The caller's time is over; an answer of another kind could still reach it.
    throw new ConnectError("the caller is gone", Code.DeadlineExceeded);
  }
  if (reply?.ok !== undefined) return fromJson(method.output, reply.ok);
  if (method.name === "EnqueueJobs") return created(request, reply?.rejects);
  throw new ConnectError(`${method.name} is not implemented`, Code.Unimplemented);
}

async function* streamed(method: DescMethod, reply: Reply | undefined, context: HandlerContext) {
  if (reply === undefined) {
    throw new ConnectError(`${method.name} is not implemented`, Code.Unimplemented);
  }
  for (const message of reply.stream ?? []) yield fromJson(method.output, message);
  if (reply.error !== undefined) throw callError(reply.error);
  if (reply.never) await gone(context);
}

type Call = (request: Message, context: HandlerContext) => unknown;

function implement(method: DescMethod, replies: Replies, journal: Journal): Call | undefined {
  const record = (request: Message): JsonObject => {
    const json = toJson(method.input, request) as JsonObject;
    journal.add("request", method.name, json);
    return json;
  };
  switch (method.methodKind) {
    case "unary":
      return async (request, context) => {
        const json = record(request);
        return await unary(method, json, await replies.next(method.name), context);
      };
    case "server_streaming":
      return async function* (request, context) {
        record(request);
        yield* streamed(method, await replies.next(method.name), context);
      };
    default:
      return undefined;
  }
}

/** Unary and watching calls, answered as the scenario says; the rest is UNIMPLEMENTED. */
export function routeCalls(
  router: ConnectRouter,
  replies: Replies,
  journal: Journal,
  session: ServiceImpl<typeof TaskRunnerService>["session"],
): void {
  for (const service of services) {
    const methods = service.methods.map((method) => [
      method.localName,
      method === TaskRunnerService.method.session ? session : implement(method, replies, journal),
    ]);
    router.service(service, Object.fromEntries(methods) as Partial<ServiceImpl<DescService>>);
  }
}
