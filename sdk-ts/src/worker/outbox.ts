import { create } from "@bufbuild/protobuf";
import { limits } from "../contract/limits.ts";
import { toDuration } from "../contract/time.ts";
import {
  type Completion,
  type FailureReport,
  type LeaseRef,
  type ProgressReport,
  type Release,
  ThrottleSchema,
  type WorkerFrame,
  WorkerFrameSchema,
  WriteKind,
  type WriteResult,
} from "../gen/stellaops/orchestrator/v1/task_runner_pb.ts";

/** A write under a lease that the server answers. */
export type Write =
  | { readonly kind: "accept"; readonly value: { readonly lease?: LeaseRef } }
  | { readonly kind: "progress"; readonly value: ProgressReport }
  | { readonly kind: "complete"; readonly value: Completion }
  | { readonly kind: "fail"; readonly value: FailureReport }
  | { readonly kind: "release"; readonly value: Release };

type Kind = Write["kind"];

/**
 * The order within a flush: an attempt's checkpoint goes before its failure, so that the next
 * attempt has it.
 */
const order: readonly Kind[] = ["accept", "progress", "fail", "complete", "release"];

const kinds: Readonly<Record<number, Kind>> = {
  [WriteKind.ACCEPT]: "accept",
  [WriteKind.PROGRESS]: "progress",
  [WriteKind.COMPLETE]: "complete",
  [WriteKind.FAIL]: "fail",
  [WriteKind.RELEASE]: "release",
};

interface Pending {
  readonly key: string;
  readonly write: Write;
  readonly bytes: number;
  readonly onAnswer: (result: WriteResult) => void;
  /** When it went out last, by performance.now(); undefined while it waits to. */
  sentAt: number | undefined;
}

const keyOf = (kind: Kind, jobId: string, leaseEpoch: bigint): string =>
  `${kind}/${jobId}/${leaseEpoch}`;

/** An upper bound of the encoded size of a write, in bytes. */
function bytesOf(write: Write): number {
  switch (write.kind) {
    case "complete": {
      const { result, artifacts } = write.value;
      return artifacts.reduce((sum, { name }) => sum + 3 * name.length + 128, 256 + result.length);
    }
    case "fail":
      return 256 + 3 * (write.value.failure?.message.length ?? 0);
    case "progress": {
      const { message = "", checkpoint = [] } = write.value.progress ?? {};
      return 256 + 3 * message.length + checkpoint.length;
    }
    default:
      return 256;
  }
}

function frameOf(kind: Kind, writes: readonly Write[]): WorkerFrame {
  const values = writes.map((write) => write.value);
  const frame = ((): WorkerFrame["frame"] | unknown => {
    switch (kind) {
      case "accept":
        return { case: kind, value: { leases: values.map(({ lease }) => lease) } };
      case "progress":
        return { case: kind, value: { reports: values } };
      case "complete":
        return { case: kind, value: { completions: values } };
      case "fail":
        return { case: kind, value: { failures: values } };
      case "release":
        return { case: kind, value: { releases: values } };
    }
  })();
  return create(WorkerFrameSchema, { frame: frame as WorkerFrame["frame"] });
}

/**
 * What the worker has to say and must not lose. Writes stay here until they are answered and are
 * staged again for every new stream, so that an outcome survives any number of broken ones.
 * Whatever is staged when the stream takes a frame goes in one frame per kind.
 */
export class Outbox {
  readonly #pending = new Map<string, Pending>();
  readonly #staged = new Map<Kind, Set<Pending>>(order.map((kind) => [kind, new Set()]));
  /** Keyed by resource: what counts is the newest word about it. */
  readonly #throttles = new Map<string, WorkerFrame>();
  readonly #maxFrameBytes: () => number;
  readonly #changed: () => void;

  /**
   * @param maxFrameBytes the largest frame that the server reads
   * @param changed called whenever there is more to send or less to wait for
   */
  constructor(maxFrameBytes: () => number, changed: () => void) {
    this.#maxFrameBytes = maxFrameBytes;
    this.#changed = changed;
  }

  /** How many writes have no answer yet. */
  get unanswered(): number {
    return this.#pending.size;
  }

  /** Adds a write; the newest of a kind for a lease replaces the one before. */
  add(write: Write, onAnswer: (result: WriteResult) => void): void {
    const { lease } = write.value;
    if (lease === undefined) throw new TypeError(`a ${write.kind} needs a lease`);
    const key = keyOf(write.kind, lease.jobId, lease.leaseEpoch);
    this.#forget(key);
    const pending: Pending = { key, write, bytes: bytesOf(write), onAnswer, sentAt: undefined };
    this.#pending.set(key, pending);
    this.#stage(pending);
    this.#changed();
  }

  /** Reports an upstream that asked to slow down. Sent once; the server does not answer it. */
  throttle(resourceKey: string, retryAfterMs: number | undefined, remaining?: number): void {
    const value = create(ThrottleSchema, { resourceKey, retryAfter: toDuration(retryAfterMs) });
    if (remaining !== undefined) value.remaining = BigInt(Math.max(0, Math.trunc(remaining)));
    const frame = { case: "throttle" as const, value };
    this.#throttles.set(resourceKey, create(WorkerFrameSchema, { frame }));
    this.#changed();
  }

  /** Settles the write that a result answers; a result that answers none is dropped. */
  answer(result: WriteResult): void {
    const kind = kinds[result.kind];
    if (kind === undefined) return;
    const pending = this.#pending.get(keyOf(kind, result.jobId, result.leaseEpoch));
    // An answer to what was never sent is a second one to the write before.
    if (pending?.sentAt === undefined) return;
    const { value } = pending.write;
    const isOther = "completionId" in value && value.completionId !== result.completionId;
    if (isOther && result.completionId !== "") return;
    this.#forget(pending.key);
    pending.onAnswer(result);
    this.#changed();
  }

  /** Takes back the progress of a lease: there is nothing left to report on. */
  dropProgress(lease: LeaseRef): void {
    this.#forget(keyOf("progress", lease.jobId, lease.leaseEpoch));
    this.#changed();
  }

  /**
   * Stages again what was sent at least `ageMs` ago and has no answer; 0 means everything, for a
   * new stream. On the same stream progress is not sent twice: its answers carry no id, so the
   * second would pass for the answer to the next report.
   */
  resend(ageMs: number): void {
    const before = performance.now() - ageMs;
    for (const pending of this.#pending.values()) {
      if (pending.write.kind === "progress" && ageMs > 0) continue;
      if (pending.sentAt !== undefined && pending.sentAt <= before) this.#stage(pending);
    }
    this.#changed();
  }

  /** The next frame: as many staged writes of one kind as fit; undefined if none is staged. */
  take(): WorkerFrame | undefined {
    for (const kind of order) {
      const staged = this.#staged.get(kind);
      if (staged !== undefined && staged.size > 0) return this.#takeFrom(kind, staged);
    }
    for (const [key, frame] of this.#throttles) {
      this.#throttles.delete(key);
      return frame;
    }
    return undefined;
  }

  #takeFrom(kind: Kind, staged: Set<Pending>): WorkerFrame {
    const writes: Write[] = [];
    const sentAt = performance.now();
    let bytes = 1024;
    for (const pending of staged) {
      if (writes.length === limits.frameItems) break;
      if (writes.length > 0 && bytes + pending.bytes > this.#maxFrameBytes()) break;
      staged.delete(pending);
      pending.sentAt = sentAt;
      bytes += pending.bytes;
      writes.push(pending.write);
    }
    return frameOf(kind, writes);
  }

  #stage(pending: Pending): void {
    this.#staged.get(pending.write.kind)?.add(pending);
  }

  #forget(key: string): void {
    const pending = this.#pending.get(key);
    if (pending === undefined) return;
    this.#pending.delete(key);
    this.#staged.get(pending.write.kind)?.delete(pending);
  }
}
