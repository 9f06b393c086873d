import { randomUUID } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { type Duration, durationMs } from "@bufbuild/protobuf/wkt";
import type { LeaseClocks } from "../contract/lease-policy.ts";
import { fromStatus } from "../errors.ts";
import type { Failure } from "../gen/stellaops/orchestrator/v1/failure_pb.ts";
import {
  type Cancel,
  CancelReason,
  type Completion,
  FailureReportSchema,
  type LeaseRef,
  LeaseVerdict,
  type Offer,
  ReleaseReason,
  ReleaseSchema,
  type ServerFrame,
  type Verdict,
  type WriteResult,
  WriteVerdict,
} from "../gen/stellaops/orchestrator/v1/task_runner_pb.ts";
import { type AbortReason, JobAbortedError } from "../job-errors.ts";
import type { Orchestrator } from "../orchestrator.ts";
import { failure, stopOutcome } from "./failures.ts";
import { JobContext } from "./job-context.ts";
import { type Handler, type Outcome, runHandler } from "./job-runner.ts";
import { type HeldLease, LeaseTable } from "./lease-table.ts";
import { type Logger, withFields } from "./logger.ts";
import { Outbox } from "./outbox.ts";
import { ProgressReporter } from "./progress.ts";

/** What the agent needs from the worker. */
export interface AgentPorts {
  readonly handlers: ReadonlyMap<string, Handler>;
  readonly orchestrator: Orchestrator;
  readonly logger: Logger;
  /** The clocks in force. */
  readonly clocks: () => LeaseClocks;
  /** Something can be sent, or something that was waited for may hold now. */
  readonly changed: () => void;
}

const cancelReasons: Readonly<Record<number, AbortReason>> = {
  [CancelReason.UNSPECIFIED]: "cancelled",
  [CancelReason.USER]: "cancelled",
  [CancelReason.DEADLINE]: "deadline",
  [CancelReason.SUPERSEDED]: "lease_lost",
  [CancelReason.PREEMPTED]: "preempted",
  [CancelReason.DRAIN]: "drain",
};

/** The longest delay that a timer takes; longer deadlines are the server's to enforce. */
const maxTimerMs = 2 ** 31 - 1;

const isApplied = (verdict: WriteVerdict): boolean =>
  verdict === WriteVerdict.APPLIED || verdict === WriteVerdict.ALREADY_APPLIED;

/**
 * What a worker does about its leases: accepts what is offered, runs handlers under what was
 * accepted or came active, and reports how they ended. It knows nothing of streams.
 */
export class Agent {
  readonly leases: LeaseTable;
  readonly outbox: Outbox;
  readonly #ports: AgentPorts;
  readonly #progress = new WeakMap<HeldLease, ProgressReporter>();
  #isDraining = false;

  constructor(ports: AgentPorts) {
    this.#ports = ports;
    this.leases = new LeaseTable(ports.changed);
    this.outbox = new Outbox(() => ports.clocks().maxMessageBytes, ports.changed);
  }

  /** Whether every handler has ended or was given up, and every outcome was answered. */
  get isIdle(): boolean {
    return this.leases.size === 0 && this.outbox.unanswered === 0;
  }

  /** Leases to name in a Hello: everything that may still be ours. */
  held(): LeaseRef[] {
    const leases = this.leases.in("offered", "running", "stopping", "reporting");
    return leases.map((lease) => lease.ref);
  }

  /**
   * Leases to renew. Offers are not: their accept is on its way, and a server that looks at
   * both at once might find the lease not active yet and call it superseded.
   */
  renewable(): LeaseRef[] {
    return this.leases.in("running", "stopping", "reporting").map((lease) => lease.ref);
  }

  /** Takes a frame of the server. */
  take(frame: ServerFrame["frame"]): void {
    switch (frame.case) {
      case "offers":
        for (const offer of frame.value.offers) this.#onOffer(offer, frame.value.active);
        break;
      case "results":
        for (const result of frame.value.results) this.outbox.answer(result);
        break;
      case "verdicts":
        for (const verdict of frame.value.verdicts) this.#onVerdict(verdict);
        break;
      case "cancels":
        for (const cancel of frame.value.cancels) this.#onCancel(cancel);
        break;
    }
  }

  /** Starts nothing any more: what was not begun is given back. */
  stopAccepting(): void {
    this.#isDraining = true;
  }

  /** Asks every handler to stop, for the drain; they have `graceMs`. */
  stopAll(graceMs: number): void {
    for (const lease of this.leases.in("running")) this.#stop(lease, "drain", graceMs);
  }

  /** Gives up every handler that still runs. */
  giveUpAll(): void {
    for (const lease of this.leases.in("stopping", "lingering")) this.#giveUp(lease);
  }

  /** Takes all leases for lost: another instance of this worker has them now. */
  loseAll(): void {
    for (const lease of this.leases.in("offered", "running", "stopping")) this.#lose(lease);
  }

  #onOffer(offer: Offer, active: boolean): void {
    const ref = offer.lease;
    if (ref === undefined || offer.spec === undefined) return;
    const known = this.leases.get(ref.jobId, ref.leaseEpoch);
    if (known === undefined) {
      const older = this.leases.newestOf(ref.jobId);
      if (older !== undefined) this.#lose(older);
      const lease = this.leases.add(offer, ref);
      if (this.#isDraining) this.#release(lease, ReleaseReason.UNSTARTED);
      else if (active) this.#start(lease);
      else this.#accept(lease);
    } else if (known.state === "offered") {
      // The same offer again: its accept may be lost. Repeating it changes nothing otherwise.
      this.#accept(known);
    }
  }

  #accept(lease: HeldLease): void {
    this.outbox.add({ kind: "accept", value: { lease: lease.ref } }, (result) =>
      this.#onAccept(lease, result),
    );
  }

  #onAccept(lease: HeldLease, result: WriteResult): void {
    if (!isApplied(result.verdict)) {
      this.leases.move(lease, "refused");
      return;
    }
    if (lease.state === "gone") {
      // A verdict took it away while its accept was on its way, yet it is ours: give it back.
      this.#write(lease, { kind: "release" }, ReleaseReason.UNSTARTED);
    } else if (lease.state !== "offered") {
      return;
    } else if (lease.abortReason !== undefined) {
      const outcome = stopOutcome(lease.abortReason);
      if (outcome.kind === "release") this.#release(lease, ReleaseReason.UNSTARTED);
      else this.#settle(lease, outcome);
    } else if (this.#isDraining) {
      this.#release(lease, ReleaseReason.UNSTARTED);
    } else {
      this.#start(lease);
    }
  }

  #start(lease: HeldLease): void {
    const { offer, ref } = lease;
    const { spec } = offer;
    const handler = spec && this.#ports.handlers.get(spec.jobType);
    if (spec === undefined || handler === undefined) {
      this.#settle(lease, { kind: "fail", failure: failure("incapable", "no handler") });
      return;
    }
    this.leases.move(lease, "accepted");
    const clocks = this.#ports.clocks();
    const controller = new AbortController();
    const progress = new ProgressReporter(this.outbox, ref, clocks.maxPayloadBytes);
    const { orchestrator } = this.#ports;
    const logger = () => this.#logger(lease);
    lease.controller = controller;
    this.#progress.set(lease, progress);
    const parts = { offer, spec, ref, progress, orchestrator, logger, outbox: this.outbox };
    const job = new JobContext({ ...parts, signal: controller.signal });
    const ms = offer.attemptDeadline ? durationMs(offer.attemptDeadline) : clocks.attemptDeadlineMs;
    this.#armDeadline(lease, ms);
    const maxResultBytes = clocks.maxPayloadBytes;
    const abortReason = () => lease.abortReason;
    void runHandler(handler, job, ref, { maxResultBytes, abortReason }).then((outcome) => {
      this.#settle(lease, outcome);
    });
  }

  #onVerdict({ jobId, leaseEpoch, verdict, attemptTimeLeft }: Verdict): void {
    const lease = this.leases.get(jobId, leaseEpoch);
    if (lease === undefined) return;
    if (verdict === LeaseVerdict.RENEWED) {
      if (attemptTimeLeft !== undefined) this.#moveDeadline(lease, attemptTimeLeft);
    } else if (verdict === LeaseVerdict.CANCELLED) {
      this.#stop(lease, "cancelled", this.#ports.clocks().drainGraceMs);
    } else if (verdict === LeaseVerdict.SUPERSEDED || verdict === LeaseVerdict.UNKNOWN) {
      this.#lose(lease);
    }
  }

  /** An operator moved the attempt's deadline: what the offer said counts no longer. */
  #moveDeadline(lease: HeldLease, timeLeft: Duration): void {
    // Not begun yet: its clock starts when it does.
    if (lease.state === "offered") lease.offer.attemptDeadline = timeLeft;
    else if (lease.state === "running") this.#armDeadline(lease, durationMs(timeLeft));
  }

  #armDeadline(lease: HeldLease, ms: number): void {
    const { drainGraceMs } = this.#ports.clocks();
    this.#setTimer(lease, ms, () => this.#stop(lease, "deadline", drainGraceMs));
  }

  #onCancel({ jobId, leaseEpoch, reason, grace }: Cancel): void {
    const lease = this.leases.get(jobId, leaseEpoch);
    if (lease === undefined) return;
    const why = cancelReasons[reason] ?? "cancelled";
    if (why === "lease_lost") this.#lose(lease);
    else this.#stop(lease, why, grace ? durationMs(grace) : this.#ports.clocks().drainGraceMs);
  }

  /** Asks a handler to stop; after the grace it is given up. */
  #stop(lease: HeldLease, reason: AbortReason, graceMs: number): void {
    if (lease.state === "offered") lease.abortReason ??= reason;
    if (!this.leases.move(lease, "stop")) return;
    this.#abort(lease, reason, graceMs);
  }

  /** The lease is no longer ours; whatever the handler still does comes to nothing. */
  #lose(lease: HeldLease): void {
    if (!this.leases.move(lease, "lost")) return;
    this.#progress.get(lease)?.drop();
    if (lease.state === "lingering") {
      this.#logger(lease).warn({}, "lease lost");
      this.#abort(lease, "lease_lost", this.#ports.clocks().drainGraceMs);
    }
  }

  #abort(lease: HeldLease, reason: AbortReason, graceMs: number): void {
    lease.abortReason = lease.state === "lingering" ? reason : (lease.abortReason ?? reason);
    this.#setTimer(lease, graceMs, () => this.#giveUp(lease));
    lease.controller?.abort(new JobAbortedError(reason));
  }

  #giveUp(lease: HeldLease): void {
    const { abortReason = "drain" } = lease;
    if (!this.leases.move(lease, "gave_up")) return;
    clearTimeout(lease.timer);
    this.#logger(lease).error({ abortReason }, "handler ignored its signal and was given up");
    if (lease.state !== "reporting") return;
    this.#report(lease, stopOutcome(abortReason, "the handler ignored its signal"));
  }

  /** The handler ended, or never begins. */
  #settle(lease: HeldLease, outcome: Outcome): void {
    clearTimeout(lease.timer);
    // Absent after it was given up: the result is dropped.
    if (!this.leases.move(lease, "finished")) return;
    if (lease.state === "reporting") this.#report(lease, outcome);
  }

  #release(lease: HeldLease, reason: ReleaseReason): void {
    if (this.leases.move(lease, "finished")) this.#write(lease, { kind: "release" }, reason);
  }

  #report(lease: HeldLease, outcome: Outcome): void {
    clearTimeout(lease.timer);
    const progress = this.#progress.get(lease);
    if (outcome.kind === "complete") progress?.drop();
    else progress?.flush();
    if (outcome.kind === "drop") this.leases.move(lease, "answered");
    else this.#write(lease, outcome, ReleaseReason.DRAINED);
  }

  #write(
    lease: HeldLease,
    outcome: Exclude<Outcome, { kind: "drop" }>,
    releaseReason: ReleaseReason,
  ): void {
    const { ref } = lease;
    switch (outcome.kind) {
      case "complete":
        this.#complete(lease, outcome.completion);
        break;
      case "fail":
        this.#fail(lease, outcome.failure);
        break;
      case "release": {
        const value = create(ReleaseSchema, { lease: ref, reason: releaseReason });
        this.outbox.add({ kind: "release", value }, (result) => this.#onAnswer(lease, result));
      }
    }
  }

  #complete(lease: HeldLease, value: Completion): void {
    this.outbox.add({ kind: "complete", value }, (result) => {
      if (result.verdict !== WriteVerdict.REJECTED) return this.#onAnswer(lease, result);
      const error = fromStatus(result.error);
      this.#logger(lease).error({ reason: error.reason, error }, "completion rejected");
      // The lease stands. A result that can never be stored is terminal; a lost artifact is not.
      const isTerminal = error.reason === "RESULT_TOO_LARGE";
      const text = `the completion was rejected: ${error.reason} ${error.message}`;
      this.#fail(lease, failure(isTerminal ? "oversize" : "user", text, { terminal: isTerminal }));
    });
  }

  #fail(lease: HeldLease, reason: Failure): void {
    const value = create(FailureReportSchema, {
      lease: lease.ref,
      completionId: randomUUID(),
      failure: reason,
    });
    this.outbox.add({ kind: "fail", value }, (result) => this.#onAnswer(lease, result));
  }

  #onAnswer(lease: HeldLease, { verdict, error }: WriteResult): void {
    if (verdict === WriteVerdict.STALE_LEASE) {
      this.#logger(lease).warn({}, "result dropped: the lease is stale");
    } else if (verdict === WriteVerdict.REJECTED) {
      this.#logger(lease).error({ error: fromStatus(error) }, "outcome rejected");
    }
    this.#progress.get(lease)?.drop();
    this.leases.move(lease, "answered");
  }

  #setTimer(lease: HeldLease, ms: number, onTime: () => void): void {
    clearTimeout(lease.timer);
    lease.timer = ms > maxTimerMs ? undefined : setTimeout(onTime, Math.max(0, ms));
  }

  #logger({ ref, offer }: HeldLease): Logger {
    return withFields(this.#ports.logger, {
      jobId: ref.jobId,
      jobType: offer.spec?.jobType,
      attempt: ref.attempt,
      leaseEpoch: ref.leaseEpoch,
      correlationId: offer.spec?.correlationId || ref.jobId,
    });
  }
}
