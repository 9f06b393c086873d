import type { ReadyLane } from "../domain/offer.ts";

/** What replicas tell each other, and the parts of one replica. Only hints: losing one delays. */
export type Notice =
  | {
      readonly kind: "ready";
      readonly lanes: readonly ReadyLane[];
      /** Whether this replica committed them. */
      readonly here: boolean;
    }
  | { readonly kind: "changed"; readonly tenants: readonly string[] }
  /** Settings or sources of the tenants changed. */
  | { readonly kind: "flow"; readonly tenants: readonly string[] }
  | { readonly kind: "scheduled" }
  /** There is an operation to work on. */
  | { readonly kind: "operation" }
  /** Ended jobs whose dependants have not all been told. */
  | { readonly kind: "cascade" }
  | {
      readonly kind: "stop";
      readonly tenant: string;
      readonly jobId: string;
      readonly leaseEpoch: number;
      readonly reason: "user" | "deadline" | "preempted";
      readonly graceMs: number;
    }
  | {
      readonly kind: "superseded";
      readonly sessionId: string;
      /** Of the session that took its place. */
      readonly instanceId: string;
    };

/** Carries notices to this replica's parts at once and to other replicas soon. */
export interface NoticeBoard {
  readonly publish: (notice: Notice) => void;
  /** Calls `listener` for every notice; returns what ends that. */
  readonly subscribe: (listener: (notice: Notice) => void) => () => void;
}

/** What a committed write means for the rest of the system. */
export interface Consequences {
  readonly changed: readonly string[];
  readonly lanes: readonly ReadyLane[];
  readonly scheduled: boolean;
  readonly cascading?: boolean;
}

/** Puts what a committed write means on the board. */
export function announce(board: NoticeBoard, after: Consequences): void {
  if (after.lanes.length > 0) board.publish({ kind: "ready", lanes: after.lanes, here: true });
  if (after.changed.length > 0) board.publish({ kind: "changed", tenants: after.changed });
  if (after.scheduled) board.publish({ kind: "scheduled" });
  if (after.cascading === true) board.publish({ kind: "cascade" });
}
