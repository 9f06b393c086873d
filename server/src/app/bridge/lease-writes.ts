import type { EndingCause } from "../../domain/ending.ts";
import type { LeaseRef, LeaseVerdict, WriteVerdict } from "../../domain/lease.ts";

/** An attempt that succeeded. */
export interface CompleteRequest {
  readonly lease: LeaseRef;
  readonly completionId: string;
  readonly result: Uint8Array;
  readonly artifacts: readonly { readonly name: string; readonly digest: string }[];
}

/** An attempt that is to end without success. */
export interface EndRequest {
  readonly lease: LeaseRef;
  readonly cause: EndingCause;
  readonly completionId: string | undefined;
  /** Who says so: "worker", or the loop's name. */
  readonly actor: string;
}

/** Which leases to give back, and what the history says about it. */
export interface ReturnRequest {
  readonly leases: readonly LeaseRef[];
  readonly actor: string;
  readonly reason: string;
  /** True: leases that were accepted meanwhile stay. */
  readonly onlyOffered: boolean;
}

/** A lease to renew, and the session that does it, if it is one. */
export interface Renewal {
  readonly lease: LeaseRef;
  readonly sessionId: string | undefined;
}

/** What became of a renewal; a cancelled lease says why and what is left of it. */
export interface RenewAnswer {
  readonly verdict: LeaseVerdict;
  readonly cancelReason: "user" | "deadline" | "preempted" | "drain" | undefined;
  readonly leftMs: number;
  /** How long the attempt may still run, in milliseconds, if an operator moved its deadline. */
  readonly attemptLeftMs: number | undefined;
  /** The job's type, if the lease is current. */
  readonly jobType: string | undefined;
}

/** Progress of one attempt. */
export interface ProgressWrite {
  readonly lease: LeaseRef;
  readonly fraction: number;
  readonly message: string;
  /** Empty: the checkpoint that is there stays. */
  readonly checkpoint: Uint8Array;
}

/** What became of an accept. */
export type AcceptVerdict = "applied" | "already_applied" | "stale_lease";

/** A lease to give back, and why. */
export interface ReleaseRequest {
  readonly lease: LeaseRef;
  readonly reason: "unstarted" | "drained";
}

/**
 * Writes under leases, for streams and unary calls alike. Each takes many items and answers each,
 * in order, once the answer is durable; batches are shared with other callers'.
 */
export interface LeaseWrites {
  readonly accept: (leases: readonly LeaseRef[]) => Promise<readonly AcceptVerdict[]>;
  readonly renew: (renewals: readonly Renewal[]) => Promise<readonly RenewAnswer[]>;
  readonly progress: (writes: readonly ProgressWrite[]) => Promise<readonly WriteVerdict[]>;
  readonly complete: (requests: readonly CompleteRequest[]) => Promise<readonly WriteVerdict[]>;
  readonly end: (requests: readonly EndRequest[]) => Promise<readonly WriteVerdict[]>;
  readonly release: (requests: readonly ReleaseRequest[]) => Promise<readonly WriteVerdict[]>;
}

/** The ledger's side of {@link LeaseWrites}: batched, and announced when committed. */
export interface LeaseWritePorts {
  readonly accept: LeaseWrites["accept"];
  readonly renew: LeaseWrites["renew"];
  /** No two of the writes are about the same job. */
  readonly progress: (writes: readonly ProgressWrite[]) => Promise<readonly boolean[]>;
  readonly complete: LeaseWrites["complete"];
  readonly end: LeaseWrites["end"];
  readonly giveBack: (request: ReturnRequest) => Promise<readonly ("applied" | "stale_lease")[]>;
  readonly maxResultBytes: number;
}

/** Puts the writes under leases together. */
export const leaseWrites = (ports: LeaseWritePorts): LeaseWrites => ({
  accept: ports.accept,
  renew: ports.renew,
  end: ports.end,

  async progress(writes) {
    const newest = new Map<string, ProgressWrite>();
    for (const write of writes) {
      const key = jobKey(write.lease);
      const before = newest.get(key);
      const checkpoint =
        write.checkpoint.length === 0 && before !== undefined
          ? before.checkpoint
          : write.checkpoint;
      newest.set(key, { ...write, checkpoint });
    }
    const applied = await ports.progress([...newest.values()]);
    const verdicts = new Map([...newest.keys()].map((key, index) => [key, applied[index]]));
    return writes.map(({ lease }) =>
      verdicts.get(jobKey(lease)) === true
        ? { kind: "applied", state: "running" }
        : { kind: "stale_lease", state: undefined },
    );
  },

  complete: (requests) =>
    settle(
      requests,
      ({ result }) =>
        result.length > ports.maxResultBytes
          ? { kind: "result_too_large", bytes: result.length, maxBytes: ports.maxResultBytes }
          : undefined,
      ports.complete,
    ),

  async release(requests) {
    const unstarted = requests.filter((request) => request.reason === "unstarted");
    const drained = requests.filter((request) => request.reason === "drained");
    const answers = new Map<ReleaseRequest, WriteVerdict>();
    const returned = unstarted.length === 0 ? [] : await ports.giveBack(giveBackOf(unstarted));
    unstarted.forEach((request, index) => {
      if (returned[index] === "applied") answers.set(request, { kind: "applied", state: "ready" });
      // Stale, or to be cancelled: ending it tells the two apart.
      else drained.push(request);
    });
    const ended = drained.length === 0 ? [] : await ports.end(drained.map(drainOf));
    drained.forEach((request, index) => {
      answers.set(request, ended[index] as WriteVerdict);
    });
    return requests.map((request) => answers.get(request) as WriteVerdict);
  },
});

const jobKey = (lease: LeaseRef) => `${lease.tenant}\0${lease.jobId}\0${lease.leaseEpoch}`;

const giveBackOf = (requests: readonly ReleaseRequest[]): ReturnRequest => ({
  leases: requests.map((request) => request.lease),
  actor: "worker",
  reason: "given back before the handler began",
  onlyOffered: false,
});

const drainOf = ({ lease }: ReleaseRequest): EndRequest => ({
  lease,
  cause: { kind: "interrupted", failureClass: "drained", message: "the worker drained" },
  completionId: undefined,
  actor: "worker",
});

/** Answers what can be answered without the ledger, and asks it about the rest. */
async function settle<Item, Answer>(
  items: readonly Item[],
  early: (item: Item) => Answer | undefined,
  ask: (items: readonly Item[]) => Promise<readonly Answer[]>,
): Promise<readonly Answer[]> {
  const answers = items.map(early);
  const open = [...items.keys()].filter((index) => answers[index] === undefined);
  if (open.length === 0) return answers as Answer[];
  const asked = await ask(open.map((index) => items[index] as Item));
  open.forEach((index, position) => {
    answers[index] = asked[position];
  });
  return answers as Answer[];
}
