import type { Blocked } from "../../domain/flow/blocked.ts";
import type { CancelReason, LeaseRef, LeaseVerdict, WriteVerdict } from "../../domain/lease.ts";
import type { LeasePolicy } from "../../domain/lease-policy.ts";
import type { Offer } from "../../domain/offer.ts";
import type { CompleteRequest, EndRequest, ProgressWrite, ReleaseRequest } from "./lease-writes.ts";

/** What a worker opens its session with. */
export interface Hello {
  readonly workerId: string;
  readonly instanceId: string;
  readonly pools: readonly {
    readonly name: string;
    readonly jobTypes: readonly string[];
    readonly queues: readonly string[];
    readonly slots: number;
  }[];
  readonly heldLeases: readonly LeaseRef[];
  readonly maxPayloadBytes: number;
  /** Whether jobs come with an active lease and without an offer. */
  readonly leaseAtOnce: boolean;
  readonly sdk: string;
  /** The machine that it runs on; empty if it does not say. */
  readonly host: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** What a worker sends after its Hello. */
export type WorkerFrame =
  | { readonly kind: "credit"; readonly pools: readonly { pool: string; slots: number }[] }
  | { readonly kind: "accept"; readonly leases: readonly LeaseRef[] }
  | { readonly kind: "heartbeat"; readonly leases: readonly LeaseRef[] }
  | { readonly kind: "progress"; readonly writes: readonly ProgressWrite[] }
  | { readonly kind: "complete"; readonly requests: readonly CompleteRequest[] }
  | { readonly kind: "fail"; readonly requests: readonly EndRequest[] }
  | { readonly kind: "release"; readonly requests: readonly ReleaseRequest[] }
  | {
      readonly kind: "throttle";
      readonly resourceKey: string;
      readonly retryAfterMs: number | undefined;
      readonly remaining: number | undefined;
    }
  | { readonly kind: "drain"; readonly reason: string }
  | { readonly kind: "ping"; readonly nonce: bigint }
  | { readonly kind: "pong"; readonly nonce: bigint };

/** Which write a result answers. */
export type WriteKind = "accept" | "progress" | "complete" | "fail" | "release";

/** The answer for one write under a lease. */
export interface WriteResult {
  readonly kind: WriteKind;
  readonly lease: LeaseRef;
  readonly completionId: string | undefined;
  readonly verdict: WriteVerdict;
}

/** The answer for one renewed lease. */
export interface Verdict {
  readonly lease: LeaseRef;
  readonly verdict: LeaseVerdict;
  /** How long the attempt may still run, in milliseconds, if an operator moved its deadline. */
  readonly attemptLeftMs: number | undefined;
}

/** What the server sends. */
export type ServerFrame =
  | { readonly kind: "welcome"; readonly sessionId: string; readonly policy: LeasePolicy }
  | {
      readonly kind: "offers";
      readonly pool: string;
      readonly offers: readonly Offer[];
      /** Whether the leases are active and need no accept. */
      readonly active: boolean;
    }
  | { readonly kind: "verdicts"; readonly verdicts: readonly Verdict[] }
  | {
      readonly kind: "cancels";
      readonly cancels: readonly {
        readonly jobId: string;
        readonly leaseEpoch: number;
        readonly reason: CancelReason;
        readonly graceMs: number;
      }[];
    }
  | {
      readonly kind: "goaway";
      readonly reason: "shutdown" | "max_age" | "superseded";
      readonly finishByMs: number;
      readonly reconnectWindowMs: number;
    }
  | { readonly kind: "results"; readonly results: readonly WriteResult[] }
  | {
      readonly kind: "hint";
      /** What limits the ready jobs wait for. */
      readonly blocked: readonly Blocked[];
      /** Whether they wait for free slots alone; if neither, nothing is ready. */
      readonly moreWorkersHelp: boolean;
    }
  | { readonly kind: "drain_ack" }
  | { readonly kind: "ping"; readonly nonce: bigint }
  | { readonly kind: "pong"; readonly nonce: bigint };

/** Why a session ended. */
export type SessionEnd =
  | { readonly kind: "closed" }
  | { readonly kind: "superseded" }
  /** By a session of the same instance: whose stream this is will see and open another. */
  | { readonly kind: "replaced" }
  | { readonly kind: "shutdown" }
  | { readonly kind: "max_age" }
  | { readonly kind: "silent"; readonly silentMs: number }
  | { readonly kind: "overrun"; readonly frames: number }
  | { readonly kind: "protocol"; readonly reason: string; readonly message: string }
  | { readonly kind: "failed"; readonly error: unknown };
