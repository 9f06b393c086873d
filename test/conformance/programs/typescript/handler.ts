import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type HandlerFailureClass,
  JobAbortedError,
  type JobContext,
  RetryableError,
  TerminalError,
  ThrottledError,
} from "@stellaops/orchestrator";
import {
  type Fail,
  FailKind,
  type Handler,
  type HandlerStepSchema,
  type Hold,
  How,
  OnCancel,
  type Step,
} from "../../gen/driver_pb.ts";
import type { Emit } from "./emit.ts";
import type { Gates } from "./gates.ts";
import { toJobRequest } from "./job-request.ts";
import { toRunJob } from "./plans.ts";
import { toEnqueueResult, toError, toLease, toWindow } from "./to-wire.ts";

/** What a step came to, as an object literal. */
type StepResult = Pick<MessageInitShape<typeof HandlerStepSchema>, "value" | "error">;

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Runs the script of one attempt. */
export class ScriptedHandler {
  readonly #job: JobContext;
  readonly #emit: Emit;
  readonly #gates: Gates;
  #wasToldToStop = false;
  #ignores = false;

  constructor(job: JobContext, emit: Emit, gates: Gates) {
    this.#job = job;
    this.#emit = emit;
    this.#gates = gates;
  }

  /** Resolves with the result, or throws what the script says. */
  async run({ attempts }: Handler): Promise<Uint8Array | undefined> {
    this.#started();
    const script = attempts[Math.min(this.#job.attempt, attempts.length) - 1];
    for (const [index, { step }] of (script?.steps ?? []).entries()) {
      switch (step.case) {
        case "returnResult":
          this.#ended(How.RETURNED);
          return step.value.result.length > 0 ? step.value.result : undefined;
        case "fail":
          this.#ended(How.FAILED);
          throw failureOf(step.value);
        case "panic":
          this.#ended(How.PANICKED);
          throw step.value.message;
        default:
          await this.#step(index, step);
      }
    }
    this.#ended(How.RETURNED);
    return undefined;
  }

  async #step(index: number, step: Step["step"]): Promise<void> {
    const job = this.#job;
    switch (step.case) {
      case "hold":
        return await this.#hold(step.value);
      case "progress": {
        const { fraction, message, checkpoint, pauseMs } = step.value;
        const times = step.value.times || 1;
        for (let n = 1; n <= times; n++) {
          if (n > 1 && pauseMs > 0n) await pause(Number(pauseMs));
          const options = { message, ...(checkpoint.length > 0 && { checkpoint }) };
          void job.progress((fraction * n) / times, options);
        }
        return;
      }
      case "throttle": {
        const { resourceKey, retryAfterMs } = step.value;
        return job.throttle(resourceKey, { retryAfterMs: Number(retryAfterMs) });
      }
      case "artifact": {
        const { name, path, mediaType } = step.value;
        return await this.#report(index, async () => {
          const options = mediaType === "" ? {} : { mediaType };
          const { digest, sizeBytes, alreadyExisted } = await job.uploadArtifact(
            name,
            { path },
            options,
          );
          const value = { digest, sizeBytes: BigInt(sizeBytes), alreadyExisted };
          return { value: { case: "artifact", value } };
        });
      }
      case "enqueue":
        return await this.#report(index, async () => {
          const { jobType, payload, ...options } = toJobRequest(step.value);
          const value = toEnqueueResult(await job.orchestrator.enqueue(jobType, payload, options));
          return { value: { case: "enqueued", value } };
        });
      case "fanOut":
        return await this.#report(index, async () => {
          const { jobIds, existing } = await job.fanOut(step.value.jobs.map(toRunJob));
          return { value: { case: "appended", value: { jobIds: { ...jobIds }, existing } } };
        });
      case "loadPayload":
        return await this.#report(index, async () => ({
          value: { case: "payload", value: await job.loadPayload() },
        }));
    }
  }

  async #report(step: number, act: () => Promise<StepResult>): Promise<void> {
    const lease = toLease(this.#job.lease);
    const value = await act().catch((error: unknown): StepResult => ({ error: toError(error) }));
    this.#emit({ case: "handlerStep", value: { ...value, lease, step } });
  }

  async #hold({ forMs, onCancel }: Hold): Promise<void> {
    const { signal, jobId, attempt } = this.#job;
    const gate = this.#gates.wait(jobId, attempt);
    const waits: Promise<"go" | "stop">[] = [gate.opened.then(() => "go" as const)];
    const timer = Promise.withResolvers<"go">();
    const timeout = forMs > 0n ? setTimeout(() => timer.resolve("go"), Number(forMs)) : undefined;
    if (timeout !== undefined) waits.push(timer.promise);
    const stopped = this.#ignores ? [] : [aborted(signal).then(() => "stop" as const)];
    let next = await Promise.race([...waits, ...stopped]);
    if (next === "stop") {
      this.#cancelled();
      if (onCancel === OnCancel.IGNORE) {
        this.#ignores = true;
        next = await Promise.race(waits);
      }
    }
    clearTimeout(timeout);
    gate.leave();
    if (next === "go" || onCancel === OnCancel.NEXT) return;
    this.#ended(How.CANCELLED);
    throw signal.reason;
  }

  #started(): void {
    const { lease, jobType, payload, payloadMediaType, payloadArtifact, checkpoint } = this.#job;
    const { traceparent, tracestate, correlationId, labels, runId, name } = this.#job;
    const { project, source, concurrencyKey, window } = this.#job;
    this.#emit({
      case: "handlerStarted",
      value: {
        lease: toLease(lease),
        jobType,
        payload,
        payloadMediaType,
        payloadArtifact,
        checkpoint,
        traceparent,
        tracestate,
        correlationId,
        labels: { ...labels },
        runId,
        name,
        project,
        source,
        concurrencyKey,
        ...(window && { window: toWindow(window) }),
      },
    });
  }

  #cancelled(): void {
    if (this.#wasToldToStop) return;
    this.#wasToldToStop = true;
    const { lease, signal } = this.#job;
    const reason = signal.reason instanceof JobAbortedError ? signal.reason.reason : "";
    this.#emit({ case: "handlerCancelled", value: { lease: toLease(lease), reason } });
  }

  #ended(how: How): void {
    this.#emit({ case: "handlerEnded", value: { lease: toLease(this.#job.lease), how } });
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

function failureOf(fail: Fail): Error {
  const { kind, message, resourceKey } = fail;
  const failureClass = fail.failureClass as HandlerFailureClass;
  const options = failureClass === ("" as string) ? {} : { failureClass };
  const retryAfterMs = Number(fail.retryAfterMs);
  switch (kind) {
    case FailKind.TERMINAL:
      return new TerminalError(message, options);
    case FailKind.RETRYABLE:
      return new RetryableError(message, { ...options, ...(retryAfterMs > 0 && { retryAfterMs }) });
    case FailKind.THROTTLED:
      return new ThrottledError(message, { resourceKey, retryAfterMs });
    default:
      return new Error(message);
  }
}
