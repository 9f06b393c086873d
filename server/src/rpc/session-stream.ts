import { ConnectError, type HandlerContext } from "@connectrpc/connect";
import type { Session } from "../app/bridge/session.ts";
import type { ServerFrame, SessionEnd } from "../app/bridge/session-frames.ts";
import type { Sessions } from "../app/bridge/sessions.ts";
import type {
  ServerFrame as ServerFrameMessage,
  WorkerFrame,
} from "../gen/stellaops/orchestrator/v1/task_runner_pb.ts";
import { aborted, failedPrecondition, reasonOf, unavailable } from "./errors.ts";
import { tenantOf } from "./interceptors/tenant.ts";
import { untilAborted } from "./until-aborted.ts";
import { readHello, readWorkerFrame, writeServerFrame } from "./worker-frames.ts";

/** What a session's stream needs. */
export interface SessionStreamPorts {
  readonly sessions: Sessions;
  readonly serverId: string;
  readonly maxPayloadBytes: number;
  /** Aborted when the server stops. */
  readonly stopping: AbortSignal;
}

/** How long a stream may take to say Hello, in milliseconds. */
const HELLO_TIMEOUT_MS = 10_000;

/**
 * Frames that may wait for a worker that does not read. Offers are bounded by its credit; this
 * bounds what else there is, and a worker so far behind is better off with a new stream.
 */
const MAX_WAITING_FRAMES = 1_000;

/** Frames of one worker that are worked on at once; more are not read until one is done. */
const MAX_OPEN_FRAMES = 64;

/** Serves one Session call: reads frames beside writing them, and ends when either side does. */
export async function* sessionStream(
  ports: SessionStreamPorts,
  requests: AsyncIterable<WorkerFrame>,
  context: HandlerContext,
): AsyncGenerator<ServerFrameMessage> {
  const tenant = tenantOf(context);
  const frames = requests[Symbol.asyncIterator]();
  const first = await firstFrame(frames, ports.stopping);
  if (first.done === true) return;
  if (first.value.frame.case !== "hello") throw failedPrecondition("HELLO_REQUIRED");
  const hello = readHello(tenant, first.value.frame.value, ports.maxPayloadBytes);
  // After a freeze the end of the stream may lie right behind its Hello: who has gone must not take
  // the place of the session that its worker has opened since.
  await nextTurn();
  await nextTurn();
  if (context.signal.aborted) return;

  const outbox = new Outbox();
  const session = await ports.sessions.open(tenant, hello, {
    send: (frame) => outbox.push(frame),
    onEnd: (end) => outbox.finish(end),
  });
  outbox.onOverrun = (waiting) => session.end({ kind: "overrun", frames: waiting });
  const onAbort = () => session.end({ kind: "closed" });
  context.signal.addEventListener("abort", onAbort, { once: true });
  if (context.signal.aborted) onAbort();
  void readFrames(ports.sessions, session, tenant, frames);
  try {
    for await (const frame of outbox) yield writeServerFrame(frame, ports.serverId);
  } finally {
    context.signal.removeEventListener("abort", onAbort);
    await ports.sessions.close(session, { kind: "closed" });
  }
  throwFor(session.ended);
}

/** The first frame; a stream that says nothing is not waited for, least of all by a stop. */
async function firstFrame(
  frames: AsyncIterator<WorkerFrame>,
  stopping: AbortSignal,
): Promise<IteratorResult<WorkerFrame>> {
  const timeout = AbortSignal.timeout(HELLO_TIMEOUT_MS);
  const tooLate = AbortSignal.any([stopping, timeout]);
  const reason = () =>
    stopping.aborted ? unavailable("SERVER_STOPPING") : failedPrecondition("HELLO_REQUIRED");
  const iterator = untilAborted({ [Symbol.asyncIterator]: () => frames }, tooLate, reason);
  return await iterator[Symbol.asyncIterator]().next();
}

async function readFrames(
  sessions: Sessions,
  session: Session,
  tenant: string,
  frames: AsyncIterator<WorkerFrame>,
): Promise<void> {
  const open = new Set<Promise<void>>();
  try {
    for (let next = await frames.next(); next.done !== true; next = await frames.next()) {
      sessions.heard(session);
      const work = session.take(readWorkerFrame(tenant, next.value));
      open.add(work);
      void work.finally(() => open.delete(work));
      if (open.size >= MAX_OPEN_FRAMES) await Promise.race(open);
    }
    // The worker is done sending: what it asked for is answered, then the stream ends.
    await Promise.all(open);
    session.end({ kind: "closed" });
  } catch (error) {
    // Without an ErrorInfo it is the transport's: the stream broke, and nobody is left to tell.
    const broke = error instanceof ConnectError && reasonOf(error) === undefined;
    session.end(broke ? { kind: "closed" } : { kind: "failed", error });
  }
}

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Ends the call the way the session ended; a stream that the worker closed just ends. */
function throwFor(end: SessionEnd | undefined): void {
  switch (end?.kind) {
    case undefined:
    case "closed":
      return;
    case "superseded":
      throw aborted("SESSION_SUPERSEDED");
    case "replaced":
      throw unavailable("SESSION_REPLACED", { retryAfterMs: 0 });
    case "shutdown":
      throw unavailable("SERVER_STOPPING");
    case "max_age":
      throw unavailable("STREAM_MAX_AGE", { retryAfterMs: 0 });
    case "silent":
      throw unavailable("SESSION_SILENT", { metadata: { silentMs: Math.round(end.silentMs) } });
    case "overrun":
      throw unavailable("SESSION_TOO_FAR_BEHIND", { metadata: { waitingFrames: end.frames } });
    case "protocol":
      throw failedPrecondition(end.reason, { detail: end.message });
    case "failed":
      throw end.error;
  }
}

/** Frames on their way out: pushed at any time, taken by the stream when the wire has room. */
class Outbox implements AsyncIterable<ServerFrame> {
  onOverrun: (waiting: number) => void = () => {};
  readonly #frames: ServerFrame[] = [];
  #ended = false;
  #wake: (() => void) | undefined;

  push(frame: ServerFrame): void {
    if (this.#ended) return;
    this.#frames.push(frame);
    if (this.#frames.length > MAX_WAITING_FRAMES) this.onOverrun(this.#frames.length);
    this.#wake?.();
  }

  finish(_end: SessionEnd): void {
    this.#ended = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ServerFrame> {
    for (;;) {
      const frame = this.#frames.shift();
      if (frame !== undefined) {
        yield frame;
      } else if (this.#ended) {
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = undefined;
      }
    }
  }
}
