import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type WorkerFrame,
  WorkerFrameSchema,
} from "../gen/stellaops/orchestrator/v1/task_runner_pb.ts";

/** A frame as an object literal: `{ case: "ping", value: {…} }`. */
export type FrameInit = NonNullable<MessageInitShape<typeof WorkerFrameSchema>["frame"]>;

/**
 * The outgoing half of a session's stream. It is pulled: while the transport writes one frame,
 * what comes up meanwhile gathers and goes as the next. So an idle stream adds no delay and a
 * busy one sends large frames.
 */
export class FrameWriter implements AsyncIterable<WorkerFrame> {
  readonly #control: WorkerFrame[] = [];
  #source: (() => WorkerFrame | undefined) | undefined;
  #wake: (() => void) | undefined;
  #isScheduled = false;
  #isClosed = false;
  #sentAt = performance.now();

  /** When the last frame went out, by performance.now(). */
  get sentAt(): number {
    return this.#sentAt;
  }

  /** Sends a frame of the session itself, ahead of everything else. */
  send(frame: FrameInit): void {
    this.#control.push(create(WorkerFrameSchema, { frame }));
    this.poke();
  }

  /** Lets frames come from `source` too, until it is replaced; undefined takes it away. */
  pullFrom(source: (() => WorkerFrame | undefined) | undefined): void {
    this.#source = source;
    this.poke();
  }

  /** Says that there may be something to send: looks at the end of this turn of the loop. */
  poke(): void {
    if (this.#isScheduled || this.#wake === undefined) return;
    this.#isScheduled = true;
    // Not a microtask: what other callbacks of this turn produce shall share the frame.
    setImmediate(() => {
      this.#isScheduled = false;
      this.#wake?.();
    });
  }

  /** Ends the outgoing half once the frames of the session itself have gone. */
  close(): void {
    this.#isClosed = true;
    this.#source = undefined;
    this.poke();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<WorkerFrame, void, undefined> {
    for (;;) {
      const frame = this.#control.shift() ?? this.#source?.();
      if (frame !== undefined) {
        this.#sentAt = performance.now();
        yield frame;
      } else if (this.#isClosed) {
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
