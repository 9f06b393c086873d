import type { LeasePolicy } from "../../domain/lease-policy.ts";
import type { Offer } from "../../domain/offer.ts";
import type { Claimant } from "./claimant.ts";

/** A unary request for jobs, with every default filled in. */
export interface ClaimRequest {
  readonly tenant: string;
  readonly claimRequestId: string;
  readonly workerId: string;
  readonly jobTypes: readonly string[];
  readonly queues: readonly string[];
  readonly maxJobs: number;
  /** How long to wait for the first job; the policy's default if not set. In milliseconds. */
  readonly waitMs: number | undefined;
  readonly maxPayloadBytes: number;
}

/** What a unary claim needs. */
export interface ClaimJobsPorts {
  readonly policy: LeasePolicy;
  /** The leases that an earlier claim with this id got and that are current; undefined: none. */
  readonly findReceipt: (
    tenant: string,
    claimRequestId: string,
    workerId: string,
  ) => Promise<readonly Offer[] | undefined>;
  readonly register: (claimant: Claimant) => void;
  readonly unregister: (claimant: Claimant) => Promise<void>;
}

/**
 * Claims jobs for a caller that waits. It stands in the same line as the streams, so it neither
 * jumps a queue nor starves.
 *
 * @param signal ends the wait: the caller went away, or the server stops.
 */
export const claimJobs =
  (ports: ClaimJobsPorts) =>
  async (request: ClaimRequest, signal: AbortSignal): Promise<readonly Offer[]> => {
    const { tenant, claimRequestId, workerId } = request;
    const earlier = await ports.findReceipt(tenant, claimRequestId, workerId);
    if (earlier !== undefined) return earlier;
    const waitMs = Math.min(
      request.waitMs ?? ports.policy.unaryPollDefaultMs,
      ports.policy.unaryPollMaxMs,
    );
    let answer: readonly Offer[] | undefined;
    let waiting = true;
    let done: () => void = () => {};
    const waited = new Promise<void>((resolve) => {
      done = resolve;
    });
    const claimant: Claimant = {
      tenant,
      workerId,
      host: "",
      labels: {},
      sessionId: undefined,
      pools: [
        {
          name: "",
          queues: new Set(request.queues),
          jobTypes: new Set(request.jobTypes),
          free: () => (waiting && answer === undefined ? request.maxJobs : 0),
        },
      ],
      maxPayloadBytes: request.maxPayloadBytes,
      claimRequestId,
      leaseAtOnce: true,
      deliver: (_pool, offers) => {
        answer = offers;
        done();
        // Also when the caller has gone: it repeats the claim and gets these.
        return true;
      },
      // Nothing is ready: who does not want to wait has its answer.
      idle: () => {
        if (waitMs === 0) done();
      },
      // It has its answer, and nobody listens any more.
      full: () => {},
    };
    const timer = setTimeout(done, Math.max(waitMs, MIN_WAIT_MS));
    signal.addEventListener("abort", done, { once: true });
    if (signal.aborted) done();
    ports.register(claimant);
    await waited;
    waiting = false;
    clearTimeout(timer);
    signal.removeEventListener("abort", done);
    // A claim in flight may still deliver; it must not be lost in the moment of giving up.
    await ports.unregister(claimant);
    return answer ?? [];
  };

/** Long enough for one look at the ledger, for a caller that does not want to wait. */
const MIN_WAIT_MS = 1_000;
