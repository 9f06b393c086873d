import { create } from "@bufbuild/protobuf";
import { limits, truncate } from "../contract/limits.ts";
import {
  type LeaseRef,
  ProgressReportSchema,
  WriteVerdict,
} from "../gen/stellaops/orchestrator/v1/task_runner_pb.ts";
import { TerminalError } from "../job-errors.ts";
import type { Outbox } from "./outbox.ts";

/** What goes with a fraction. */
export interface ProgressOptions {
  /** For people. */
  readonly message?: string;
  /** Handed to the next attempt; at most the contract's 256 KiB. Left out, the last one stays. */
  readonly checkpoint?: Uint8Array;
}

interface Report {
  readonly fraction: number;
  readonly message: string;
  readonly checkpoint: Uint8Array;
}

const none = new Uint8Array();

/** What people look at needs no more than this; a checkpoint does not wait for it. */
const intervalMs = 500;

/**
 * The progress of one attempt. At most one report is on its way, and one without a checkpoint
 * goes half a second after the one before at the earliest; what is said meanwhile is merged into
 * the next, so a handler may report as often as it likes.
 */
export class ProgressReporter {
  readonly #outbox: Outbox;
  readonly #lease: LeaseRef;
  readonly #maxCheckpointBytes: number;
  #next: Report | undefined;
  #waiting: ((isStored: boolean) => void)[] = [];
  #onItsWay: ((isStored: boolean) => void)[] | undefined;
  #isClosed = false;
  #sentAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  constructor(outbox: Outbox, lease: LeaseRef, maxCheckpointBytes: number) {
    this.#outbox = outbox;
    this.#lease = lease;
    this.#maxCheckpointBytes = maxCheckpointBytes;
  }

  /** Resolves with true once the ledger has this or a newer report, false if it never will. */
  report(fraction: number, options: ProgressOptions = {}): Promise<boolean> {
    const { message = "", checkpoint = none } = options;
    if (checkpoint.length > this.#maxCheckpointBytes) {
      const limit = this.#maxCheckpointBytes;
      const text = `a checkpoint of ${checkpoint.length} bytes exceeds the limit of ${limit}`;
      throw new TerminalError(text, { failureClass: "oversize" });
    }
    if (this.#isClosed) return Promise.resolve(false);
    const last = this.#next;
    this.#next = {
      fraction: Number.isFinite(fraction) ? Math.min(1, Math.max(0, fraction)) : 0,
      message: truncate(message || last?.message || "", limits.progressMessageBytes),
      checkpoint: checkpoint.length > 0 ? checkpoint : (last?.checkpoint ?? none),
    };
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#sendWhenDue();
    });
  }

  /** Sends what is left, for the next attempt to have the newest checkpoint. */
  flush(): void {
    if (this.#next !== undefined) this.#send();
    this.#close();
  }

  /** There is nothing left to report on. */
  drop(): void {
    this.#close();
    this.#next = undefined;
    this.#outbox.dropProgress(this.#lease);
    for (const resolve of [...(this.#onItsWay ?? []), ...this.#waiting]) resolve(false);
    this.#onItsWay = undefined;
    this.#waiting = [];
  }

  #close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #sendWhenDue(): void {
    if (this.#next === undefined || this.#onItsWay !== undefined) return;
    clearTimeout(this.#timer);
    const waitMs = this.#sentAt + intervalMs - performance.now();
    if (this.#next.checkpoint.length > 0 || waitMs <= 0) this.#send();
    else this.#timer = setTimeout(() => this.#sendWhenDue(), waitMs);
  }

  #send(): void {
    const report = this.#next;
    if (report === undefined) return;
    this.#sentAt = performance.now();
    const waiting = [...(this.#onItsWay ?? []), ...this.#waiting];
    this.#next = undefined;
    this.#waiting = [];
    this.#onItsWay = waiting;
    const value = create(ProgressReportSchema, { lease: this.#lease, progress: report });
    this.#outbox.add({ kind: "progress", value }, ({ verdict }) => {
      this.#onItsWay = undefined;
      const { APPLIED, ALREADY_APPLIED } = WriteVerdict;
      for (const resolve of waiting) resolve(verdict === APPLIED || verdict === ALREADY_APPLIED);
      if (!this.#isClosed) this.#sendWhenDue();
    });
  }
}
